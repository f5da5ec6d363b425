"""Mountain car: an engine too weak for the hill, so the way up begins with a run in the other direction.

    x_dot <- bound(x_dot + 0.001 (a - 1) - 0.0025 cos(3 x))        in [-0.07, 0.07]
    x     <- bound(x + x_dot)                                       in [-1.2, 0.6]

Sutton & Barto, Example 10.1, in the operations of Gymnasium's MountainCar-v0 and in their order. The two
differ in nothing that an episode can see: the wall on the left stops the car, and x >= 0.5 ends the episode.

Letters: x the car's place, x_dot its speed.
Left out: a wish for the speed at the goal, pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.env import Discrete

FORCE = 0.001
GRAVITY = 0.0025
LEFT_WALL, RIGHT_END = -1.2, 0.6
TOP_SPEED = 0.07
GOAL = 0.5


@dataclass(frozen=True)
class MountainCar:
    """A car in a valley.   state (..., 2): x, x_dot;  actions: 0 backwards, 1 coast, 2 forwards

    An episode starts at rest, x uniform in [-0.6, -0.4], pays -1 a step, and terminates at x >= 0.5. After
    `horizon` steps it is truncated: 200 is Gymnasium's limit. Sutton & Barto wait for the goal however long
    it takes, so their experiment needs a large one. A car at the goal stays there and pays 0.

    Raises ValueError unless horizon is a whole number >= 1.
    """

    horizon: int = 200

    actions: ClassVar[Discrete] = Discrete(3)
    n_states: ClassVar[None] = None
    n_features: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_count("horizon", self.horizon, 1)

    def reset(self, rng: Generator, size: int | None = None) -> Array:
        """One uniform number a lane.   -> (2,) or (size, 2)"""
        state = np.zeros((*(() if size is None else (size,)), 2))
        state[..., 0] = rng.uniform(-0.6, -0.4, size)
        return state

    def step(self, state: Array, action: Any, rng: Generator) -> tuple[Array, Any, Any]:
        """Drive for one step; nothing is random.   (..., 2), (...) -> (..., 2), (...), (...) bool"""
        s_next = drive(state, action)
        there = at_goal(state)
        if there.any():
            s_next[there] = state[there]
        return s_next, there - 1.0, at_goal(s_next)

    def observe(self, state: Array) -> Array:
        """The state itself.   (..., 2) -> (..., 2)"""
        return np.asarray(state, dtype=float)


def drive(state: Array, action: Any) -> Array:
    """One step of the car, wherever it is.   (..., 2), (...) -> (..., 2)"""
    x, x_dot = state[..., 0], state[..., 1]
    x_dot = x_dot + ((np.asarray(action) - 1) * FORCE + np.cos(3 * x) * -GRAVITY)
    x_dot = np.clip(x_dot, -TOP_SPEED, TOP_SPEED)
    x = np.clip(x + x_dot, LEFT_WALL, RIGHT_END)
    s_next = np.empty(np.shape(state))
    s_next[..., 0] = x
    s_next[..., 1] = np.where((x == LEFT_WALL) & (x_dot < 0), 0.0, x_dot)
    return s_next


def at_goal(state: Array) -> Any:
    """Whether the car is at the top, and not on its way back.   (..., 2) -> (...) bool"""
    return (state[..., 0] >= GOAL) & (state[..., 1] >= 0)


def rocking_rule(state: Array) -> Any:
    """Push the way the car is going, so that every swing is higher.   (..., 2) -> (...) int

    0 where x_dot < 0, else 2
    """
    return np.where(state[..., 1] < 0, 0, 2)
