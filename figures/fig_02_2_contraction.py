"""Figure 2.2: the Bellman optimality operator is a contraction, whatever the start."""

from dataclasses import replace

import numpy as np

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import teleport_grid

GAMMAS = (0.5, 0.9, 0.99)
STARTS = ("from 0", "from $V^*$ \u2212 noise", "from $V^*$, B too high")
K = 60


def compute(seeds=(0,)):
    """max|V_k - V*| for each gamma and start, k = 0 .. K.   -> (gammas, starts, K + 1)"""
    grid = teleport_grid().dense()
    noise = 10 * np.abs(np.random.default_rng(seeds[0]).normal(size=grid.n_states))
    too_high = 10.0 * (np.arange(grid.n_states) == 3)
    distance = np.empty((len(GAMMAS), len(STARTS), K + 1))
    for i, gamma in enumerate(GAMMAS):
        mdp = replace(grid, gamma=gamma)
        best = optimal_value(mdp)
        for j, V in enumerate((np.zeros_like(best), best - noise, best + too_high)):
            for k in range(K + 1):
                distance[i, j, k] = np.abs(V - best).max()
                V = mdp.lookahead(V).max(axis=1)
    return {"distance": distance}


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(13.3, 5, columns=3, sharey=True)
    for ax, gamma, distance in zip(axes, GAMMAS, data["distance"]):
        lines = {start: d[d > 1e-9] for start, d in zip(STARTS, distance)}
        plots.plot_contraction(lines, gamma, legend=gamma == GAMMAS[-1], ax=ax)
        ax.set(title=f"$\\gamma$ = {gamma}", ylim=(1e-6, 2), xlim=(0, K))
    for ax in axes[1:]:
        ax.set_ylabel("")
    return figure
