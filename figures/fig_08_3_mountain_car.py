"""Figure 8.3: the cost to go that SARSA believes in, after 1, 12 and 104 episodes (Sutton & Barto, Figure 10.1)."""

import numpy as np

from rlcore.algorithms.linear import semi_gradient_sarsa
from rlcore.lab import plots
from rlcore.learning.features import Tiles
from rlcore.problems.mountain_car import MountainCar

AFTER = (1, 12, 104)
CAR = Tiles((-1.2, -0.07), (0.5, 0.07), 8, 8)
X, SPEED = np.linspace(-1.2, 0.5, 33), np.linspace(-0.07, 0.07, 33)


def compute(seeds=(0,)):
    """-max_a q on a grid of places and speeds, one run.   cost (3, 33, 33), lengths (104,)"""
    rng = np.random.default_rng([*seeds, 83])
    where = CAR(np.stack(np.meshgrid(X, SPEED, indexing="ij"), axis=-1))
    cost, lengths, w = [], [], None
    for episodes in np.diff((0, *AFTER)):
        run = semi_gradient_sarsa(
            MountainCar(horizon=10_000),
            CAR,
            episodes=int(episodes),
            alpha=0.5 / 8,
            epsilon=0.0,
            gamma=1.0,
            rng=rng,
            w0=w,
        )
        w = run.w
        cost.append(-w[0][:, where].sum(axis=-1).max(axis=0))
        lengths.append(run.lengths[0])
    return {"cost": np.stack(cost), "lengths": np.concatenate(lengths)}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(16, 5.2, columns=3, subplot_kw={"projection": "3d"})
    x, speed = np.meshgrid(X, SPEED, indexing="ij")
    for ax, k, cost in zip(axes, AFTER, data["cost"]):
        ax.plot_surface(
            x, speed, cost, cmap="viridis", rstride=1, cstride=1, linewidth=0.1, edgecolor="#33333355"
        )
        ax.set_title(f"after episode {k}", y=0.98)
        ax.set_xlabel("place $x$", labelpad=6)
        ax.set_ylabel("speed $\\dot x$", labelpad=9)
        ax.set_zlabel("steps to go", labelpad=8)
        ax.set_xticks([-1.2, -0.5, 0.5])
        ax.set_yticks([-0.07, 0, 0.07])
        ax.view_init(elev=38, azim=-58)
        ax.set_box_aspect(None, zoom=0.84)
    return figure
