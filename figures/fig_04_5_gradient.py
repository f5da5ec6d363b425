"""Figure 4.5: the gradient bandit with and without a baseline, means around 4 (Sutton & Barto, Figure 2.5)."""

import numpy as np

from rlcore.algorithms.bandits import gradient_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import gaussian_testbed

ALPHA, BASELINE = (0.1, 0.4, 0.1, 0.4), (True, True, False, False)
RUNS, STEPS, GROUPS = 2000, 1000, 20


def compute(seeds=(0,)):
    """Share of best arms, means of 20 groups of 100 runs.   optimal (players, groups, steps)"""
    rng = np.random.default_rng(seeds[0])
    bandit = gaussian_testbed(len(ALPHA) * RUNS, shift=4.0, rng=rng)
    alpha, baseline = np.repeat(ALPHA, RUNS), np.repeat(BASELINE, RUNS)
    optimal = gradient_bandit(bandit, steps=STEPS, alpha=alpha, baseline=baseline, rng=rng).optimal
    groups = optimal.reshape(STEPS, len(ALPHA), GROUPS, -1).mean(axis=3)
    return {"optimal": groups.transpose(1, 2, 0).astype(np.float32)}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.6)
    x = np.arange(1, STEPS + 1)
    names = (f"{'with' if b else 'no'} baseline, $\\alpha$ = {a:g}" for a, b in zip(ALPHA, BASELINE))
    lines = {name: Curve(x, 100 * y) for name, y in zip(names, data["optimal"])}
    plots.plot_curves(lines, xlabel="step", ylabel="runs that pull the best arm, %", ax=ax)
    for line in ax.lines:
        line.set_linewidth(1.6)
    ax.set(ylim=(0, 101), title="Gradient bandit, ten arms with means around 4")
    return figure
