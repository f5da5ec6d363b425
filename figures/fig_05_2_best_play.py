"""Figure 5.2: what Monte Carlo with exploring starts learns to do, and what is best (Sutton & Barto, Figure 5.2)."""

import numpy as np

from rlcore.algorithms.monte_carlo import mc_exploring_starts
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.blackjack import HANDS, HIT, STICK, Blackjack, blackjack_mdp

RUNS, GAMES = 100, 5000


def compute(seeds=(0,)):
    """The share of runs that hit, and whether best play hits.   (10, 2, 10) each"""
    out = mc_exploring_starts(
        Blackjack(), episodes=GAMES, gamma=1.0, rng=np.random.default_rng(seeds[0]), runs=RUNS
    )
    mdp = blackjack_mdp()
    best = mdp.lookahead(optimal_value(mdp))
    hits = [Q[..., :HANDS, HIT] > Q[..., :HANDS, STICK] for Q in (out.Q, best)]
    return {"share": hits[0].mean(axis=0).reshape(10, 2, 10), "best": hits[1].reshape(10, 2, 10)}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5.8, columns=2, sharey=True)
    for ax, usable in zip(axes, (1, 0)):
        image = ax.imshow(
            100 * data["share"][:, usable],
            origin="lower",
            extent=(0.5, 10.5, 11.5, 21.5),
            cmap="PuOr",
            vmin=0,
            vmax=100,
        )
        best = data["best"][:, usable]
        for y, x in np.argwhere(best[:, 1:] != best[:, :-1]):  # an edge between two of the dealer's cards
            ax.plot([x + 1.5] * 2, [y + 11.5, y + 12.5], color="black", linewidth=3)
        for y, x in np.argwhere(best[1:] != best[:-1]):  # an edge between two sums
            ax.plot([x + 0.5, x + 1.5], [y + 12.5] * 2, color="black", linewidth=3)
        for x, y, word in ((5.5, 20, "STICK"), (8.5, 13, "HIT")):
            box = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round"}
            ax.text(x, y, word, ha="center", va="center", fontsize=13, fontweight="bold", bbox=box)
        ax.set(xticks=range(1, 11), yticks=range(12, 22), xlabel="dealer shows")
        ax.set_xticklabels(["A", *map(str, range(2, 11))])
        ax.set_title(f"{'' if usable else 'no '}usable ace")
        ax.spines[:].set_visible(False)
    axes[0].set_ylabel("player's sum")
    bar = figure.colorbar(image, ax=axes, label=f"runs that hit, in % of {RUNS}", shrink=0.9)
    bar.outline.set_visible(False)
    figure.suptitle(
        f"Greedy actions after {GAMES:,} games with exploring starts; black: the border of best play"
    )
    return figure
