"""Figure 5.5: what a time limit does to the mean of returns, exactly, for two problems."""

import numpy as np

from rlcore.algorithms.dp import solve
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.problems.gridworlds import frozen_lake, small_grid

LIMITS = np.arange(8, 201)
NAMES = (
    "return as it is",
    "cut episodes dropped",
    "bootstrap from the reset state",
    "bootstrap from the state reached",
)


def means(mdp, pi, start):
    """The four estimates of V(start), in expectation, for every time limit up to 200.   -> (4, limits)"""
    P, paid = (np.einsum("sa,san->sn", pi, table) for table in (mdp.P, mdp.P * mdp.R))
    V = policy_value(mdp, pi)
    p, m = np.eye(len(V))[start], np.zeros(len(V))  # chance to be in s, and mean return so far in that case
    rows = []
    for _ in range(LIMITS[-1]):
        m = m @ P + p @ paid
        p = p @ P
        over, on = p[mdp.terminal].sum(), p[~mdp.terminal].sum()
        dropped = m[mdp.terminal].sum() / over if over > 0 else np.nan
        rows.append([m.sum(), dropped, m.sum() + on * V[start], m.sum() + p @ V])
    return np.array(rows).T[:, LIMITS - 1]


def compute(seeds=()):
    """The lake under its best policy, and the small grid at random from cell 3 (value -22)."""
    patient = np.eye(4)[solve(frozen_lake(gamma=0.99)).pi]
    lake, grid = frozen_lake(gamma=1.0).dense(), small_grid().dense()
    return {"lake": means(lake, patient, 0), "grid": means(grid, np.full((16, 4), 0.25), 3)}


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5.8, columns=2)
    for ax, key, title, ylabel, legend in (
        (left, "lake", "Frozen Lake, best policy", "mean estimate of the chance to reach G", "lower right"),
        (right, "grid", "Small grid at random, from cell 3", "mean estimate of the value", "upper right"),
    ):
        plots.plot_curves(
            {name: (LIMITS, y) for name, y in zip(NAMES, data[key])},
            xlabel="time limit, in steps",
            ylabel=ylabel,
            legend=legend,
            ax=ax,
        )
        ax.set_title(title)
    return figure
