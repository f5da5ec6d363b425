"""Linear functions: their values, and a step along their gradient, for many runs at once.

    v(s, w) = w . x(s) = sum_d w[d] x[d](s),        gradient of v with respect to w:  x(s)

x comes in either form of `features`: numbers (..., D), or the indices (..., K) of the features that are 1.
Weights are rows of a table, a row for each run, or for each run and action.

Letters: R rows of weights, N lanes, D features, K active features, A actions.
Left out: functions that are not linear in w; those are in `nn`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.features import Features
from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import Array


def value(w: Array, row: Any, x: Array) -> Array:
    """v = w[row] . x.   w (R, D), row (...), x (..., D) float or (..., K) int -> (...)

    [eq:linear-value]  Sutton & Barto, equation (9.8).
    """
    if x.dtype.kind == "i":
        return np.asarray(w.take(np.asarray(row)[..., None] * w.shape[1] + x).sum(axis=-1))
    return np.asarray((w[row] * x).sum(axis=-1))


def add(w: Array, row: Any, x: Array, step: Array) -> None:
    """w[row] += step * x, in place; no row twice.   w (R, D), row (N,), x as above, step (N,)"""
    if x.dtype.kind == "i":
        w[np.asarray(row)[..., None], x] += step[..., None]
    else:
        w[row] += step[..., None] * x


class ActionValues:
    """q(s, a) = w[a] . x(s) for many runs at once; row i * A + a of the table belongs to lane i and action a."""

    def __init__(self, w: Array, env: Any, features: Features, epsilon: float, rng: Generator) -> None:
        self.A, self.table = w.shape[1], w.reshape(-1, w.shape[2])  # the same memory as w
        self.features, self.epsilon, self.rng = features, epsilon, rng
        self.allowed = getattr(env, "allowed", None)

    def __call__(self, i: Array, a: Array, x: Array) -> Array:
        """(N,), (N,), (N, D) or (N, K) int -> (N,)"""
        return value(self.table, i * self.A + a, x)

    def add(self, i: Array, a: Array, x: Array, step: Array) -> None:
        add(self.table, i * self.A + a, x, step)

    def choose(self, i: Array, s: Array, x: Array) -> Array:
        """Epsilon-greedy actions.   -> (N,) int"""
        Q = self(i[:, None], np.arange(self.A), x[:, None])  # (N, A)
        if self.allowed is not None:
            Q = np.where(self.allowed[s], Q, -np.inf)
        return np.asarray(epsilon_greedy(Q, self.epsilon, self.rng))

    def act(self, i: Array, s: Array) -> Array:
        return self.choose(i, s, self.features(s))


def first_w(w0: Any, shape: tuple[int, ...]) -> Array:
    """w0, or zeros, for every run; ValueError if it does not fit or is not finite.   -> shape"""
    try:
        w = np.array(np.broadcast_to(0.0 if w0 is None else w0, shape), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"w0 has shape {np.shape(w0)}; it must be a number, {shape[1:]} or {shape}"
        ) from None
    for i in np.argwhere(~np.isfinite(w))[:1]:
        raise ValueError(f"w0[{', '.join(map(str, i))}] is {w[tuple(i)]}; every number must be finite")
    return w
