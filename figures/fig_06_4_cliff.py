"""Figure 6.4: what SARSA, expected SARSA and Q-learning earn on the cliff while they learn (S&B, Example 6.6)."""

import numpy as np

from rlcore.algorithms.td import expected_sarsa, q_learning, sarsa
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import cliff

LEARNERS = {"SARSA": sarsa, "expected SARSA": expected_sarsa, "Q-learning": q_learning}
EXACT = {"best epsilon-soft": -20.707677, "explore along the edge": -50.800048}
RUNS, EPISODES, BIN = 100, 500, 10
EDGE = [36, *range(24, 36), 47]  # the shortest way
SAFE = [36, 24, *range(12, 24), 35, 47]  # what the best epsilon-soft policy prefers


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


@plots.house_style()
def draw(data):
    world = cliff()
    figure, axes = plots.canvas(9, 9, rows=3, height_ratios=(2.4, 1, 1))
    x = np.arange(BIN / 2, EPISODES, BIN)
    lines = {name: Curve(x, data[name]) for name in LEARNERS}
    plots.plot_curves(lines, xlabel="episode", ylabel="return of an episode", ax=axes[0])
    for value in EXACT.values():
        axes[0].axhline(value, color="black", linestyle=":", linewidth=1.2)
    axes[0].text(
        250, EXACT["best epsilon-soft"] + 3, "best $\\epsilon$-soft policy, exactly", ha="center", va="bottom"
    )
    axes[0].text(
        250, EXACT["explore along the edge"] - 5, "best path, exploring, exactly", ha="center", va="top"
    )
    axes[0].set_ylim(-100, -10)
    axes[0].set_title("means of 100 runs over ten episodes each; bands: 95% intervals")
    for ax, path, title in ((axes[1], SAFE, "one row from the edge"), (axes[2], EDGE, "along the edge")):
        plots.plot_walk(world, np.array(path), ax=ax)
        ax.set_title(f"{title}: {len(path) - 1} steps")
    return figure
