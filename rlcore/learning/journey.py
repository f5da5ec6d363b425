"""Lanes for a world that changes: all walk the same number of steps, and the rules may change on the way.

Letters: N lanes, S states.
Left out: changes that come at another time in each lane, or slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Act, check_ends, tabular
from rlcore.learning.progress import Progress
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_rng


class Journey:
    """`runs` walkers of `steps` steps each, with the verbs of `Lanes`; nobody leaves before the end.

    worlds   {0: before, 1000: after}: which world there is from which step on
    A walker that stands in a new wall begins anew.
    Raises ValueError unless worlds begin at step 0, go on before `steps`, and have the same tables, and for a
    live Gymnasium environment, which nobody can put into another one's state.
    """

    def __init__(self, worlds: Mapping[int, Any], *, steps: int, runs: int, rng: Generator) -> None:
        check_count("steps", steps, 1)
        check_count("runs", runs, 1)
        check_rng(rng)
        self.worlds = _check_worlds(worlds, steps)
        self.env, self.steps, self.rng = self.worlds[0], steps, rng
        self.lane = np.arange(runs)
        self.state = self.env.reset(rng, runs)
        self.now, self.clock = 0, np.zeros(runs, int)  # steps of the journey, and of each lane's episode
        self.done = np.zeros(runs, bool)
        self.reward = np.zeros((runs, steps))
        self.bar = Progress("steps", steps)

    def begin(self, act: Act) -> tuple[Array, Array, Array]:
        """The lanes, their first states and first actions.   -> (N,), (N,), (N,)"""
        return self.lane, self.state, act(self.lane, self.state)

    def step(self, action: Array) -> tuple[Array, Array, Array]:
        """Move every lane in the world of this step.   (N,) -> s_next, reward, terminated, each (N,)"""
        self.env = self.worlds.get(self.now, self.env)
        s_next, reward, terminated = self.env.step(self.state, action, self.rng)
        self.reward[:, self.now] = reward
        self.now, self.clock = self.now + 1, self.clock + 1
        self.done = terminated | (self.clock == self.env.horizon)
        self.bar(self.now)
        return s_next, reward, terminated

    def go_on(self, s_next: Array, a_next: Array, act: Act) -> tuple[Array, Array, Array]:
        """To the next step: lanes whose episode ended begin another one; after the last step nobody is left."""
        if self.now == self.steps:
            self.bar.close()
            return self.lane[:0], s_next[:0], a_next[:0]
        again = np.flatnonzero(self.done)
        if len(again):
            s_next, a_next = s_next.copy(), a_next.copy()
            s_next[again] = self.env.reset(self.rng, len(again))
            a_next[again] = act(again, s_next[again])
            self.clock[again] = 0
        self.state = s_next
        return self.lane, s_next, a_next


def _check_worlds(worlds: Any, steps: int) -> dict[int, Any]:
    if not isinstance(worlds, Mapping) or 0 not in worlds:
        raise ValueError("worlds must be {first step: world}, and begin at step 0: {0: before, 1000: after}")
    for first, world in worlds.items():
        check_count("a first step of worlds", first, 0, steps - 1)
        if tabular(world) is not world:
            raise ValueError(f"worlds[{first}] is a live Gymnasium environment; a journey needs a model")
        check_ends(world)
        shape, shape_0 = ((w.n_states, w.actions.n) for w in (world, worlds[0]))
        if shape != shape_0:
            raise ValueError(f"worlds[{first}] has {shape} states and actions, worlds[0] has {shape_0}")
    return dict(worlds)
