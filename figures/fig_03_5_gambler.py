"""Figure 3.5: the gambler's problem (Sutton & Barto, Example 4.3): value and all optimal stakes."""

import numpy as np

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gambler import gambler

P_HEADS = (0.25, 0.4, 0.55)


def compute(seeds=()):
    """V* for three coins, and for p_h = 0.4 the optimal stakes of each capital, without the stake 0."""
    V = np.stack([optimal_value(gambler(p)) for p in P_HEADS])
    game = gambler(0.4)
    Q = game.lookahead(V[P_HEADS.index(0.4)])
    capital, stake = np.indices(Q.shape)
    possible = (stake >= 1) & (stake <= np.minimum(capital, Q.shape[0] - 1 - capital))
    return {"V": V, "best": possible & (Q.max(axis=1, keepdims=True) - Q < 1e-9)}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5.2, columns=2)
    capital = np.arange(data["V"].shape[1])
    lines = {f"$p_h$ = {p}": (capital[1:-1], V[1:-1]) for p, V in zip(P_HEADS, data["V"])}
    plots.plot_curves(lines, xlabel="capital", ylabel="chance of reaching 100", ax=left)
    left.set_title("Value of the best play")
    s, stake = np.nonzero(data["best"])
    right.plot(s, stake, "o", color=plots.OKABE_ITO[0], markersize=5, label="optimal stake")
    right.set(xlabel="capital", ylabel="stake", title="All optimal stakes, $p_h$ = 0.4", ylim=(0, 52))
    right.grid(True, color="#DDDDDD", linewidth=0.8)
    right.set_axisbelow(True)
    return figure
