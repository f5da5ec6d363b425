"""Figure 6.4: what SARSA, expected SARSA and Q-learning earn on the cliff while they learn (S&B, Example 6.6)."""

import numpy as np

from rlcore.algorithms.td import expected_sarsa, q_learning, sarsa
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import cliff

LEARNERS = {"SARSA": sarsa, "expected SARSA": expected_sarsa, "Q-learning": q_learning}
EXACT = {"one row from the edge": -20.707677, "along the edge": -50.800048}  # with epsilon = 0.1
RUNS, EPISODES, BIN = 100, 500, 10
PATHS = {  # what the best epsilon-soft policy prefers, and the shortest way
    "one row from the edge": [36, 24, *range(12, 24), 35, 47],
    "along the edge": [36, *range(24, 36), 47],
}


def compute(seeds=(0,)):
    """Mean return of ten episodes each.   name -> (runs, episodes / 10)"""
    data = {}
    for name, learn in LEARNERS.items():
        returns = learn(
            cliff(), episodes=EPISODES, alpha=0.5, epsilon=0.1, gamma=1.0,
            rng=np.random.default_rng(seeds[0]), runs=RUNS,
        ).returns  # fmt: skip
        data[name] = returns.reshape(RUNS, -1, BIN).mean(axis=2).astype(np.float32)
    return data


def draw_cliff(ax):
    """The cliff in one piece, over the letters of its cells."""
    ax.fill_between([0.5, 10.5], 2.5, 3.5, facecolor=plots.WALL, edgecolor="white", zorder=5)
    ax.text(5.5, 3, "the cliff", color="white", ha="center", va="center", zorder=6)


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(9, 10, rows=3, height_ratios=(1.6, 1, 1))
    lines = {name: Curve(np.arange(BIN / 2, EPISODES, BIN), data[name]) for name in LEARNERS}
    plots.plot_curves(lines, xlabel="episode", ylabel="return of an episode", ax=axes[0])
    for (name, value), place in zip(EXACT.items(), ("bottom", "top")):
        axes[0].plot([0, EPISODES], [value, value], color="black", linestyle=":", linewidth=1.2)
        shift = 3 if place == "bottom" else -8
        axes[0].text(EPISODES, value + shift, f"{name}, exactly: {value:.2f}", ha="right", va=place)
    axes[0].set_ylim(-100, -10)
    axes[0].set_title("means of 100 runs over ten episodes each; bands: 95% intervals")
    for ax, (title, path) in zip(axes[1:], PATHS.items()):
        plots.plot_walk(cliff(), np.array(path), ax=ax)
        draw_cliff(ax)
        ax.set_title(f"{title}: {len(path) - 1} steps")
    return figure
