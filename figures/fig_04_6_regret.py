"""Figure 4.6: regret of epsilon-greedy, UCB and Thompson sampling on coins, and the bound of Lai and Robbins."""

import numpy as np

from rlcore.algorithms.bandits import epsilon_greedy_bandit, regret, thompson_beta, ucb_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import BernoulliBandit

MEAN = np.array([0.8, 0.6, 0.5, 0.3])
RUNS, STEPS, GROUPS = 300, 4000, 20
SHOWN = np.unique(np.geomspace(1, STEPS, 80).round().astype(int))
NAMES = "$\\epsilon = 0.1$", "greedy", "UCB, $c = \\sqrt{2}$", "UCB, $c = 1/2$", "Thompson"


def compute(seeds=(0,)):
    """Regret at some steps, means of 20 groups of 15 runs.   regret (players, groups, shown)"""
    rng = np.random.default_rng(seeds[0])
    once, twice = BernoulliBandit(np.tile(MEAN, (RUNS, 1))), BernoulliBandit(np.tile(MEAN, (2 * RUNS, 1)))
    epsilon, c = np.repeat([[0.1, 0.0], [np.sqrt(2), 0.5]], RUNS, axis=1)
    players = (
        epsilon_greedy_bandit(twice, steps=STEPS, epsilon=epsilon, rng=rng),
        ucb_bandit(twice, steps=STEPS, c=c, rng=rng),
        thompson_beta(once, steps=STEPS, rng=rng),
    )
    lost = np.hstack([regret(pulls)[SHOWN - 1] for pulls in players])  # (shown, 5 * runs)
    return {"regret": lost.reshape(len(SHOWN), len(NAMES), GROUPS, -1).mean(axis=3).transpose(1, 2, 0)}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5.4, columns=2)
    lines = {name: Curve(SHOWN, y) for name, y in zip(NAMES, data["regret"])}
    p, best = MEAN[1:], MEAN[0]
    kl = p * np.log(p / best) + (1 - p) * np.log((1 - p) / (1 - best))
    late, slope = SHOWN[SHOWN >= 400], ((best - p) / kl).sum()
    bound = data["regret"][-1, :, -1].mean() + 7 + slope * np.log(late / STEPS)  # 7 above Thompson's line
    for ax, scale, corner in zip(axes, ("linear", "log"), ("upper right", "upper left")):
        plots.plot_curves(lines, xlabel="step", ylabel="regret", legend=corner, ax=ax)
        ax.set(xscale=scale, ylim=(0, 300 if scale == "linear" else 90))
    axes[1].plot(late, bound, color="#777777", linewidth=4, label="slope of the lower bound")
    axes[0].set(title="straight where a share of the pulls is lost for good")
    axes[1].set(title="the same, time in logarithms: straight is $\\ln t$", xlim=(8, STEPS))
    axes[1].legend(loc="upper left", framealpha=0.9)
    return figure
