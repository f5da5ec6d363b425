"""Figure 6.2: batch TD and batch Monte Carlo on the random walk (Sutton & Barto, Figure 6.2)."""

import numpy as np

from rlcore.algorithms.batch import batch_mc, batch_td
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.chains import random_walk

TRUE = np.arange(1, 6) / 6
V0 = np.array([0, 0.5, 0.5, 0.5, 0.5, 0.5, 0])
RUNS, EPISODES = 100, 100


def compute(seeds=(0,)):
    """The error of each run after each episode, both methods on the same walks.   (runs, episodes) each"""
    data = {}
    for name, learn in (("batch TD", batch_td), ("batch MC", batch_mc)):
        trace = learn(
            random_walk(), np.ones((7, 1)), episodes=EPISODES, gamma=1.0,
            rng=np.random.default_rng(seeds[0]), runs=RUNS, V0=V0,
        ).trace  # fmt: skip
        data[name] = np.sqrt(((trace[..., 1:-1] - TRUE) ** 2).mean(axis=2)).T.astype(np.float32)
    return data


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(7.5, 5)
    lines = {name: Curve(np.arange(1, EPISODES + 1), y) for name, y in data.items()}
    plots.plot_curves(lines, xlabel="episodes", ylabel="RMS error over the five states", ax=ax)
    ax.set_ylim(0, 0.4)
    ax.set_title("100 runs on the same walks; bands: 95% intervals")
    return figure
