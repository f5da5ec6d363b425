"""Figure 7.4: steps per episode of Dyna-Q in the Dyna maze (Sutton & Barto, Figure 8.2)."""

import numpy as np

from rlcore.algorithms.planning import dyna_q
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import dyna_maze

PLANNING = (0, 5, 50)
RUNS, EPISODES = 20, 50


def compute(seeds=(0,)):
    """Steps of each episode, 20 runs of each kind.   (runs, episodes)"""
    return {
        f"steps_{n}": dyna_q(
            dyna_maze(), episodes=EPISODES, planning=n, alpha=0.1, epsilon=0.1, gamma=0.95, runs=RUNS,
            rng=np.random.default_rng(seeds[0]),
        ).lengths
        for n in PLANNING
    }  # fmt: skip


@plots.house_style()
def draw(data):
    x = np.arange(2, EPISODES + 1)
    lines = {
        f"{n} planning steps" if n else "none: Q-learning": Curve(x, data[f"steps_{n}"][:, 1:])
        for n in PLANNING
    }
    figure, ax = plots.canvas(10, 5.4)
    plots.plot_curves(
        lines,
        xlabel="episode (the first one is not shown)",
        ylabel="steps to the goal",
        legend="upper right",
        ax=ax,
    )
    ax.axhline(14, color="black", linewidth=1, linestyle=":")
    ax.annotate("shortest way: 14", (EPISODES, 14), xytext=(0, -16), textcoords="offset points", ha="right")
    ax.set(
        title="Dyna maze, $\\alpha$ = 0.1, $\\epsilon$ = 0.1; mean and 95% interval of 20 runs", yscale="log"
    )
    ax.set(
        yticks=[10, 20, 50, 100, 200, 500],
        yticklabels=["10", "20", "50", "100", "200", "500"],
        ylim=(9, 1200),
    )
    ax.minorticks_off()
    return figure
