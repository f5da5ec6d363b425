"""Losses on what people prefer: pairs of a chosen and a rejected answer, and ranked groups.

    value, (d_chosen, d_rejected) = bradley_terry(reward_chosen, reward_rejected)

Minimised, a mean over the batch; with a `weight`, the sum of weight times entry. Scores of any kind go in,
rewards or log-probabilities of whole responses; their way back to parameters belongs to who made them.

One idea runs through them: P(chosen > rejected) = sigmoid(difference of rewards). `dpo` is `bradley_terry` with
the reward beta log(pi / ref) in the place of a learned one, `simpo` with beta log pi / length.

Letters: B batch (any shape: every pair counts once), G responses of a group, h the difference that decides.
Left out: preferences that no single reward explains.
"""

from __future__ import annotations

from math import log, log1p
from typing import Any, TypeAlias

import numpy as np

from rlcore.learning.shapes import same_shape
from rlcore.numerics import Array, log_softmax, sigmoid

PairLoss: TypeAlias = tuple[float, tuple[Array, Array]]  # value, (d_chosen, d_rejected)


def bradley_terry(
    reward_chosen: Array,
    reward_rejected: Array,
    *,
    margin: Any = 0.0,
    label_smoothing: float = 0.0,
    noise: float = 0.0,
    weight: Array | None = None,
) -> PairLoss:
    """-mean(log sigmoid(h)),   h = r_chosen - r_rejected - margin.   (B,), (B,) -> number, ((B,), (B,))

    margin           how much better the chosen one should be, a number or one a pair
    label_smoothing  s:   -(1 - s) log sigmoid(h) - s log sigmoid(-h): nobody is quite sure
    noise            e:   -log((1 - e) sigmoid(h) + e sigmoid(-h)): a rater errs with probability e

    Only differences count: a constant added to both changes nothing. With noise a pair that contradicts all
    others loses its pull; with smoothing it keeps it. s = -e / (1 - 2 e) is unbiased where labels are
    flipped with probability e: on average it is the loss of the labels before.
    [eq:reward-loss] [eq:noisy-raters]  Bradley & Terry (1952).   Raises ValueError where the shapes differ.
    """
    same_shape(reward_chosen=reward_chosen, reward_rejected=reward_rejected)
    h = np.subtract(reward_chosen, reward_rejected) - margin
    yes = _log_sigmoid(h)
    if noise:
        loss, slope = _noisy(yes, _log_sigmoid(-h), noise)
    elif label_smoothing:
        loss = -(1 - label_smoothing) * yes - label_smoothing * _log_sigmoid(-h)
        slope = np.exp(yes) - (1 - label_smoothing)
    else:
        loss, slope = -yes, np.exp(yes) - 1
    return _over_pairs(loss, slope, weight)


def dpo(
    logp_chosen: Array,
    logp_rejected: Array,
    ref_chosen: Array,
    ref_rejected: Array,
    beta: float,
    label_smoothing: float = 0.0,
    *,
    weight: Array | None = None,
) -> PairLoss:
    """`bradley_terry` of the implicit rewards beta (logp - ref).   (B,) four times -> number, ((B,), (B,))

        -mean(log sigmoid(beta h)),   h = (logp_chosen - ref_chosen) - (logp_rejected - ref_rejected)

    logp is that of a whole response, the *sum* over its tokens. No reward model, no samples, no old policy: the
    difference to supervised learning is the loss alone. label_smoothing: conservative DPO; robust DPO with the
    unbiased one, -e / (1 - 2 e), Ray Chowdhury et al. (2024).
    [eq:dpo] [eq:dpo-slope]  Rafailov et al. (2023), direct preference optimization.
    Raises ValueError where the shapes differ.
    """
    chosen, rejected = _log_ratios(logp_chosen, logp_rejected, ref_chosen, ref_rejected)
    value, (d, _) = bradley_terry(
        beta * chosen, beta * rejected, label_smoothing=label_smoothing, weight=weight
    )
    return value, (beta * d, -beta * d)


