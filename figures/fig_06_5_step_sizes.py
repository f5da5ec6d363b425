"""Figure 6.5: interim and asymptotic performance on the cliff over the step size (after S&B, Figure 6.3)."""

import numpy as np

from rlcore.algorithms.td import expected_sarsa, q_learning, sarsa
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import cliff

LEARNERS = {"SARSA": sarsa, "expected SARSA": expected_sarsa, "Q-learning": q_learning}
RATES = np.arange(1, 11) / 10
RUNS, EPISODES, EARLY, LATE = 10, 400, 100, 200


def compute(seeds=(0,)):
    """Mean return of each run in its first 100 and its last 200 episodes.   name -> (2, runs, rates)"""
    data = {}
    for name, learn in LEARNERS.items():
        returns = learn(
            cliff(), episodes=EPISODES, alpha=np.repeat(RATES, RUNS), epsilon=0.1, gamma=1.0,
            rng=np.random.default_rng(seeds[0]), runs=len(RATES) * RUNS,
        ).returns  # fmt: skip
        parts = [returns[:, :EARLY].mean(axis=1), returns[:, -LATE:].mean(axis=1)]
        data[name] = np.stack(parts).reshape(2, len(RATES), RUNS).transpose(0, 2, 1)
    return data


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5, columns=2)
    titles = f"first {EARLY} episodes", f"episodes {EPISODES - LATE + 1} to {EPISODES}"
    for k, (ax, title) in enumerate(zip(axes, titles)):
        lines = {name: Curve(RATES, y[k]) for name, y in data.items()}
        plots.plot_curves(lines, xlabel="step size $\\alpha$", ylabel="mean return of an episode", ax=ax)
        ax.set_ylim(-160, 0)
        ax.set_title(title)
    figure.suptitle(f"The cliff, {RUNS} runs for each step size; bands: 95% intervals of the mean")
    return figure
