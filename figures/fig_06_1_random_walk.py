"""Figure 6.1: TD(0) and Monte Carlo on the random walk of five states (Sutton & Barto, Example 6.2)."""

import numpy as np

from rlcore.algorithms.monte_carlo import mc_prediction
from rlcore.algorithms.td import td0
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.chains import random_walk

TRUE = np.arange(1, 6) / 6
V0 = np.array([0, 0.5, 0.5, 0.5, 0.5, 0.5, 0])
RATES = {"TD": (0.05, 0.1, 0.15), "MC": (0.01, 0.02, 0.03, 0.04)}
RUNS, EPISODES, SHOWN = 100, 100, (1, 10, 100)


def compute(seeds=(0,)):
    """One run of TD(0) after some episodes, V (3, 5), and the errors of all, (rates, runs, episodes + 1)."""
    data = {}
    for method, rates in RATES.items():
        learn, more = (td0, {}) if method == "TD" else (mc_prediction, {"first_visit": False})
        trace = learn(
            random_walk(), np.ones((7, 1)), episodes=EPISODES, alpha=np.repeat(rates, RUNS), gamma=1.0,
            rng=np.random.default_rng(seeds[0]), runs=len(rates) * RUNS, V0=V0, **more,
        ).trace  # fmt: skip
        trace = np.concatenate([np.broadcast_to(V0, trace[:1].shape), trace])[..., 1:-1]
        error = np.sqrt(((trace - TRUE) ** 2).mean(axis=2)).T
        data[f"error of {method}"] = error.reshape(len(rates), RUNS, -1).astype(np.float32)
        if method == "TD":
            data["V"] = trace[list(SHOWN), RUNS]  # the first run at the second rate
    return data


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5, columns=2)
    states = np.arange(5)
    for k, V, colour in zip(SHOWN, data["V"], plots.OKABE_ITO):
        axes[0].plot(states, V, marker="o", color=colour, label=f"after {k} episode{'s' * (k > 1)}")
    axes[0].plot(states, TRUE, color="black", linestyle="--", label="true value")
    axes[0].plot(states, V0[1:-1], color="grey", linestyle=":", label="before")
    axes[0].set(xticks=states, xticklabels="ABCDE", xlabel="state", ylabel="estimated value", ylim=(0, 1))
    axes[0].legend(loc="upper left")
    axes[0].set_title("one run of TD(0), $\\alpha = 0.1$")
    x = np.arange(EPISODES + 1)
    lines = {
        f"{method} {rate:g}": Curve(x, y)
        for method, rates in RATES.items()
        for rate, y in zip(rates, data[f"error of {method}"])
    }
    plots.plot_curves(lines, xlabel="episodes", ylabel="RMS error over the five states", ax=axes[1])
    for k, line in enumerate(axes[1].lines):
        line.set_linestyle("-" if k < len(RATES["TD"]) else "--")
    axes[1].set_ylim(0, 0.25)
    axes[1].set_title("means of 100 runs, bands: 95% intervals")
    return figure
