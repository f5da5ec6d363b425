"""Figure 5.1: what stick-on-20 is worth, after 10,000 and 500,000 games and exactly (Sutton & Barto, Figure 5.1)."""

import numpy as np

from rlcore.algorithms.monte_carlo import mc_average
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.problems.blackjack import HANDS, Blackjack, blackjack_mdp, stick_from

GAMES = (10_000, 500_000)


def compute(seeds=(0,)):
    """V of the 200 hands, (10, 2, 10), after so many games, and the exact one."""
    rng = np.random.default_rng(seeds[0])
    learned = [mc_average(Blackjack(), stick_from(20), episodes=n, gamma=1.0, rng=rng)[0] for n in GAMES]
    V = np.stack([*learned, policy_value(blackjack_mdp(), stick_from(20))])
    return {"V": V[:, :HANDS].reshape(3, 10, 2, 10)}


@plots.house_style()
def draw(data):
    figure = plots.Picture(figsize=(13, 8), layout="constrained")
    dealer, total = np.meshgrid(np.arange(1, 11), np.arange(12, 22))
    for column, title in enumerate(("10,000 games", "500,000 games", "exact")):
        for row, usable in enumerate((1, 0)):
            ax = figure.add_subplot(2, 3, 3 * row + column + 1, projection="3d")
            V = data["V"][column, :, usable]
            ax.plot_surface(
                dealer,
                total,
                V,
                cmap="viridis",
                vmin=-1,
                vmax=1,
                edgecolor="black",
                linewidth=0.3,
                rcount=10,
                ccount=10,
            )
            ax.set(zlim=(-1, 1), xticks=[1, 4, 7, 10], yticks=[12, 15, 18, 21], zticks=[-1, 0, 1])
            ax.set_xticklabels(["A", "4", "7", "10"])
            ax.set_xlabel("dealer shows", labelpad=4)
            ax.set_ylabel("player's sum", labelpad=4)
            ax.set_zlabel("value", labelpad=0)
            ax.view_init(elev=28, azim=-50)
            ax.set_box_aspect(None, zoom=0.96)
            ax.set_title(f"{title}, {'' if usable else 'no '}usable ace")
    figure.suptitle("Value of sticking on 20 and 21 only, in games won minus games lost")
    return figure
