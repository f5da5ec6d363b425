"""Figure 5.2: what Monte Carlo with exploring starts learns to do, and what is best (Sutton & Barto, Figure 5.2)."""

import numpy as np

from rlcore.algorithms.monte_carlo import mc_exploring_starts
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.blackjack import HANDS, HIT, STICK, Blackjack, blackjack_mdp

RUNS, GAMES = 100, 5000


def compute(seeds=(0,)):
    """Q(s, hit) - Q(s, stick): mean over runs, its standard error, and that of best play.   (10, 2, 10) each"""
    out = mc_exploring_starts(
        Blackjack(), episodes=GAMES, gamma=1.0, rng=np.random.default_rng(seeds[0]), runs=RUNS
    )
    mdp = blackjack_mdp()
    best = mdp.lookahead(optimal_value(mdp))
    gain, exact = (Q[..., :HANDS, HIT] - Q[..., :HANDS, STICK] for Q in (out.Q, best))
    tables = {"gain": gain.mean(axis=0), "se": gain.std(axis=0, ddof=1) / np.sqrt(RUNS), "exact": exact}
    return {name: table.reshape(10, 2, 10) for name, table in tables.items()}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(12, 5.8, columns=2, sharey=True)
    for ax, usable in zip(axes, (1, 0)):
        gain, sure = data["gain"][:, usable], np.abs(data["gain"] / data["se"])[:, usable] > 1.96
        image = ax.imshow(
            gain, origin="lower", extent=(0.5, 10.5, 11.5, 21.5), cmap="PuOr", vmin=-0.6, vmax=0.6
        )
        for y, x in np.ndindex(gain.shape):
            letter = "H" if gain[y, x] > 0 else "S"
            ax.text(
                x + 1,
                y + 12,
                letter if sure[y, x] else letter.lower(),
                ha="center",
                va="center",
                fontsize=12,
                color="white" if abs(gain[y, x]) > 0.4 else "black",
            )
        best = data["exact"][:, usable] > 0
        for y, x in np.argwhere(best[:, 1:] != best[:, :-1]):  # an edge between two of the dealer's cards
            ax.plot([x + 1.5] * 2, [y + 11.5, y + 12.5], color="black", linewidth=3)
        for y, x in np.argwhere(best[1:] != best[:-1]):  # an edge between two sums
            ax.plot([x + 0.5, x + 1.5], [y + 12.5] * 2, color="black", linewidth=3)
        ax.set(xticks=range(1, 11), yticks=range(12, 22), xlabel="dealer shows")
        ax.set_xticklabels(["A", *map(str, range(2, 11))])
        ax.set_title(f"{'' if usable else 'no '}usable ace")
        ax.spines[:].set_visible(False)
    axes[0].set_ylabel("player's sum")
    bar = figure.colorbar(
        image, ax=axes, label="hitting instead of sticking gains", shrink=0.9, extend="both"
    )
    bar.outline.set_visible(False)
    figure.suptitle(
        f"H hit, S stick: mean of {RUNS} runs of {GAMES:,} games; black line: the border of best play"
    )
    return figure
