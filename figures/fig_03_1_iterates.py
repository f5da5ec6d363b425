"""Figure 3.1: iterative policy evaluation of the random policy on the small grid (Sutton & Barto, Figure 4.1)."""

from itertools import islice

import numpy as np

from rlcore.algorithms.dp import optimal_actions, policy_evaluation
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import small_grid

SHOWN = (0, 1, 2, 3, 10)


def compute(seeds=()):
    """V_k for k = 0, 1, 2, 3, 10 and the limit, and the actions greedy for each."""
    grid = small_grid()
    random = np.full((grid.n_states, grid.n_actions), 0.25)
    stream = list(islice(policy_evaluation(grid, random), SHOWN[-1] + 1))
    V = np.stack([*(stream[k] for k in SHOWN), policy_value(grid, random)])
    return {"V": V, "greedy": np.stack([optimal_actions(grid, v) for v in V])}


@plots.house_style()
def draw(data):
    grid = small_grid()
    figure, axes = plots.canvas(12, 8.6, rows=2, columns=3)
    for ax, k, V, greedy in zip(axes.flat, (*SHOWN, "\\infty"), data["V"], data["greedy"]):
        plots.plot_values(grid, V, policy=greedy, limits=(data["V"].min(), 0.0), label=None, ax=ax)
        ax.set_title(f"$k = {k}$")
        ax.label_outer()
    figure.suptitle("Value of the random policy after $k$ sweeps, and the actions that are greedy for it")
    return figure
