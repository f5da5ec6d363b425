"""How tables choose: greedy, epsilon-greedy and softmax actions, and the probabilities behind them.

Ties are split uniformly, always: a fixed order changes published figures. An action whose value is
-inf does not exist: it is never chosen, not even to explore. At least one action of a state exists.

A `Value` is a network that estimates values: V(s), or Q(s, .) with one output an action.

Letters: A actions, `...` any leading axes (runs, walkers).
Left out: schedules of epsilon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.nn.layers import Forward, Params, Pullback
from rlcore.numerics import Array, categorical, softmax

EXISTS = np.finfo(float).min  # the least number that is more than -inf


def greedy(Q: Array, rng: Generator) -> Any:
    """An action of largest value, one uniform number a lane to break ties.   (..., A) -> (...) int"""
    return _one_of(largest(Q)[..., None] <= Q, rng.random(Q.shape[:-1]))


def epsilon_greedy(Q: Array, epsilon: float, rng: Generator) -> Any:
    """With probability epsilon any action, else one of largest value.   (..., A) -> (...) int

    Two uniform numbers a lane, drawn whether they are needed or not: the first says whether to explore,
    the second picks among the candidates. To explore is to ask no more of a candidate than to exist.
    [eq:epsilon-greedy]
    """
    explore = rng.random(Q.shape[:-1]) < epsilon
    enough = np.where(explore, EXISTS, largest(Q))
    return _one_of(enough[..., None] <= Q, rng.random(Q.shape[:-1]))


def greedy_probabilities(Q: Array) -> Array:
    """The probabilities of `greedy`: equal among the actions of largest value.   (..., A) -> (..., A)"""
    best = Q == Q.max(axis=-1, keepdims=True)
    return np.asarray(best / best.sum(axis=-1, keepdims=True))


def epsilon_greedy_probabilities(Q: Array, epsilon: float) -> Array:
    """The probabilities of `epsilon_greedy`.   (..., A) -> (..., A)

    (1 - epsilon) / (number of best actions) for each best one, and epsilon / (number of actions) for each.
    """
    exists = Q > -np.inf
    explore = exists / exists.sum(axis=-1, keepdims=True)
    return np.asarray((1 - epsilon) * greedy_probabilities(Q) + epsilon * explore)


def softmax_action(preference: Array, rng: Generator) -> Any:
    """Draw from the softmax of preferences, one uniform number a lane.   (..., A) -> (...) int"""
    return categorical(softmax(preference), rng)


def largest(Q: Array) -> Array:
    """max_a Q(..., a).   (..., A) -> (...)

    By way of argmax, which on many short rows is several times faster than max.
    """
    best = Q.argmax(axis=-1) + np.arange(0, Q.size, Q.shape[-1]).reshape(Q.shape[:-1])
    return np.asarray(Q.reshape(-1)[best])


def _one_of(candidates: Array, u: Any) -> Any:
    """Number floor(u * count) of the candidates, counted from 0.   (..., A) bool, (...) -> (...) int"""
    if candidates.ndim == 1:  # one walker: plain numbers are faster
        where = np.flatnonzero(candidates)
        return where[int(u * len(where))]
    rank = np.dot(candidates, _triangle(candidates.shape[-1]))  # (..., A) so many candidates up to here
    return (rank > (u * rank[..., -1])[..., None]).argmax(axis=-1)


@cache
def _triangle(n: int) -> Array:
    """A product with it sums from the left, like cumsum, but faster on short rows.   -> (n, n)"""
    return np.triu(np.ones((n, n)))


# ---------------------------------------------------------------- networks


@dataclass(frozen=True, eq=False)
class Value:
    """Parameters, and the function that they are the parameters of: `y, back = value(x)`.

    Learners change the arrays of `params` in place. Value(mlp_params([4, 64, 1], rng), mlp)
    """

    params: Params
    forward: Forward  # (params, x) -> (y, back)

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        return self.forward(self.params, x)
