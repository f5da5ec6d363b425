"""Figure 3.3: five methods on one grid: error against work, in lookaheads per (state, action) pair.

A sweep under a fixed policy looks at one action in four; a backup of prioritized sweeping looks at the state and
again at each of its predecessors. The linear solves of policy iteration are not counted.
"""

import numpy as np

from rlcore.algorithms import dp
from rlcore.exact.values import optimal_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import frozen_lake

GRID = frozen_lake("8x8", gamma=0.99, slip=0.6)  # with 2/3 actions tie, and rounding would choose the way
PREDECESSORS = np.mean([len(before) for before in dp.predecessors(GRID)])
METHODS = {  # stream of values, and lookaheads per (state, action) pair before the first iterate and for each other
    "value iteration": (dp.value_iteration, 0, 1),
    "Gauss-Seidel": (dp.gauss_seidel, 0, 1),
    "modified policy iteration, 10 sweeps": (dp.modified_policy_iteration, 0, 1 + 10 / 4),
    "prioritized sweeping": (dp.prioritized_sweeping, 1, 1 + PREDECESSORS),
    "policy iteration, solves not counted": (dp.policy_iteration, 0, 1),
}
MOST = 400


def compute(seeds=()):
    """max|V_k - V*| of each method, as long as it stays within 400 lookaheads per pair and above 1e-8."""
    best = optimal_value(GRID)
    data = {}
    for i, (method, first, cost) in enumerate(METHODS.values()):
        error = []
        for k, V in enumerate(method(GRID)):
            error.append(np.abs(V - best).max())
            if error[-1] < 1e-8 or first + (k + 1) * cost > MOST:
                break
        data[f"error_{i}"] = np.array(error)
    return data


@plots.house_style()
def draw(data):
    lines = {}
    for i, (name, (_, first, cost)) in enumerate(METHODS.items()):
        error = data[f"error_{i}"]
        lines[name] = (first + cost * np.arange(len(error)), error)
    figure, ax = plots.canvas(11, 6)
    plots.plot_curves(
        lines,
        xlabel="lookaheads per (state, action) pair",
        ylabel="error  max|$V_k - V^*$|",
        log=True,
        legend="upper right",
        ax=ax,
    )
    ax.set(ylim=(1e-8, 30), title="Frozen Lake 8x8, slip 0.6, $\\gamma$ = 0.99")
    return figure
