"""Preference learning with infinitely many raters: every pair of responses, weighed by how often it comes up.

    w(x, i, j) = 2 / X ref(i|x) ref(j|x) P(i > j)          i chosen, j rejected; all weights sum to 1

The loss is the one that a sample of pairs has (learning/preferences.py), with these weights. So what a loss does
to a policy can be told from what a small sample does to it.

Letters: X prompts, N responses, F features.
Left out: sampling; `raters.compare` does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlcore.learning.preferences import PairLoss, bradley_terry
from rlcore.lm.raters import preference
from rlcore.numerics import Array


def pair_weights(log_ref: Array, reward: Array, *, tau: float = 1.0, noise: float = 0.0) -> Array:
    """How often i is chosen and j rejected, where ref drew both.   (X, N) twice -> (X, N, N), of sum 1"""
    ref = np.exp(log_ref)
    p = preference(reward[:, :, None] - reward[:, None, :], tau=tau, noise=noise)
    return np.asarray(2 / len(ref) * ref[:, :, None] * ref[:, None, :] * p)


def population_loss(
    loss: Callable[..., PairLoss], weight: Array, score: Array, *others: Array
) -> tuple[float, Array]:
    """A loss over all pairs, and its gradient with respect to score.   (X, N, N), (X, N) ... -> number, (X, N)

        population_loss(bradley_terry, weight, reward)
        population_loss(partial(dpo, beta=0.2), weight, log_pi, log_ref)

    loss(chosen, rejected, ..., weight=...) gets each table twice, once for each side of the pair.
    """
    sides = [side for table in (score, *others) for side in _sides(table)]
    value, (d_chosen, d_rejected) = loss(*sides, weight=weight)
    return value, np.asarray(d_chosen.sum(axis=2) + d_rejected.sum(axis=1))


def _sides(table: Array) -> tuple[Array, Array]:
    """Row i for the chosen, column j for the rejected.   (X, N) -> (X, N, N) twice"""
    shape = (*table.shape, table.shape[1])
    return np.broadcast_to(table[:, :, None], shape), np.broadcast_to(table[:, None, :], shape)


def bayes_loss(weight: Array, reward: Array) -> float:
    """The loss of who knows the reward: no model of these pairs has less.   (X, N, N), (X, N) -> number"""
    return population_loss(bradley_terry, weight, reward)[0]


def accuracy(weight: Array, reward: Array) -> float:
    """How often the chosen one has the larger reward; a tie is half a hit.   (X, N, N), (X, N) -> number"""
    return float((weight * hits(reward[:, :, None] - reward[:, None, :])).sum())


def hits(margin: Array) -> Array:
    """1 where the margin is positive, 1/2 at a tie, else 0; a margin as small as rounding is a tie.   (...) -> (...)"""
    tie = np.abs(margin) <= np.sqrt(np.finfo(margin.dtype).eps)
    return np.where(tie, 0.5, margin > 0)


def fisher_information(weight: Array, phi: Array, w: Array) -> Array:
    """What a pair tells about w, the reward being phi @ w.   (X, N, N), (X, N, F), (F,) -> (F, F)

        I = E[sigmoid(h) sigmoid(-h) d d^T],   d = phi(i) - phi(j),   h = d @ w

    The maximum-likelihood w of B pairs has standard errors near sqrt(diag(inv(I)) / B).   [eq:reward-error]
    """
    r = phi @ w
    p = preference(r[:, :, None] - r[:, None, :])
    v = (weight + weight.swapaxes(1, 2)) / 2 * p * (1 - p)  # (X, N, N), the same for (i, j) and (j, i)
    alone = np.einsum("xi,xif,xig->fg", v.sum(axis=2), phi, phi)
    return np.asarray(2 * (alone - np.einsum("xif,xig->fg", phi, v @ phi)))