def ipo(
    logp_chosen: Array,
    logp_rejected: Array,
    ref_chosen: Array,
    ref_rejected: Array,
    beta: float,
    *,
    weight: Array | None = None,
) -> PairLoss:
    """mean((h - 1 / (2 beta))^2), h as in `dpo`: a margin to be met, not to be raised for ever.

    1 / (2 beta) is the margin for a preference that is certain. Over all labels that raters would give, the
    best h is (P(chosen > rejected) - 1/2) / beta, between -1 / (2 beta) and that.
    (B,) four times -> number, ((B,), (B,)).   [eq:ipo]  Azar et al. (2024).
    Raises ValueError where the shapes differ.
    """
    chosen, rejected = _log_ratios(logp_chosen, logp_rejected, ref_chosen, ref_rejected)
    e = chosen - rejected - 1 / (2 * beta)
    return _over_pairs(e * e, 2 * e, weight)


def hinge(
    logp_chosen: Array,
    logp_rejected: Array,
    ref_chosen: Array,
    ref_rejected: Array,
    beta: float,
    *,
    weight: Array | None = None,
) -> PairLoss:
    """mean(max(0, 1 - beta h)), h as in `dpo`: a pair told apart by 1 / beta pulls no more.

    At the kink, beta h = 1, the gradient is 0.   (B,) four times -> number, ((B,), (B,))
    Liu et al. (2024), RSO; without a reference Zhao et al. (2023), SLiC.   Raises ValueError where the shapes differ.
    """
    chosen, rejected = _log_ratios(logp_chosen, logp_rejected, ref_chosen, ref_rejected)
    short = np.maximum(1 - beta * (chosen - rejected), 0)
    return _over_pairs(short, -beta * (short > 0), weight)


def simpo(
    logp_chosen: Array,
    logp_rejected: Array,
    length_chosen: Array,
    length_rejected: Array,
    beta: float,
    margin: float = 0.0,
    *,
    weight: Array | None = None,
) -> PairLoss:
    """`bradley_terry` of beta logp / length: no reference, and long responses gain nothing by their length.

        -mean(log sigmoid(beta (logp_chosen / length_chosen - logp_rejected / length_rejected) - margin))

    The margin is not multiplied by beta.   (B,) four times -> number, ((B,), (B,))
    [eq:simpo]  Meng, Xia & Chen (2024).   Raises ValueError where the shapes differ.
    """
    same_shape(logp_chosen=logp_chosen, logp_rejected=logp_rejected)
    same_shape(logp_chosen=logp_chosen, length_chosen=length_chosen, length_rejected=length_rejected)
    dtype = np.multiply(logp_chosen, 1.0).dtype  # lengths are whole numbers, and have no say in it
    per_chosen, per_rejected = (beta / np.asarray(n, dtype) for n in (length_chosen, length_rejected))
    value, (d, _) = bradley_terry(
        per_chosen * logp_chosen, per_rejected * logp_rejected, margin=margin, weight=weight
    )
    return value, (d * per_chosen, -d * per_rejected)


def kto(
    logp_chosen: Array,
    logp_rejected: Array,
    ref_chosen: Array,
    ref_rejected: Array,
    kl: float,
    beta: float,
    *,
    weight: Array | None = None,
) -> PairLoss:
    """Good and bad answers that need no partner.   (B,) twice, (B,) twice, number -> number, ((B,), (B,))

        mean(1 - sigmoid(beta (h_chosen - z))) + mean(1 - sigmoid(beta (z - h_rejected))),   z = max(kl, 0)

    h = logp - ref; kl, an estimate of KL(pi || ref), is a constant: nothing flows through it. Both means are
    over answers of one kind, so there may be more of the one than of the other, unless weighted.
    [eq:kto]  Ethayarajh et al. (2024).
    Raises ValueError where a log-probability and its reference differ in shape.
    """
    same_shape(logp_chosen=logp_chosen, ref_chosen=ref_chosen)
    same_shape(logp_rejected=logp_rejected, ref_rejected=ref_rejected)
    z = max(kl, 0.0)
    good = sigmoid(beta * (np.subtract(logp_chosen, ref_chosen) - z))
    bad = sigmoid(beta * (z - np.subtract(logp_rejected, ref_rejected)))
    value, (d_chosen, _) = _over_pairs(1 - good, -beta * good * (1 - good), weight)
    more, (d_rejected, _) = _over_pairs(1 - bad, beta * bad * (1 - bad), weight)
    return value + more, (d_chosen, d_rejected)


