"""Figure 2.3: optimal action values of the walk."""

from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import walk


def compute(seeds=()):
    """Q* of the walk."""
    grid = walk()
    return {"Q": grid.lookahead(optimal_value(grid))}


@plots.house_style()
def draw(data):
    figure = plots.plot_q(walk(), data["Q"], label="action value $Q^*$ (discounted reward)")
    figure.axes[0].set_title("Each triangle is a move; the best ones are bold")
    return figure
