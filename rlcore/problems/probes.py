"""Probes: problems so small that what a learner must find is known, each for one thing that goes wrong.

    one_step           a reward of 1, then the end             the critic's loss, its step size
    two_steps          the same reward, one step later         the discount, the successor's value
    constant_reward    1 a step, until a coin says stop        bootstrapping, and not at the end
    two_values         what is seen decides what is paid       the observations that reach the critic
    one_choice         the action decides                      the policy's gradient, and its sign
    two_choices        the two together                        states, actions, advantages kept in line
    cut_short          a walk without end, cut by the clock    truncation, where the critic must go on
    Aim                a real number to be met                 actions in a Box

Try them in this order: a learner that fails one of them has the fault named beside it, and nothing else can
hide it. The first seven are MDPs, so `exact.values` agrees with what they say of themselves. None has a
choice before the fifth: A = 1, and every policy has the same value.

Letters: S states, A actions.
Left out: anything hard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.env import Box
from rlcore.problems.mdp import MDP


def one_step(gamma: float = 0.9) -> MDP:
    """State 0 pays 1 and ends.   S = 2, A = 1

    V = [1, 0], whatever gamma is
    """
    return _probe([[1]], [[1.0]], gamma)


def two_steps(gamma: float = 0.9) -> MDP:
    """State 0 leads to state 1 and pays nothing; state 1 pays 1 and ends.   S = 3, A = 1

    V = [gamma, 1, 0]
    """
    return _probe([[1], [2]], [[0.0], [1.0]], gamma)


def constant_reward(gamma: float = 0.9) -> MDP:
    """Every step pays 1; with probability 1/2 it is the last.   S = 2, A = 1

    V = [2 / (2 - gamma), 0];  2 / 1.1 for gamma = 0.9, and 2 steps on average for gamma = 1
    """
    P, R = np.array([[[0.5, 0.5]], [[0.0, 1.0]]]), np.array([[1.0], [0.0]])
    return MDP(P, R, gamma, start=np.array([1.0, 0.0]), terminal=np.array([False, True]))


def two_values(gamma: float = 0.9) -> MDP:
    """Start in state 0 or 1, equally likely: the one pays 1, the other -1, and both end.   S = 3, A = 1

    V = [1, -1, 0];  a critic that sees nothing says 0 of both
    """
    return _probe([[2], [2]], [[1.0], [-1.0]], gamma, starts=2)


def one_choice(gamma: float = 0.9) -> MDP:
    """State 0 ends; action 1 pays 1, action 0 nothing.   S = 2, A = 2

    V_pi = [pi(1 | 0), 0];  V* = [1, 0]
    """
    return _probe([[1, 1]], [[0.0, 1.0]], gamma)


def two_choices(gamma: float = 0.9) -> MDP:
    """Start in state 0 or 1, equally likely; the action of the same number pays 1, all end.   S = 3, A = 2

    V_pi = [pi(0 | 0), pi(1 | 1), 0];  V* = [1, 1, 0];  a policy that sees nothing gets 1/2
    """
    return _probe([[2, 2], [2, 2]], [[1.0, 0.0], [0.0, 1.0]], gamma, starts=2)


def cut_short(gamma: float = 0.9) -> MDP:
    """State 0 leads to state 1, which pays 1 a step and stays; a walk is cut after 3 steps.   S = 2, A = 1

    V = [gamma, 1] / (1 - gamma);  [9, 10] for gamma = 0.9

    The clock is no part of the problem, so the value does not know of it. A critic that takes the cut for an
    end finds V(1) = 1 / (1 - gamma / 2), 1.82; one that goes on with the state after the reset, not the one
    before it, finds V(1) = 1 / (1 - (gamma + gamma^2) / 2), 6.90.
    Raises ValueError for gamma = 1, where V would be infinite.
    """
    if gamma == 1:
        raise ValueError(f"gamma is {gamma}; it must be below 1, as nothing ends here")
    P, R = np.array([[[0.0, 1.0]], [[0.0, 1.0]]]), np.array([[0.0], [1.0]])
    return MDP(P, R, gamma, start=np.array([1.0, 0.0]), terminal=np.zeros(2, bool), horizon=3)


PROBES: dict[str, Callable[..., MDP]] = {
    make.__name__: make
    for make in (one_step, two_steps, constant_reward, two_values, one_choice, two_choices, cut_short)
}


def _probe(succ: Sequence[Any], reward: Sequence[Any], gamma: float, starts: int = 1) -> MDP:
    """Every action leads to one state.   succ, reward (S - 1, A); the last state is the end."""
    S, A = len(succ) + 1, len(succ[0])
    P = np.eye(S)[[*succ, [S - 1] * A]]  # (S, A, S)
    R = np.array([*reward, [0.0] * A])
    start = np.where(np.arange(S) < starts, 1 / starts, 0.0)
    return MDP(P, R, gamma, start, terminal=np.arange(S) == S - 1)


@dataclass(frozen=True)
class Aim:
    """Say the number you see: one step pays -(a - x)^2.   state (..., 2): x, 1 when over;  action (..., 1)

    x is uniform in [-1, 1] and all that is observed; actions are meant for [-2, 2], and are taken as they are.

        Q(x, a) = -(a - x)^2
        V(x)    = -(m(x) - x)^2 - sigma^2     of a policy that draws a from N(m(x), sigma^2)

    So V* = 0, m* is the identity, and a policy that sees nothing pays at least 1/3.
    """

    actions: ClassVar[Box] = Box(np.array([-2.0]), np.array([2.0]))
    n_states: ClassVar[None] = None
    n_features: ClassVar[int] = 1
    horizon: ClassVar[int] = 1

    def reset(self, rng: Generator, size: int | None = None) -> Array:
        """One uniform number a lane.   -> (2,) or (size, 2)"""
        x = np.asarray(rng.uniform(-1.0, 1.0, size))
        return np.stack([x, np.zeros(x.shape)], axis=-1)

    def step(self, state: Array, action: Any, rng: Generator) -> tuple[Array, Any, Any]:
        """Shoot and be over; nothing is random.   (..., 2), (..., 1) -> (..., 2), (...), (...) bool"""
        x, over = state[..., 0], state[..., 1]
        miss = np.asarray(action)[..., 0] - x
        one = np.ones(x.shape)
        return np.stack([x, one], axis=-1), -(miss**2) * (1 - over), (one > 0)[()]

    def observe(self, state: Array) -> Array:
        """x alone.   (..., 2) -> (..., 1)"""
        return np.asarray(state[..., :1], dtype=float)
