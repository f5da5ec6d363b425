"""Pendulum: swing a rod up and keep it there, with a motor too weak to lift it at once.

    theta_dot <- bound(theta_dot + (3 g / (2 l) sin(theta) + 3 u / (m l^2)) tau)      in [-8, 8]
    theta     <- theta + theta_dot tau
    reward    =  -(angle(theta)^2 + 0.1 theta_dot^2 + 0.001 u^2)                      before the step

in the operations of Gymnasium's Pendulum-v1 and in their order: from the same state and torque both reach
the same bits. (Rewards may differ in the last one, where a square is a product here and a power there.)

Letters: theta the rod's angle in radians, 0 upright, counted on after a full turn; theta_dot its speed;
u the torque in newton metres; m and l the rod's mass and length, g gravity.
Left out: friction, pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.env import Box

GRAVITY = 10.0
MASS = 1.0  # m
LENGTH = 1.0  # l
TAU = 0.05  # seconds a step
TOP_SPEED = 8.0  # radians a second
TOP_TORQUE = 2.0
FALL = 3 * GRAVITY / (2 * LENGTH)  # radians a second squared, of the rod held level
LIFT = 3.0 / (MASS * LENGTH**2)  # the same, of a torque of 1


@dataclass(frozen=True)
class Pendulum:
    """A rod on a motor.   state (..., 2): theta, theta_dot;  action (..., 1): the torque, in [-2, 2]

    An episode starts anywhere: theta uniform in [-pi, pi], theta_dot in [-1, 1]. Nothing ends it; after
    `horizon` steps it is truncated. A larger torque is cut to the limit. Rewards are 0 upright and at rest,
    at worst -16.27.

    Raises ValueError unless horizon is a whole number >= 1.
    """

    horizon: int = 200

    actions: ClassVar[Box] = Box(np.array([-TOP_TORQUE]), np.array([TOP_TORQUE]))
    n_states: ClassVar[None] = None
    n_features: ClassVar[int] = 3

    def __post_init__(self) -> None:
        check_count("horizon", self.horizon, 1)

    def reset(self, rng: Generator, size: int | None = None) -> Array:
        """Two uniform numbers a lane.   -> (2,) or (size, 2)"""
        high = np.array([np.pi, 1.0])
        return rng.uniform(-high, high, 2 if size is None else (size, 2))

    def step(self, state: Array, action: Any, rng: Generator) -> tuple[Array, Any, Any]:
        """Turn for 0.05 seconds; nothing is random.   (..., 2), (..., 1) -> (..., 2), (...), (...) bool"""
        u = np.clip(np.asarray(action)[..., 0], -TOP_TORQUE, TOP_TORQUE)
        return swing(state, u), -cost(state, u), np.zeros(np.shape(u), bool)[()]

    def observe(self, state: Array) -> Array:
        """cos(theta), sin(theta), theta_dot: the same after a full turn.   (..., 2) -> (..., 3)"""
        theta, theta_dot = state[..., 0], state[..., 1]
        return np.stack([np.cos(theta), np.sin(theta), theta_dot], axis=-1)


def swing(state: Array, u: Any) -> Array:
    """One step under the torque u.   (..., 2), (...) -> (..., 2)"""
    theta, theta_dot = state[..., 0], state[..., 1]
    theta_dot = np.clip(theta_dot + (FALL * np.sin(theta) + LIFT * u) * TAU, -TOP_SPEED, TOP_SPEED)
    return np.stack([theta + theta_dot * TAU, theta_dot], axis=-1)


def cost(state: Array, u: Any) -> Any:
    """angle(theta)^2 + 0.1 theta_dot^2 + 0.001 u^2.   (..., 2), (...) -> (...)"""
    theta, theta_dot = state[..., 0], state[..., 1]
    return angle(theta) ** 2 + 0.1 * theta_dot**2 + 0.001 * u**2


def angle(theta: Any) -> Any:
    """The same direction as an angle in [-pi, pi).   (...) -> (...)"""
    return (theta + np.pi) % (2 * np.pi) - np.pi


def swing_up_rule(state: Array) -> Array:
    """Feed the swing until it has the energy of the top, then hold.   (..., 2) -> (..., 1)

        E = theta_dot^2 / 2 + 3 g / (2 l) (cos(theta) - 1)       0 upright and at rest
        u = -8 theta - 2 theta_dot    where |theta| < 0.5,    else  -3 theta_dot E

    Scores -150 on average. At rest straight down it does not begin.
    """
    theta, theta_dot = angle(state[..., 0]), state[..., 1]
    energy = theta_dot**2 / 2 + FALL * (np.cos(theta) - 1)
    u = np.where(np.abs(theta) < 0.5, -8 * theta - 2 * theta_dot, -3 * theta_dot * energy)
    return np.asarray(np.clip(u, -TOP_TORQUE, TOP_TORQUE)[..., None])
