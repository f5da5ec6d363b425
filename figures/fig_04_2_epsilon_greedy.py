"""Figure 4.2: greedy and epsilon-greedy players on the ten-armed testbed (Sutton & Barto, Figure 2.2)."""

import numpy as np

from rlcore.algorithms.bandits import epsilon_greedy_bandit
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.bandits import expected_best, gaussian_testbed

EPSILON = (0.0, 0.01, 0.1)
RUNS, STEPS, GROUPS = 2000, 1000, 20


def compute(seeds=(0,)):
    """Means of 20 groups of 100 runs.   reward, optimal (players, groups, steps)"""
    rng = np.random.default_rng(seeds[0])
    bandit = gaussian_testbed(len(EPSILON) * RUNS, rng=rng)
    pulls = epsilon_greedy_bandit(bandit, steps=STEPS, epsilon=np.repeat(EPSILON, RUNS), rng=rng)

    def grouped(x):
        return x.reshape(STEPS, len(EPSILON), GROUPS, -1).mean(axis=3).transpose(1, 2, 0).astype(np.float32)

    return {"reward": grouped(pulls.reward), "optimal": grouped(pulls.optimal)}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5, columns=2)
    x = np.arange(1, STEPS + 1)
    ceilings = [expected_best(10), *((1 - e) * expected_best(10) for e in EPSILON[1:])]
    shares = [1.0, *(1 - 0.9 * e for e in EPSILON[1:])]
    for ax, name, scale, limits in zip(axes, ("reward", "optimal"), (1, 100), (ceilings, shares)):
        lines = {f"$\\epsilon$ = {e:g}": Curve(x, scale * y) for e, y in zip(EPSILON, data[name])}
        label = "mean reward" if name == "reward" else "runs that pull the best arm, %"
        plots.plot_curves(lines, xlabel="step", ylabel=label, legend="lower right", ax=ax)
        for line in ax.lines:
            line.set_linewidth(1.2)
        for limit, colour in list(zip(limits, plots.OKABE_ITO))[1:]:
            ax.axhline(scale * limit, color=colour, linewidth=1.2, alpha=0.7, linestyle=":", zorder=0)
    axes[0].set(ylim=(0, 1.6))
    axes[1].set(ylim=(0, 101))
    figure.suptitle("2000 bandits of ten arms; bands: 95% intervals of the mean; dotted: ceilings")
    return figure
