"""Figure 4.3: optimistic estimates and UCB beside epsilon-greedy (Sutton & Barto, Figures 2.3 and 2.4)."""

import numpy as np

from rlcore.algorithms.bandits import epsilon_greedy_bandit, ucb_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import gaussian_testbed

RUNS, STEPS, GROUPS = 2000, 1000, 20


def grouped(x):
    """Means of 20 groups of runs.   (steps, players * runs) -> (players, groups, steps)"""
    return x.reshape(STEPS, -1, GROUPS, RUNS // GROUPS).mean(axis=3).transpose(1, 2, 0).astype(np.float32)


def compute(seeds=(0,)):
    """Share of best arms of the optimist and of epsilon-greedy; reward of UCB and of epsilon-greedy."""
    rng = np.random.default_rng(seeds[0])
    epsilon, Q1 = np.repeat([[0.0, 0.1], [5.0, 0.0]], RUNS, axis=1)
    optimist = epsilon_greedy_bandit(
        gaussian_testbed(2 * RUNS, rng=rng), steps=STEPS, epsilon=epsilon, alpha=0.1, Q1=Q1, rng=rng
    )
    ucb = ucb_bandit(gaussian_testbed(RUNS, rng=rng), steps=STEPS, c=2.0, rng=rng)
    plain = epsilon_greedy_bandit(gaussian_testbed(RUNS, rng=rng), steps=STEPS, epsilon=0.1, rng=rng)
    return {"optimal": grouped(optimist.optimal), "reward": grouped(np.hstack([ucb.reward, plain.reward]))}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5, columns=2)
    x = np.arange(1, STEPS + 1)
    names = "optimistic: $Q_1 = 5$, $\\epsilon = 0$", "realistic: $Q_1 = 0$, $\\epsilon = 0.1$"
    lines = {name: Curve(x, 100 * y) for name, y in zip(names, data["optimal"])}
    plots.plot_curves(
        lines, xlabel="step", ylabel="runs that pull the best arm, %", legend="lower right", ax=axes[0]
    )
    lines = {name: Curve(x, y) for name, y in zip(("UCB, $c = 2$", "$\\epsilon = 0.1$"), data["reward"])}
    plots.plot_curves(lines, xlabel="step", ylabel="mean reward", legend="lower right", ax=axes[1])
    for line in (*axes[0].lines, *axes[1].lines):
        line.set_linewidth(1.2)
    axes[0].set(ylim=(0, 101), title="both with constant step size 0.1")
    axes[1].set(ylim=(0, 1.6), title="both with sample averages")
    return figure
