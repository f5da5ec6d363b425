"""Losses: (value, gradient with respect to the first argument), minimised, a mean over the batch.

    value, d_prediction = squared_error(prediction, target)        a critic's; written in `value_losses`
    value, d_logits = ppo_clip(logits, action, logp_old, advantage, clip)

Where a `weight` is given, the loss is the sum of weight times entry instead: pads get 0, and what stands there
counts for nothing. What should grow (an expected return, an entropy) enters with a minus sign.

A policy-gradient loss pays with the log-probability of the action taken; its gradient with respect to logp goes
through the `back` that came with logp, whatever the policy is:

    logp, back = log_prob(logits, action)
    value, d_logp = clipped_surrogate(logp, logp_old, advantage, clip)
    d_logits = back(d_logp)

Letters: B batch (any shape: every entry counts once), A actions.
Left out: the sum of several losses, which the algorithms write out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log1p
from typing import Any, TypeAlias

import numpy as np

from rlcore.learning.kl import d_kl_ref, kl
from rlcore.learning.policies import categorical_entropy, log_prob
from rlcore.learning.preferences import bradley_terry as bradley_terry
from rlcore.learning.preferences import dpo as dpo
from rlcore.learning.preferences import ipo as ipo
from rlcore.learning.preferences import rrhf as rrhf
from rlcore.learning.shapes import same_shape
from rlcore.learning.value_losses import clipped_squared_error as clipped_squared_error
from rlcore.learning.value_losses import huber as huber
from rlcore.learning.value_losses import over_batch
from rlcore.learning.value_losses import squared_error as squared_error
from rlcore.numerics import Array
from rlcore.problems.doors import is_number

Clip: TypeAlias = float | tuple[float, float]  # epsilon, or one for each side

# ---------------------------------------------------------------- policies


def standardised(advantage: Array, *, ddof: int = 1, eps: float = 1e-8) -> Array:
    """(A - mean) / (std + eps), for the policy's loss alone.   (B,) -> (B,)   [eq:standardised]

    std divides by B - ddof: 1 is the default of PyTorch, 0 that of NumPy. Equal advantages give 0, and ddof
    entries or fewer, which have no spread, come back as they are. Pads stay out: standardised(A[counts]).
    The target of the value is A + value *before* this. Computed in float64.
    """
    advantage = np.asarray(advantage)
    if advantage.size <= ddof:
        return advantage
    x = advantage.astype(float)
    x -= x.sum() / x.size
    z = x / (np.sqrt((x * x).sum() / (x.size - ddof)) + eps)
    return np.asarray(z, np.result_type(advantage, np.float32))


def reinforce_loss(logp: Array, advantage: Array, weight: Array | None = None) -> tuple[float, Array]:
    """-mean(A log pi): its gradient is that of the expected return, with a minus sign.   (B,) twice -> number, (B,)

    The value means nothing: it may rise while the policy gets better.   Williams (1992).
    Raises ValueError where the shapes differ.
    """
    same_shape(logp=logp, advantage=advantage)
    A = np.asarray(advantage)
    return over_batch(-A * logp, -A, weight)


def policy_gradient_loss(logits: Array, action: Array, advantage: Array) -> tuple[float, Array]:
    """`reinforce_loss` of a softmax policy.   (B, A), (B,) int, (B,) -> number, (B, A)"""
    logp, back = log_prob(logits, action)
    value, d_logp = reinforce_loss(logp, advantage)
    return value, back(d_logp)


def entropy(logits: Array, weight: Array | None = None) -> tuple[float, Array]:
    """+H, the mean entropy of softmax policies, to be subtracted by the caller.   (B, A) -> number, (B, A)

    Subtracted, it keeps a policy from making up its mind too early; added, it makes it hurry.
    """
    H, back = categorical_entropy(logits)
    value, d_H = average(H, weight)
    return value, back(d_H)


def average(x: Array, weight: Array | None = None) -> tuple[float, Array]:
    """The mean, or the weighted sum, of entropies or divergences.   (B,) -> number, (B,)"""
    return over_batch(x, np.ones_like(x), weight)


# ---------------------------------------------------------------- proximal policy optimisation


def clipped_surrogate(
    logp: Array, logp_old: Array, advantage: Array, clip: Clip, weight: Array | None = None
) -> tuple[float, Array]:
    """-mean(min(r A, clip(r, 1 - low, 1 + high) A)),   r = pi / pi_old.   (B,) three times -> number, (B,)

        gradient -r A / B where r A is the smaller of the two, else 0        [eq:ratio] [eq:clip]

    So the push ends where r has gone far enough *in the direction of A*: above 1 + high for A > 0, below
    1 - low for A < 0. On the other side it goes on, however far r is. At the edge itself, where both are
    equal, r A is taken. clip = inf: the plain surrogate -mean(r A).
    clip: epsilon for both sides, or (low, high).   Raises ValueError where the shapes differ.
    Schulman et al. (2017), equations 6 and 7.
    """
    same_shape(logp=logp, logp_old=logp_old, advantage=advantage)
    low, high = _sides(clip)
    ratio = np.exp(np.subtract(logp, logp_old))
    gain, clipped = ratio * advantage, ratio.clip(1 - low, 1 + high) * advantage
    return over_batch(-np.minimum(gain, clipped), np.where(gain <= clipped, -gain, 0.0), weight)


def ppo_clip(
    logits: Array, action: Array, logp_old: Array, advantage: Array, clip: Clip
) -> tuple[float, Array]:
    """`clipped_surrogate` of a softmax policy.   (B, A), (B,) int, (B,), (B,) -> number, (B, A)"""
    logp, back = log_prob(logits, action)
    value, d_logp = clipped_surrogate(logp, logp_old, advantage, clip)
    return value, back(d_logp)


def ppo_penalty(
    logits: Array, action: Array, logits_old: Array, advantage: Array, beta: float
) -> tuple[float, Array]:
    """-mean(r A) + beta mean KL(old || new) of a softmax policy.   (B, A), (B,) int, (B, A), (B,) -> number, (B, A)

    The divergence is exact, over all actions.   [eq:penalty]  Schulman et al. (2017), equation 8.
    """
    logp, back = log_prob(logits, action)
    logp_old, _ = log_prob(logits_old, action)
    divergence = kl(logits_old, logits)
    value, d_logp, d_divergence = PPOPenalty(beta).loss(logp, logp_old, divergence, advantage)
    return value, back(d_logp) + d_divergence[..., None] * d_kl_ref(logits_old, logits)


def clip_fraction(logp: Array, logp_old: Array, clip: Clip) -> float:
    """The part of the batch whose r = pi / pi_old is outside [1 - low, 1 + high].   (B,) twice -> number

    Not the part without gradient: outside on the near side, r A is still the smaller one. That part is
    np.mean(d_logp == 0), from `clipped_surrogate`.
    """
    same_shape(logp=logp, logp_old=logp_old)
    low, high = _sides(clip)
    log_r = np.subtract(logp, logp_old)
    below = log_r < log1p(-low) if low < 1 else np.zeros(log_r.shape, bool)
    return float(np.mean(below | (log_r > log1p(high))))


@dataclass(frozen=True)
class PPOClip:
    """The surrogate that stops where the ratio has gone far enough.   ValueError unless clip > 0."""

    clip: Clip = 0.2  # epsilon, or (low, high)

    def __post_init__(self) -> None:
        sides = self.clip if isinstance(self.clip, tuple) else (self.clip, self.clip)
        if len(sides) != 2 or not all(is_number(x) and x > 0 for x in sides):
            raise ValueError(f"clip is {self.clip!r}; it must be a number > 0, or two: (low, high)")

    def loss(
        self, logp: Array, logp_old: Array, kl: Array, advantage: Array, weight: Array | None = None
    ) -> tuple[float, Array, Array]:
        """-> value, d_logp (B,), d_kl (B,): zeros, for the divergence has no part in it.   four times (B,)"""
        same_shape(logp=logp, kl=kl)
        value, d_logp = clipped_surrogate(logp, logp_old, advantage, self.clip, weight)
        return value, d_logp, np.zeros_like(kl)

    def adapted(self, mean_kl: float) -> PPOClip:
        """Itself."""
        return self


@dataclass(frozen=True)
class PPOPenalty:
    """The surrogate that pays beta for the divergence from the old policy.

    Raises ValueError unless beta is finite and >= 0, and target None or > 0.
    """

    beta: float = 1.0  # the price of a unit of KL(old || new)
    target: float | None = None  # the divergence an update should have; None: beta stays

    def __post_init__(self) -> None:
        if not is_number(self.beta) or not 0 <= self.beta < inf:
            raise ValueError(f"beta is {self.beta!r}; it must be a finite number >= 0")
        if self.target is not None and not (is_number(self.target) and 0 < self.target < inf):
            raise ValueError(f"target is {self.target!r}; it must be a finite number > 0, or None")

    def loss(
        self, logp: Array, logp_old: Array, kl: Array, advantage: Array, weight: Array | None = None
    ) -> tuple[float, Array, Array]:
        """-mean(r A) + beta mean(kl) -> value, d_logp (B,), d_kl (B,).   four times (B,)"""
        same_shape(logp=logp, kl=kl)
        gain, d_logp = clipped_surrogate(logp, logp_old, advantage, inf, weight)
        divergence, d_kl = average(kl, weight)
        return gain + self.beta * divergence, d_logp, self.beta * d_kl

    def adapted(self, mean_kl: float) -> PPOPenalty:
        """Twice the price above 1.5 target, half of it below target / 1.5.

        [eq:adaptive-price]  Schulman et al. (2017), section 4. There, as here, the price has no bounds.
        """
        if self.target is None:
            return self
        factor = 2.0 if mean_kl > 1.5 * self.target else 0.5 if mean_kl < self.target / 1.5 else 1.0
        return replace(self, beta=factor * self.beta)


def _sides(clip: Any) -> tuple[float, float]:
    """(low, high)"""
    low, high = (clip, clip) if np.ndim(clip) == 0 else clip
    return low, high