def rrhf(score: Array, rank_reward: Array) -> tuple[float, Array]:
    """The mean over groups of the sum of what stands in the wrong order.   (B, G) twice -> number, (B, G)

        sum over i, j with r_i < r_j of  max(0, p_i - p_j)

    p = score is log pi / length, r ranks the responses; equal r ask for nothing. Only the order of r counts,
    and where p has it already, no gradient is left: hence its partner, the log-likelihood of the best one.
    At the kink, p_i = p_j, the gradient is 0.   [eq:rrhf]  Yuan et al. (2023).
    Raises ValueError where shapes differ.
    """
    same_shape(score=score, rank_reward=rank_reward)
    p, r = np.multiply(score, 1.0), np.asarray(rank_reward)  # whole numbers have a gradient too
    excess = p[..., :, None] - p[..., None, :]  # (B, G, G)
    wrong = (r[..., :, None] < r[..., None, :]) & (excess > 0)
    groups = p.size / p.shape[-1]
    slope = wrong.sum(axis=-1) - wrong.sum(axis=-2)
    return float((excess * wrong).sum() / groups), np.asarray(slope / groups, p.dtype)


def plackett_luce(reward: Array) -> tuple[float, Array]:
    """Rankings, the best one first: it wins against all, then the next against the rest.   (B, G) -> number, (B, G)

        -mean over rankings of  sum_g log( exp(r_g) / sum_{j >= g} exp(r_j) )

    With G = 2 it is `bradley_terry`.   [eq:plackett-luce]  Plackett (1975), Luce (1959).
    """
    r = np.multiply(reward, 1.0)  # whole numbers have a gradient too
    G = r.shape[-1]
    later = np.where(np.arange(G) >= np.arange(G)[:, None], r[..., None, :], -np.inf)  # (B, G, G) who is left
    left = log_softmax(later)  # row g: log-probability of each to be the next
    rankings = r.size / G
    d = np.exp(left).sum(axis=-2) - 1
    return float(-np.diagonal(left, axis1=-2, axis2=-1).sum() / rankings), np.asarray(d / rankings, r.dtype)


def centring(reward_chosen: Array, reward_rejected: Array, *, weight: Array | None = None) -> PairLoss:
    """mean((r_chosen + r_rejected)^2): of all rewards that tell the same differences, those around 0.

    Added to `bradley_terry` with a small factor.   (B,), (B,) -> number, ((B,), (B,))
    """
    same_shape(reward_chosen=reward_chosen, reward_rejected=reward_rejected)
    total = np.add(reward_chosen, reward_rejected)
    value, (d, _) = _over_pairs(total * total, 2 * total, weight)
    return value, (d, d)


# ---------------------------------------------------------------- what they share


def _log_sigmoid(h: Array) -> Array:
    """log sigmoid(h), also where sigmoid(h) is too small for a number."""
    return np.asarray(-np.logaddexp(h.dtype.type(0), -h))


def _noisy(yes: Array, no: Array, noise: float) -> tuple[Array, Array]:
    """-log P and its slope, P = (1 - noise) sigmoid(h) + noise sigmoid(-h), from the logarithms of both."""
    right, flipped = log1p(-noise) + yes, log(noise) + no
    log_p = np.logaddexp(right, flipped)
    trust = np.exp(right - log_p)  # the probability that the label is right
    return -log_p, (1 - trust) * np.exp(yes) - trust * np.exp(no)


def _log_ratios(
    logp_chosen: Array, logp_rejected: Array, ref_chosen: Array, ref_rejected: Array
) -> tuple[Array, Array]:
    """log pi / ref of both."""
    same_shape(
        logp_chosen=logp_chosen, logp_rejected=logp_rejected, ref_chosen=ref_chosen, ref_rejected=ref_rejected
    )
    return np.subtract(logp_chosen, ref_chosen), np.subtract(logp_rejected, ref_rejected)


def _over_pairs(loss: Array, slope: Array, weight: Array | None) -> PairLoss:
    """The mean of the losses, or the sum weighted, and its gradients; slope: dloss / dh.   -> number, (B,) twice"""
    slope = np.asarray(slope, loss.dtype)
    if weight is None:
        d = np.asarray(slope / loss.dtype.type(loss.size))
        return float(loss.mean()), (d, -d)
    same_shape(loss=loss, weight=weight)
    d = np.asarray(weight * slope)
    return float((weight * loss).sum()), (d, -d)
