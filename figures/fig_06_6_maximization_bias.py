"""Figure 6.6: Q-learning believes in luck, double Q-learning does not (Sutton & Barto, Figure 6.5 of Example 6.7)."""

import numpy as np

from rlcore.algorithms.td import double_q_learning, q_learning
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.chains import MaximizationBias

LEARNERS = {"Q-learning": q_learning, "double Q-learning": double_q_learning}
RUNS, EPISODES, GROUPS = 2000, 300, 40


def compute(seeds=(0,)):
    """The share of the runs of each of 40 groups that go left in each episode.   name -> (groups, episodes)"""
    data = {}
    for name, learn in LEARNERS.items():
        lengths = learn(
            MaximizationBias(), episodes=EPISODES, alpha=0.1, epsilon=0.1, gamma=1.0,
            rng=np.random.default_rng(seeds[0]), runs=RUNS,
        ).lengths  # fmt: skip
        data[name] = (lengths == 2).reshape(GROUPS, -1, EPISODES).mean(axis=1).astype(np.float32)
    return data


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(8.5, 5)
    lines = {name: Curve(np.arange(1, EPISODES + 1), 100 * y) for name, y in data.items()}
    plots.plot_curves(lines, xlabel="episode", ylabel="runs that go left, %", ax=ax)
    ax.axhline(5, color="black", linestyle=":", linewidth=1.2)
    ax.text(EPISODES, 4, "best: 5%", ha="right", va="top")
    ax.set_ylim(0, 100)
    ax.set_title("2000 runs; bands: 95% intervals of the mean")
    return figure
