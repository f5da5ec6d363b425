"""Figure 4.7: how each player depends on its parameter (Sutton & Barto, Figure 2.6)."""

import numpy as np

from rlcore.algorithms.bandits import epsilon_greedy_bandit, gradient_bandit, ucb_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import GaussianBandit, gaussian_testbed

RUNS, STEPS, GROUPS = 1000, 1000, 20
PLAYERS = {  # name: exponents of two
    "$\\epsilon$-greedy: $\\epsilon$": range(-7, -1),
    "gradient, with baseline: $\\alpha$": range(-5, 2),
    "UCB: $c$": range(-4, 3),
    "optimistic, step size 0.1: $Q_1$": range(-2, 3),
}


def compute(seeds=(0,)):
    """Mean reward of the first 1000 steps, 20 groups of 50 runs.   y_0 ... y_3 (groups, parameters)"""
    rng = np.random.default_rng(seeds[0])
    mean = gaussian_testbed(RUNS, rng=rng).mean  # every point plays these bandits
    data = {}
    for i, exponents in enumerate(PLAYERS.values()):
        parameter = np.repeat(2.0 ** np.array(exponents), RUNS)
        bandit = GaussianBandit(np.tile(mean, (len(exponents), 1)))
        common = {"steps": STEPS, "rng": rng}
        pulls = (
            epsilon_greedy_bandit(bandit, epsilon=parameter, **common)
            if i == 0
            else gradient_bandit(bandit, alpha=parameter, **common)
            if i == 1
            else ucb_bandit(bandit, c=parameter, **common)
            if i == 2
            else epsilon_greedy_bandit(bandit, epsilon=0.0, alpha=0.1, Q1=parameter, **common)
        )
        y = pulls.reward.mean(axis=0, dtype=float)  # (parameters * runs,)
        data[f"y_{i}"] = y.reshape(len(exponents), GROUPS, -1).mean(axis=2).T
    return data


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(11, 5.8)
    lines = {name: Curve(list(PLAYERS[name]), data[f"y_{i}"]) for i, name in enumerate(PLAYERS)}
    plots.plot_curves(lines, xlabel="parameter", ylabel="mean reward of the first 1000 steps", ax=ax)
    ticks = range(-7, 3)
    ax.set(xlim=(-7.2, 2.2), ylim=(1.0, 1.55), xticks=ticks)
    ax.set_xticklabels([f"1/{2**-t}" if t < 0 else f"{2**t}" for t in ticks])
    ax.set_title("Ten-armed testbed, the same 1000 bandits at every point; bands: 95% intervals")
    return figure
