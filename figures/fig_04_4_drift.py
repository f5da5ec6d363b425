"""Figure 4.4: sample averages against a constant step size where the means drift (Sutton & Barto, Exercise 2.5)."""

import numpy as np

from rlcore.algorithms.bandits import epsilon_greedy_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import DriftingBandit

RUNS, STEPS, GROUPS, BLOCK = 200, 10_000, 20, 100


def compute(seeds=(0,)):
    """Share of best arms in blocks of 100 steps, means of 20 groups of 10 runs.   optimal (2, groups, blocks)"""
    shares = []
    for alpha in (None, 0.1):  # the same stream twice: the same drift for both
        rng = np.random.default_rng(seeds[0])
        bandit = DriftingBandit(np.zeros((RUNS, 10)), walk=0.01)
        optimal = epsilon_greedy_bandit(bandit, steps=STEPS, epsilon=0.1, alpha=alpha, rng=rng).optimal
        shares.append(optimal.reshape(-1, BLOCK, GROUPS, RUNS // GROUPS).mean(axis=(1, 3)).T)
    return {"optimal": np.stack(shares)}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.2)
    x = np.arange(BLOCK, STEPS + 1, BLOCK)
    names = "sample averages", "constant step size 0.1"
    lines = {name: Curve(x, 100 * y) for name, y in zip(names, data["optimal"])}
    plots.plot_curves(
        lines, xlabel="step", ylabel="runs that pull the best arm, %", legend="upper left", ax=ax
    )
    ax.set(ylim=(0, 101), title="Ten arms whose means walk at random, $\\epsilon$ = 0.1")
    return figure
