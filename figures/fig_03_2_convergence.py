"""Figure 3.2: five methods on one grid: error against work, in backups of (state, action) pairs.

A sweep under a fixed policy backs up one action in four. Neither the linear solves of policy iteration
nor the look at the predecessors in prioritized sweeping is counted.
"""

import numpy as np

from rlcore.algorithms import dp
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import frozen_lake

METHODS = {  # stream of values, and backups per (state, action) pair of one iterate
    "value iteration": (dp.value_iteration, 1),
    "Gauss-Seidel": (dp.gauss_seidel, 1),
    "modified policy iteration, 10 sweeps": (dp.modified_policy_iteration, 1 + 10 / 4),
    "prioritized sweeping, queue not counted": (dp.prioritized_sweeping, 1),
    "policy iteration, solves not counted": (dp.policy_iteration, 1),
}
MOST = 400


def compute(seeds=()):
    """max|V_k - V*| of each method, as long as it stays within 400 backups per pair and above 1e-8."""
    grid = frozen_lake("8x8", gamma=0.99)
    best = optimal_value(grid)
    data = {}
    for i, (method, cost) in enumerate(METHODS.values()):
        error = []
        for k, V in enumerate(method(grid)):
            error.append(np.abs(V - best).max())
            if error[-1] < 1e-8 or (k + 1) * cost > MOST:
                break
        data[f"error_{i}"] = np.array(error)
    return data


@plots.house_style()
def draw(data):
    lines = {}
    for i, (name, (_, cost)) in enumerate(METHODS.items()):
        error = data[f"error_{i}"]
        lines[name] = (cost * np.arange(len(error)), error)
    figure, ax = plots.canvas(11, 6)
    plots.plot_curves(
        lines,
        xlabel="backups per (state, action) pair",
        ylabel="error  max|$V_k - V^*$|",
        log=True,
        legend="upper right",
        ax=ax,
    )
    ax.set(ylim=(1e-8, 3), title="Frozen Lake 8x8, $\\gamma$ = 0.99")
    return figure
