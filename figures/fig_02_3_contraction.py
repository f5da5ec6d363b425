"""Figure 2.3: the Bellman optimality operator is a contraction, whatever the start."""

from dataclasses import replace

import numpy as np

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import teleport_grid

GAMMAS = (0.5, 0.9, 0.99)
STARTS = ("0", "noise", "$V^*$ + 1")
K = 60


def compute(seeds=(0,)):
    """max|V_k - V*| for each gamma and start, k = 0 .. K.   -> (gammas, starts, K + 1)"""
    grid = teleport_grid().dense()
    noise = np.random.default_rng(seeds[0]).normal(size=grid.n_states)
    distance = np.empty((len(GAMMAS), len(STARTS), K + 1))
    for i, gamma in enumerate(GAMMAS):
        mdp = replace(grid, gamma=gamma)
        best = optimal_value(mdp)
        for j, V in enumerate((np.zeros_like(best), best + 10 * noise, best + 1)):
            for k in range(K + 1):
                distance[i, j, k] = np.abs(V - best).max()
                V = mdp.lookahead(V).max(axis=1)
    return {"distance": distance}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(13.3, 5, columns=3, sharey=True)
    for ax, gamma, distance in zip(axes, GAMMAS, data["distance"]):
        # below 1e-9 of the start, rounding is what is seen
        lines = {start: d[d >= 1e-9 * d[0]] for start, d in zip(STARTS, distance)}
        plots.plot_contraction(lines, gamma, ax=ax)
        ax.set(title=f"$\\gamma$ = {gamma}", ylim=(1e-9, 3), xlim=(0, K))
    for ax in axes[1:]:
        ax.set_ylabel("")
    return figure
