"""How an agent chooses: tables and networks, the actions and the probabilities behind them.

Tables: greedy, epsilon-greedy and softmax actions. Ties are split uniformly, always: a fixed order changes
published figures. An action whose value is -inf does not exist: it is never chosen, not even to explore.
At least one action of a state exists.

Networks: a `Policy` turns an observation into the numbers y that its head reads, logits or means and spreads;
a `Value` estimates V(s), or Q(s, .) with one output an action.

    y, back = policy(x)                                   what the network says of observations x
    logp, back_logp = policy.head.log_prob(y, action)     (...)  each with its way back to y

Letters: A actions, D dimensions of an action, `...` any leading axes (runs, walkers, time).
Left out: schedules of epsilon, distributions squashed into a box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log, tau
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.shapes import same_shape
from rlcore.nn.layers import Forward, Params, Pullback
from rlcore.numerics import Array, categorical, log_softmax, pick, softmax

Back: TypeAlias = Callable[[Array], Array]
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


def mean_value(pi: Array, Q: Array) -> Array:
    """sum_a pi(a) Q(a) over the actions that exist.   (..., A), (..., A) -> (...)"""
    return np.asarray((pi * np.where(pi > 0, Q, 0.0)).sum(axis=-1))


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


# ---------------------------------------------------------------- probabilities, and their way back


def log_prob(logits: Array, action: Array) -> tuple[Array, Back]:
    """log pi(a | s) of a softmax policy.   (..., A), (...) int -> (...);   back: (...) -> (..., A)

        d log pi(a) / d logits = onehot(a) - pi

    Raises ValueError where the shapes differ: one action for each row of logits.
    """
    if np.shape(action) != logits.shape[:-1]:
        raise ValueError(
            f"action has shape {np.shape(action)}; it must be {logits.shape[:-1]}, one for each row of logits"
        )
    log_pi = log_softmax(logits)

    def back(d: Array) -> Array:
        onehot = np.eye(logits.shape[-1], dtype=log_pi.dtype).take(action, axis=0)  # faster than [action]
        return np.asarray((onehot - np.exp(log_pi)) * d[..., None])

    return pick(log_pi, action), back


def gaussian_log_prob(
    mean: Array, log_std: Array, action: Array
) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """log density of independent Gaussians.   (..., D), (..., D) or (D,), (..., D) -> (...)

        log pi(a) = sum_d -z^2 / 2 - log_std - log(tau) / 2,    z = (a - mean) / exp(log_std),  tau = 2 pi

    back: (...) -> (d_mean, d_log_std), with z / exp(log_std) and z^2 - 1. A log_std (D,) serves every row.
    A density may be larger than 1. The action is the one that was drawn, not what a box makes of it.
    Raises ValueError where the shapes differ.
    """
    same_shape(mean=mean, action=action)
    if log_std.shape != mean.shape[-1:]:
        same_shape(mean=mean, log_std=log_std)
    std = np.exp(log_std)
    z = (np.asarray(action, mean.dtype) - mean) / std

    def back(d: Array) -> tuple[Array, Array]:
        d = d[..., None]
        d_log_std = d * (z * z - 1)
        if log_std.ndim < mean.ndim:
            d_log_std = d_log_std.reshape(-1, mean.shape[-1]).sum(axis=0)
        return d * z / std, d_log_std

    return np.asarray((-z * z / 2 - log_std - log(tau) / 2).sum(axis=-1)), back


def categorical_entropy(logits: Array) -> tuple[Array, Back]:
    """H = -sum_a p_a log p_a, p = softmax(logits).   (..., A) -> (...);   back: (...) -> (..., A)

    dH / d logits_a = -p_a (log p_a + H).   From 0, one action for sure, to log A, all alike.
    """
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    log_p = np.where(p > 0, log_p, 0.0)  # an action that does not exist adds nothing
    H = np.asarray(-(p * log_p).sum(axis=-1))
    return H, lambda d: np.asarray(-p * (log_p + H[..., None]) * d[..., None])


# ---------------------------------------------------------------- networks


class Head(Protocol):
    """A distribution over actions with parameters y. All but `sample` and `mode` return (value, back to y)."""

    def sample(self, y: Array, rng: Generator) -> tuple[Any, Array]:
        """Draw actions; -> (action, logp)."""

    def mode(self, y: Array) -> Any:
        """The most probable action."""

    def log_prob(self, y: Array, action: Array) -> tuple[Array, Back]: ...

    def entropy(self, y: Array) -> tuple[Array, Back]: ...

    def kl(self, y_old: Array, y: Array) -> tuple[Array, Back]:
        """KL(old || y); y_old is a constant."""


@dataclass(frozen=True, eq=False)
class Policy:
    """Parameters, the function that they are the parameters of, and what its output means (learning/heads.py).

        Policy(mlp_params([4, 64, 2], rng, last_gain=0.01), mlp, Categorical())
        Policy({**mlp_params([3, 64, 1], rng), "log_std": np.zeros(1)}, with_log_std(mlp), Gaussian())

    Learners change the arrays of `params` in place. Raises ValueError for a head that is none.
    """

    params: Params
    forward: Forward  # (params, x) -> (y, back)
    head: Head

    def __post_init__(self) -> None:
        if isinstance(self.head, type) or not hasattr(self.head, "log_prob"):
            raise ValueError(f"head is {self.head!r}; it must be Categorical() or Gaussian()")

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        """What the head reads, and the way back to x and the parameters."""
        return self.forward(self.params, x)

    def act(self, x: Array, rng: Generator) -> tuple[Any, Array]:
        """Draw an action for each observation.   (..., n_features) -> action (...) or (..., D), logp (...)"""
        return self.head.sample(self(x)[0], rng)

    def mode(self, x: Array) -> Any:
        """The most probable action for each observation."""
        return self.head.mode(self(x)[0])


@dataclass(frozen=True, eq=False)
class Value:
    """Parameters, and the function that they are the parameters of: `y, back = value(x)`.

    Learners change the arrays of `params` in place. Value(mlp_params([4, 64, 1], rng), mlp)
    """

    params: Params
    forward: Forward  # (params, x) -> (y, back)

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        return self.forward(self.params, x)
