"""Figure 1.1: how the discount weighs the future, and what it makes of the shortest walk."""

import numpy as np

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import walk

GAMMAS = (0.5, 0.8, 0.9, 0.99)


def compute(seeds=()):
    """Weights gamma^k, and the return of the shortest walk from the corner, V*(0), for many gammas."""
    k = np.arange(41)
    gamma = np.linspace(0, 1, 101)
    return {
        "k": k,
        "weight": np.array(GAMMAS)[:, None] ** k,
        "gamma": gamma,
        "G": np.array([optimal_value(walk(g))[0] for g in gamma]),
        "G_marked": np.array([optimal_value(walk(g))[0] for g in GAMMAS]),
    }


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(12.5, 5, columns=2)
    lines = {f"$\\gamma$ = {g}": (data["k"], w) for g, w in zip(GAMMAS, data["weight"])}
    plots.plot_curves(lines, xlabel="steps $k$ until the reward", ylabel="weight $\\gamma^k$", ax=left)
    left.set_title("What a reward counts")

    right.axhline(0, color="black", linewidth=1)
    plots.plot_curves(
        {"$G_0$": (data["gamma"], data["G"])},
        xlabel="discount $\\gamma$",
        ylabel="return $G_0$ (reward)",
        ax=right,
    )
    right.plot(GAMMAS, data["G_marked"], "o", color=plots.OKABE_ITO[1], markersize=9, zorder=5)
    for g, G, aside in zip(GAMMAS, data["G_marked"], ((10, 6), (-14, 16), (12, -5), (-44, -5))):
        right.annotate(f"{G:.1f}".replace("-", "\u2212"), (g, G), aside, textcoords="offset points")
    right.set_title("The shortest walk: nine times \u22121, then +10")
    return figure
