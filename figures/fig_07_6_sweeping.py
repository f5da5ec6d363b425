"""Figure 7.6: planning alone: updates until the start of a Dyna maze has its value, in three orders.

After Example 8.4 of Sutton & Barto, which walks at the same time; here the model is complete from the beginning,
and alpha = 1.
"""

import numpy as np

from rlcore.algorithms.planning import back_up, sweep, wait
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.model import Model
from rlcore.problems.gridworlds import dyna_maze

SIZES, RUNS, GAMMA = (1, 2, 3, 4), 8, 0.95
RUN = np.arange(RUNS)
ORDERS = ("at random: Dyna", "all pairs at once: value iteration", "largest surprise first")


def compute(seeds=(0,)):
    """Updates that each run makes.   (runs, sizes) a way of ordering them, and the number of pairs (sizes,)"""
    mazes = [dyna_maze(size=size) for size in SIZES]
    models = [complete(maze) for maze in mazes]
    rng = np.random.default_rng(seeds[0])
    return {
        "pairs": np.array([int(model.seen[0].sum()) for model in models]),
        "updates_0": np.stack([at_random(m, model, rng) for m, model in zip(mazes, models)], axis=1),
        "updates_1": np.stack(
            [np.full(1, model.seen[0].sum() * moves(m)) for m, model in zip(mazes, models)], axis=1
        ),
        "updates_2": np.stack([by_surprise(m, model) for m, model in zip(mazes, models)], axis=1),
    }


def complete(maze):
    """A model that has seen every pair, the same in each run."""
    model = Model(RUNS, maze.n_states, 4)
    for s, a in np.ndindex(maze.n_states, 4):
        if not maze.terminal[s]:
            here = np.full(RUNS, s), np.full(RUNS, a)
            s_next, reward, terminated = maze.step(*here, np.random.default_rng(0))
            model.observe(RUN, *here, reward, s_next, terminated)
    return model


def moves(maze):
    """The length of the shortest way: as many sweeps of value iteration bring its value to the start."""
    return 13 * (maze.shape[0] // 6) + 1


def known(maze, Q):
    """Whether the start has its value.   (runs, S, A) -> (runs,) bool"""
    return Q[:, maze.start.argmax()].max(axis=1) > GAMMA ** (moves(maze) - 1) - 1e-9


def at_random(maze, model, rng):
    """Updates of pairs drawn from memory, checked every 100."""
    Q, made = np.zeros(model.reward.shape), np.zeros(RUNS, int)
    while not known(maze, Q).all():
        made += 100 * ~known(maze, Q)
        s, a = model.draw(RUN, 100, rng)
        back_up(Q, np.ones(RUNS), GAMMA, RUN, s, a, *model.recall(RUN, s, a))
    return made


def by_surprise(maze, model):
    """Updates of prioritized sweeping, checked after each: nothing in it is random, so one run will do."""
    Q, waiting, one, made = np.zeros(model.reward.shape), np.zeros(model.reward.shape), RUN[:1], 0
    s, a = np.nonzero(model.seen[0])
    wait(waiting, Q, model, np.zeros(len(s), int), s, a, gamma=GAMMA, theta=1e-4)
    while not known(maze, Q)[0]:
        made += sweep(waiting, Q, model, one, planning=1, alpha=np.ones(RUNS), gamma=GAMMA, theta=1e-4)[0]
    return np.array([made])


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.4)
    lines = {name: Curve(data["pairs"], data[f"updates_{k}"]) for k, name in enumerate(ORDERS)}
    plots.plot_curves(
        lines, xlabel="pairs of state and action", ylabel="updates until the start has its value", log=True,
        legend="upper left", ax=ax,
    )  # fmt: skip
    ax.set(title="Dyna mazes, cells cut into 1, 4, 9 and 16", xticks=data["pairs"], ylim=(100, 1e6))
    return figure
