"""Figure 3.2: five methods on one grid: error against the number of state backups."""

import numpy as np

from rlcore.algorithms import dp
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import GridWorld

METHODS = {  # stream of values, and sweeps over all states that one iterate costs
    "value iteration": (dp.value_iteration, 1),
    "Gauss-Seidel": (dp.gauss_seidel, 1),
    "modified policy iteration (10)": (dp.modified_policy_iteration, 11),
    "prioritized sweeping": (dp.prioritized_sweeping, 1),
    "policy iteration (and solves)": (dp.policy_iteration, 1),
}
SWEEPS = 100


def _grid():
    return GridWorld(["." * 12] * 11 + ["." * 11 + "G"], gamma=0.99, slip=0.2)


def compute(seeds=()):
    """max|V_k - V*| of each method, as long as it stays within 100 sweeps and above 1e-8."""
    grid = _grid()
    best = optimal_value(grid)
    data = {}
    for i, (method, sweeps) in enumerate(METHODS.values()):
        error = []
        for k, V in enumerate(method(grid)):
            error.append(np.abs(V - best).max())
            if error[-1] < 1e-8 or (k + 1) * sweeps > SWEEPS:
                break
        data[f"error_{i}"] = np.array(error)
    return data


@plots.house_style()
def draw(data):
    lines = {}
    for i, (name, (_, sweeps)) in enumerate(METHODS.items()):
        error = data[f"error_{i}"]
        lines[name] = (sweeps * np.arange(len(error)), error)
    figure, ax = plots.canvas(11, 6)
    plots.plot_curves(
        lines,
        xlabel="state backups / number of states",
        ylabel="error  max|$V_k - V^*$|",
        log=True,
        ax=ax,
    )
    ax.set(
        ylim=(1e-8, 200), title="12 x 12 grid, a fifth of the moves slips, \u22121 a move, $\\gamma$ = 0.99"
    )
    return figure
