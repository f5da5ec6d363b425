"""Figure 7.5: a way is blocked, a shorter way opens: Dyna-Q and Dyna-Q+ (Sutton & Barto, Figures 8.4 and 8.5).

The shortcut opens after 1,500 of 3,000 steps; the original waits twice as long.
"""

import numpy as np

from rlcore.algorithms.planning import changing_world
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.problems.gridworlds import blocking_maze, shortcut_maze

STEPS, EVERY, RUNS = 3000, 25, 20
WORLDS = {"blocking": (1000, blocking_maze()), "shortcut": (1500, shortcut_maze())}
KAPPA = {"Dyna-Q": None, "Dyna-Q+": 1e-3}


def compute(seeds=(0,)):
    """Reward earned so far, every 25 steps.   (runs, 121)"""
    data = {}
    for world, (at, (before, after)) in WORLDS.items():
        for name, kappa in KAPPA.items():
            reward = changing_world(
                {0: before, at: after}, steps=STEPS, planning=10, alpha=1.0, epsilon=0.1, gamma=0.95, kappa=kappa,
                runs=RUNS, rng=np.random.default_rng(seeds[0]),
            )  # fmt: skip
            so_far = np.pad(reward.cumsum(axis=1), ((0, 0), (1, 0)))
            data[f"{world}_{name}"] = so_far[:, ::EVERY]
    return data


@plots.house_style()
def draw(data):
    x = np.arange(0, STEPS + 1, EVERY)
    figure, axes = plots.canvas(12, 5, columns=2, sharey=True)
    for ax, (world, (at, _)), title in zip(
        axes, WORLDS.items(), ("The way is blocked", "A shorter way opens")
    ):
        lines = {name: Curve(x, data[f"{world}_{name}"]) for name in KAPPA}
        plots.plot_curves(lines, xlabel="step", ylabel="rewards so far", legend="upper left", ax=ax)
        ax.axvline(at, color="black", linewidth=1, linestyle=":")
        ax.annotate("change", (at, 0), xytext=(5, 8), textcoords="offset points")
        ax.set(title=title, xlim=(0, STEPS), ylim=(0, 165), xticks=range(0, STEPS, 500))
        ax.label_outer()
    return figure
