"""Heads: what the output y of a policy's network means.

    action, logp = head.sample(y, rng)          logp, back = head.log_prob(y, action)

A loop that knows only these verbs serves discrete and real-valued actions alike. Each `back` takes one number
a row and returns the gradient with respect to y.

Letters: A actions, D dimensions of an action, `...` any leading axes.
Left out: distributions squashed into a box, spreads that depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import e, log, tau
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.kl import d_gaussian_kl_ref, d_kl_ref, gaussian_kl, kl
from rlcore.learning.policies import Back, categorical_entropy, gaussian_log_prob, log_prob
from rlcore.nn.layers import Forward, Params, Pullback
from rlcore.numerics import Array, categorical, log_softmax, pick


@dataclass(frozen=True)
class Categorical:
    """Discrete actions: y are logits (..., A)."""

    def sample(self, y: Array, rng: Generator) -> tuple[Any, Array]:
        """One uniform number a row.   (..., A) -> (...) int, (...)"""
        log_pi = log_softmax(y)
        action = categorical(np.exp(log_pi), rng)
        return action, pick(log_pi, action)

    def mode(self, y: Array) -> Any:
        """(..., A) -> (...) int;  of equals the first."""
        return y.argmax(axis=-1)

    def log_prob(self, y: Array, action: Array) -> tuple[Array, Back]:
        return log_prob(y, action)

    def entropy(self, y: Array) -> tuple[Array, Back]:
        return categorical_entropy(y)

    def kl(self, y_old: Array, y: Array) -> tuple[Array, Back]:
        return kl(y_old, y), lambda d: np.asarray(d[..., None] * d_kl_ref(y_old, y))


@dataclass(frozen=True)
class Gaussian:
    """Real-valued actions: y are D means and behind them D log standard deviations, (..., 2 D)."""

    def sample(self, y: Array, rng: Generator) -> tuple[Any, Array]:
        """Mean plus standard deviation times a standard normal.   (..., 2 D) -> (..., D), (...)"""
        mean, log_std = np.split(y, 2, axis=-1)
        noise = np.asarray(rng.standard_normal(mean.shape), mean.dtype)
        action = mean + np.exp(log_std) * noise
        return action, gaussian_log_prob(mean, log_std, action)[0]

    def mode(self, y: Array) -> Any:
        """The mean.   (..., 2 D) -> (..., D)"""
        return np.split(y, 2, axis=-1)[0]

    def log_prob(self, y: Array, action: Array) -> tuple[Array, Back]:
        """The log density of what was drawn, which no box has cut; it may be above 0.   [eq:gaussian-log-prob]

        sum_d -z^2 / 2 - log_std - log(tau) / 2,    z = (action - mean) / exp(log_std),  tau = 2 pi
        """
        mean, log_std = np.split(y, 2, axis=-1)
        logp, back = gaussian_log_prob(mean, log_std, action)
        return logp, lambda d: np.concatenate(back(d), axis=-1)

    def entropy(self, y: Array) -> tuple[Array, Back]:
        """sum_d log_std + log(tau e) / 2: it grows without end, and below a small spread it is negative.

        [eq:gaussian-entropy]
        """
        mean, log_std = np.split(y, 2, axis=-1)
        H = (log_std + log(tau * e) / 2).sum(axis=-1)
        slope = np.concatenate([np.zeros_like(mean), np.ones_like(log_std)], axis=-1)
        return H, lambda d: np.asarray(d[..., None] * slope)

    def kl(self, y_old: Array, y: Array) -> tuple[Array, Back]:
        both = *np.split(y_old, 2, axis=-1), *np.split(y, 2, axis=-1)
        return gaussian_kl(*both), lambda d: d[..., None] * np.concatenate(d_gaussian_kl_ref(*both), axis=-1)


def with_log_std(forward: Forward) -> Forward:
    """A network of means, and params["log_std"] (D,), the same in every state.   (..., n) -> (..., 2 D)"""
    return partial(_with_log_std, forward)  # which can be sent to another process


def _with_log_std(forward: Forward, params: Params, x: Array) -> tuple[Array, Pullback]:
    mean, back = forward({name: w for name, w in params.items() if name != "log_std"}, x)
    D = mean.shape[-1]

    def pullback(dy: Array) -> tuple[Array, Params]:
        dx, grads = back(dy[..., :D])
        log_std = np.asarray(dy[..., D:], mean.dtype).reshape(-1, D).sum(axis=0)
        return dx, {name: {**grads, "log_std": log_std}[name] for name in params}

    return np.concatenate([mean, np.broadcast_to(params["log_std"], mean.shape)], axis=-1), pullback
