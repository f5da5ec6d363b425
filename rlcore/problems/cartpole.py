"""CartPole: push a cart left or right so that the pole on it stays up.

The equations of Barto, Sutton & Anderson (1983), in the operations of Gymnasium's CartPole-v1 and in their
order, so that both give the same bits. With F the push and c, s the cosine and sine of theta:

    temp       = (F + m l theta_dot^2 s) / (M + m)
    theta_acc  = (g s - c temp) / (l (4/3 - m c^2 / (M + m)))
    x_acc      = temp - m l theta_acc c / (M + m)

and one step of Euler's method. Every step pays 1, the one that ends the episode too.

Letters: x the cart's place in metres, theta the pole's angle in radians, `..._dot` a speed, `..._acc` an
acceleration, M and m the masses of cart and pole, l half the pole's length, g gravity.
Left out: friction, pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.env import Discrete

GRAVITY = 9.8
POLE = 0.1  # mass m
TOTAL = POLE + 1.0  # mass M + m
LENGTH = 0.5  # l
MOMENT = POLE * LENGTH  # m l
PUSH = 10.0  # newton
TAU = 0.02  # seconds a step
X_LIMIT = 2.4  # metres
THETA_LIMIT = 12 * 2 * np.pi / 360  # 12 degrees


@dataclass(frozen=True)
class CartPole:
    """A pole on a cart.   state (..., 4): x, x_dot, theta, theta_dot;  actions: 0 push left, 1 push right

    An episode starts near 0, each number uniform in [-0.05, 0.05], and terminates when the cart leaves the
    track, |x| > 2.4, or the pole leans over, |theta| > 12 degrees. After `horizon` steps it is truncated.
    A fallen pole stays as it is and pays 0.

    Raises ValueError unless horizon is a whole number >= 1.
    """

    horizon: int = 500

    actions: ClassVar[Discrete] = Discrete(2)
    n_states: ClassVar[None] = None
    n_features: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check_count("horizon", self.horizon, 1)

    def reset(self, rng: Generator, size: int | None = None) -> Array:
        """Four uniform numbers a lane.   -> (4,) or (size, 4)"""
        return rng.uniform(-0.05, 0.05, 4 if size is None else (size, 4))

    def step(self, state: Array, action: Any, rng: Generator) -> tuple[Array, Any, Any]:
        """Push for 0.02 seconds; nothing is random.   (..., 4), (...) -> (..., 4), (...), (...) bool"""
        s_next = euler(state, action)
        over = fallen(state)
        if over.any():
            s_next[over] = state[over]
        return s_next, 1.0 - over, fallen(s_next)

    def observe(self, state: Array) -> Array:
        """The state itself.   (..., 4) -> (..., 4)"""
        return np.asarray(state, dtype=float)


def euler(state: Array, action: Any) -> Array:
    """One step of Euler's method, s + tau ds/dt.   (..., 4), (...) -> (..., 4)

    Inside, and in memory, the four come first: each of them is then one run of numbers.
    """
    s = np.array(state.T, order="C")  # (4, ...)
    _, x_dot, theta, theta_dot = s
    cos, sin = np.cos(theta), np.sin(theta)
    force = 2.0 * PUSH * np.asarray(action).T - PUSH
    temp = (force + MOMENT * np.square(theta_dot) * sin) / TOTAL
    theta_acc = (GRAVITY * sin - cos * temp) / (LENGTH * (4.0 / 3.0 - POLE * np.square(cos) / TOTAL))
    x_acc = temp - MOMENT * theta_acc * cos / TOTAL
    return np.asarray(s + TAU * np.array([x_dot, x_acc, theta_dot, theta_acc])).T


def fallen(state: Array) -> Any:
    """Whether the cart is off the track or the pole leans too far.   (..., 4) -> (...) bool"""
    return (np.abs(state[..., 0]) > X_LIMIT) | (np.abs(state[..., 2]) > THETA_LIMIT)


def balancing_rule(state: Array) -> Any:
    """Push to the side the pole will lean to in half a second.   (..., 4) -> (...) int

    1 where theta + theta_dot / 2 > 0, else 0;  scores 500 of 500
    """
    return (state[..., 2] + 0.5 * state[..., 3] > 0).astype(int)
