"""Figure 3.4: Frozen Lake without discount: the best policy, and why it runs into the walls."""

from rlcore.algorithms.dp import optimal_actions
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import frozen_lake


def compute(seeds=()):
    """V*, all optimal actions, and the chance that a move does not end in a hole."""
    grid = frozen_lake(gamma=1.0)
    V = optimal_value(grid)
    hole = [letter == "H" for letter in "".join(grid.map)]
    return {
        "V": V,
        "best": optimal_actions(grid, V),
        "safe": 1 - grid.dense().P[:, :, hole].sum(axis=2),
    }


@plots.house_style()
def draw(data):
    grid = frozen_lake(gamma=1.0)
    figure, (left, right) = plots.canvas(13.3, 6, columns=2)
    plots.plot_values(
        grid, data["V"], policy=data["best"], decimals=2, label="chance to reach G, $V^*$", ax=left
    )
    left.set_title("Best play, $\\gamma$ = 1")
    plots.plot_q(grid, data["safe"], decimals=2, label="chance", ax=right)
    right.set_title("Chance to avoid the holes (dots: safest moves)")
    return figure
