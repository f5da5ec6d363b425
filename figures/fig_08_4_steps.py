"""Figure 8.4: steps an episode on mountain car, for three step sizes (Sutton & Barto, Figure 10.2)."""

import numpy as np

from rlcore.algorithms.linear import semi_gradient_sarsa
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.features import Tiles
from rlcore.problems.mountain_car import MountainCar

RUNS, EPISODES = 15, 60
RATES = (0.1, 0.2, 0.5)
CAR = Tiles((-1.2, -0.07), (0.5, 0.07), 8, 8)
ROCKING, OPTIMUM = 119.41, 97.66  # steps: push where one goes; value iteration on a fine grid


def compute(seeds=(0,)):
    """Steps of each episode.   (3, runs, episodes)"""
    run = semi_gradient_sarsa(
        MountainCar(horizon=10_000),
        CAR,
        episodes=EPISODES,
        alpha=np.repeat(RATES, RUNS) / 8,
        epsilon=0.0,
        gamma=1.0,
        rng=np.random.default_rng([*seeds, 84]),
        runs=len(RATES) * RUNS,
    )
    return {"steps": run.lengths.reshape(len(RATES), RUNS, EPISODES)}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.6)
    curves = {
        f"$\\alpha$ = {rate}/8": Curve(np.arange(1, EPISODES + 1), steps)
        for rate, steps in zip(RATES, data["steps"])
    }
    plots.plot_curves(
        curves, xlabel="episode", ylabel="steps, mean of 15 runs", log=True, legend="upper right", ax=ax
    )
    for level, name in ((ROCKING, "push where one goes"), (OPTIMUM, "near-optimal")):
        ax.axhline(level, color="#555555", linewidth=1.3, linestyle=":", label="_")
        ax.annotate(
            f"{name}: {level:.0f}",
            (1, level),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=plots.SMALL,
        )
    ax.set_yticks([100, 200, 500, 1000, 2000, 5000], ["100", "200", "500", "1000", "2000", "5000"])
    ax.set(ylim=(85, 6000), xlim=(0, EPISODES + 1))
    ax.minorticks_off()
    return figure
