"""Figure 7.3: what has been learned halfway through the second episode, without and with planning (S&B, Figure 8.3)."""

import numpy as np

from rlcore.algorithms.planning import dyna
from rlcore.lab import plots
from rlcore.learning.journey import Journey
from rlcore.learning.model import Model
from rlcore.problems.gridworlds import dyna_maze

PLANNING = (0, 50)


def compute(seeds=(3,)):
    """Q of one run of each kind, stopped on its way to the goal for the second time, and where the walker stands."""
    maze, data = dyna_maze(), {}
    for n in PLANNING:
        steps = walk(maze, n, 4000, seeds[0])[0].reward[0].nonzero()[0][:2] + 1  # the ends of two episodes
        halfway = int(steps.sum()) // 2
        lanes, Q = walk(maze, n, halfway, seeds[0])
        data |= {f"Q_{n}": Q, f"walker_{n}": lanes.state, f"steps_{n}": np.append(steps, halfway)}
    return data


def walk(maze, planning, steps, seed):
    """Dyna-Q for so many steps.   -> the lanes, Q (S, A)"""
    rng = np.random.default_rng(seed)
    lanes = Journey({0: maze}, steps=steps, runs=1, rng=rng)
    Q, model = np.zeros((1, 54, 4)), Model(1, 54, 4)
    dyna(lanes, Q, model, planning=planning, alpha=np.array([0.1]), epsilon=0.1, gamma=0.95, rng=rng)
    return lanes, Q[0]


@plots.house_style()
def draw(data):
    maze = dyna_maze()
    figure, axes = plots.canvas(12, 4.6, columns=2)
    for ax, n in zip(axes, PLANNING):
        Q = data[f"Q_{n}"]
        known = Q.max(axis=1) > 0
        plots.plot_policy(maze, (Q == Q.max(axis=1, keepdims=True)) & known[:, None], ax=ax)
        row, column = maze.cell(int(data[f"walker_{n}"][0]))
        ax.plot(column, row, "o", color=plots.PATH, markersize=15, zorder=2)
        ax.set_title(f"{n} planning steps" if n else "no planning")
        ax.label_outer()
    figure.suptitle("Greedy moves halfway through the second episode; the disc is the walker")
    return figure
