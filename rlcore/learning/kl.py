"""Kullback-Leibler divergence: exact over the actions, exact for Gaussians, and estimated from samples.

    KL(pi || ref) = sum_a pi(a) (log pi(a) - log ref(a))      >= 0, and 0 only where they agree

The order of the arguments matters: the first one is the distribution that acts. k1, k2 and k3 estimate
KL(pi || ref) from actions that *pi* drew. PPO measures how far the new policy went from the old one, which
drew the actions: KL(old || new), so there `k3(logp_old, logp)`.

The mean of an estimator and the mean of its derivative are two matters. Put into a loss that is
differentiated through logp, the actions held fixed, they push along

    d_k1: nothing, on average        d_k2: the gradient of KL(pi || ref)        d_k3: that of KL(ref || pi)

Letters: A actions, D dimensions of an action, `...` any leading axes.
Left out: divergences of another family.
"""

from __future__ import annotations

import numpy as np

from rlcore.learning.shapes import same_shape
from rlcore.numerics import Array, log_softmax, softmax

# ---------------------------------------------------------------- exact


def kl(logits: Array, logits_ref: Array) -> Array:
    """KL(pi || ref) of two softmax policies.   (..., A) twice -> (...)   [eq:kl]

        sum_a p_a (log p_a - log q_a),    p = softmax(logits),  q = softmax(logits_ref)

    Log-probabilities are logits too. A logit of -inf is an action that does not exist; one that pi takes and
    ref cannot costs inf.
    """
    p, log_ratio = _against(logits, logits_ref)
    return np.asarray((p * log_ratio).sum(axis=-1))


def d_kl(logits: Array, logits_ref: Array) -> Array:
    """The gradient of `kl` with respect to its first logits.   (..., A) twice -> (..., A)

    p_a (log p_a - log q_a - KL)
    """
    p, log_ratio = _against(logits, logits_ref)
    return np.asarray(p * (log_ratio - (p * log_ratio).sum(axis=-1, keepdims=True)))


def d_kl_ref(logits: Array, logits_ref: Array) -> Array:
    """The gradient of `kl` with respect to its second logits: q - p.   (..., A) twice -> (..., A)"""
    same_shape(logits=logits, logits_ref=logits_ref)
    return np.asarray(softmax(logits_ref) - softmax(logits))


def gaussian_kl(mean: Array, log_std: Array, mean_ref: Array, log_std_ref: Array) -> Array:
    """KL(pi || ref) of two Gaussians with independent coordinates.   (..., D) four times -> (...)

    sum_d log(s_ref / s) + (s^2 + (m - m_ref)^2) / (2 s_ref^2) - 1/2,    s = exp(log_std)
    """
    spread = _spread(mean, log_std, mean_ref, log_std_ref)
    return np.asarray((log_std_ref - log_std + (spread - 1) / 2).sum(axis=-1))


def d_gaussian_kl_ref(
    mean: Array, log_std: Array, mean_ref: Array, log_std_ref: Array
) -> tuple[Array, Array]:
    """The gradient of `gaussian_kl` with respect to (mean_ref, log_std_ref).   -> (..., D) twice

    (m_ref - m) / s_ref^2   and   1 - (s^2 + (m - m_ref)^2) / s_ref^2
    """
    d_mean = (mean_ref - mean) * np.exp(-2 * log_std_ref)
    return np.asarray(d_mean), np.asarray(1 - _spread(mean, log_std, mean_ref, log_std_ref))


# ---------------------------------------------------------------- from samples


def k1(logp: Array, logp_ref: Array) -> Array:
    """log pi - log ref of each sample: unbiased, but its sign changes.   (...) twice -> (...)   [eq:estimators]

    Raises ValueError, as all of this file do, where the shapes differ.
    """
    same_shape(logp=logp, logp_ref=logp_ref)
    return np.asarray(np.subtract(logp, logp_ref))


def k2(logp: Array, logp_ref: Array) -> Array:
    """(log pi - log ref)^2 / 2: never negative; biased, by little where pi is near ref.   (...) twice -> (...)"""
    return np.asarray(k1(logp, logp_ref) ** 2 / 2)


def k3(logp: Array, logp_ref: Array) -> Array:
    """r - 1 - log r,  r = ref / pi: unbiased and never negative.   (...) twice -> (...)

    k1 plus r - 1, whose mean under pi is 0. Its variance is the smaller one near ref; far from it r has a
    heavy tail, and k1 may vary less.   [eq:approximate-kl]  Schulman (2020), Approximating KL divergence.
    """
    log_r = -k1(logp, logp_ref)
    return np.asarray(np.expm1(log_r) - log_r)


def d_k1(logp: Array, logp_ref: Array) -> Array:
    """dk1 / dlogp = 1: the same push for every sample, and so none on average.   (...) twice -> (...)

    [eq:expected-push]
    """
    return np.ones_like(k1(logp, logp_ref))


def d_k2(logp: Array, logp_ref: Array) -> Array:
    """dk2 / dlogp = log pi - log ref.   (...) twice -> (...)"""
    return k1(logp, logp_ref)


def d_k3(logp: Array, logp_ref: Array) -> Array:
    """dk3 / dlogp = 1 - ref / pi.   (...) twice -> (...)"""
    return np.asarray(-np.expm1(-k1(logp, logp_ref)))


def _against(logits: Array, logits_ref: Array) -> tuple[Array, Array]:
    """p, and log p - log q where p > 0.   (..., A) twice -> (..., A) twice"""
    same_shape(logits=logits, logits_ref=logits_ref)
    log_p, log_q = log_softmax(logits), log_softmax(logits_ref)
    p = np.exp(log_p)
    return p, np.subtract(log_p, log_q, out=np.zeros_like(p), where=p > 0)


def _spread(mean: Array, log_std: Array, mean_ref: Array, log_std_ref: Array) -> Array:
    """E (a - m_ref)^2 / s_ref^2, a drawn from N(m, s^2)."""
    same_shape(mean=mean, log_std=log_std, mean_ref=mean_ref, log_std_ref=log_std_ref)
    return np.asarray((np.exp(2 * log_std) + (mean - mean_ref) ** 2) * np.exp(-2 * log_std_ref))
