"""The picture of the README: value iteration, as the value of the goal flows through a maze."""

from itertools import islice

import numpy as np

from rlcore.algorithms.dp import optimal_actions, value_iteration
from rlcore.lab import plots
from rlcore.problems.gridworlds import GridWorld

MAZE = """
S...#.......
.##.#.####.#
.#....#..#..
.#.##.#.H##.
...#..#.....
##.#.##.###.
...#....#...
.###.##.#.#.
.....#..H.#G
"""


def _maze():
    return GridWorld(MAZE, gamma=0.95, step_reward=0.0, enter={"G": 1.0, "H": -1.0}, slip=0.1)


def compute(seeds=()):
    """The first 40 iterates, and all greedy actions of the last."""
    V = np.stack(list(islice(value_iteration(_maze()), 40)))
    return {"V": V, "best": optimal_actions(_maze(), V[-1])}


@plots.house_style()
def draw(data):
    figure = plots.plot_values(_maze(), data["V"][-1], policy=data["best"], decimals=2, label="value")
    figure.axes[0].set_title("Value iteration, when it has settled")
    return figure


def animate(data, path):
    film = plots.animate(_maze(), data["V"], frames=40, decimals=None, seconds=0.25, title="Value iteration")
    film.save_gif(path)
