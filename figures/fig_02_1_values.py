"""Figure 2.1: the grid of Sutton & Barto, Example 3.5, under the random and under the best policy."""

import numpy as np

from rlcore.algorithms.dp import optimal_actions
from rlcore.exact.values import optimal_value, policy_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import teleport_grid


def compute(seeds=()):
    """V of the uniform policy, V* and all optimal actions."""
    grid = teleport_grid()
    V = optimal_value(grid)
    return {
        "V_random": policy_value(grid, np.full((grid.n_states, grid.n_actions), 0.25)),
        "V_best": V,
        "best": optimal_actions(grid, V),
    }


@plots.house_style()
def draw(data):
    grid = teleport_grid()
    figure, (left, right) = plots.canvas(13, 5.4, columns=2)
    plots.plot_values(grid, data["V_random"], label="value (discounted reward)", ax=left)
    plots.plot_values(grid, data["V_best"], policy=data["best"], label="value (discounted reward)", ax=right)
    left.set_title("Random policy, $V_\\pi$")
    right.set_title("Best policy, $V^*$, and all optimal actions")
    rule = "From A every move leads to a and pays 10, from B to b and pays 5. Bumping the edge costs 1."
    figure.supxlabel(rule, fontsize=13)
    return figure
