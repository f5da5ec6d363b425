"""What was said, and what it costs: responses as episodes, the price of leaving the reference on each token.

    r_t = -beta (log pi(y_t | ...) - log ref(y_t | ...)) + [t is the last] score(x, y)

The log-probabilities are those of the policy that drew the token, as numbers: no gradient flows through a reward.
The sum of r_t over a response has the mean J = E score - beta KL(pi || ref), so V of the empty prefix is J.

Letters: B responses, L tokens of a response.
Left out: scores that are rescaled on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.kl import k1
from rlcore.lm.models import LanguageModel, token_logp
from rlcore.lm.sampling import sample
from rlcore.lm.tasks import Reward, ask
from rlcore.numerics import Array
from rlcore.problems.doors import is_number

Estimate: TypeAlias = Callable[[Array, Array], Array]  # (logp, logp_ref) -> elementwise


@dataclass(frozen=True, eq=False)
class Said:
    """B responses, with what the policy that drew them and the reference thought of each token."""

    prompt: Array  # (B,) int
    response: Array  # (B, L) int
    counts: Array  # (B, L) bool  chosen tokens; pads are none
    logp: Array  # (B, L)  log pi when it was drawn, 0 on pads
    logp_ref: Array  # (B, L)  log ref, 0 on pads
    score: Array  # (B,)  what the whole response is worth

    @property
    def done(self) -> Array:
        """Where the episode is over: at the last token, and on the pads behind it.   (B, L) bool"""
        after = np.zeros((len(self.counts), 1), bool)
        return np.asarray(~np.concatenate([self.counts[:, 1:], after], axis=1))

    @property
    def kl(self) -> Array:
        """log pi(y|x) - log ref(y|x): its mean is KL(pi || ref), a single one may be negative.   (B,)"""
        return np.asarray(k1(self.logp, self.logp_ref).sum(axis=1))


def speak(model: LanguageModel, ref: LanguageModel, reward: Reward, prompt: Array, rng: Generator) -> Said:
    """Draw a response to each prompt and have it scored.   (B,) -> B responses

    Raises ValueError unless the reward is a finite number for each.
    """
    response, logp = sample(model, prompt, rng)
    logp_ref, _ = token_logp(ref, prompt, response)
    score = ask(reward, prompt, response)
    return Said(prompt, response, model.language.counts(response), logp, logp_ref, score)


@dataclass(frozen=True)
class KLPrice:
    """What a nat away from the reference costs; with a target, a price that follows the divergence.

    Raises ValueError unless beta is finite and >= 0, target None or > 0, and horizon > 0; and for a target with
    beta 0, which is multiplied and so would stay 0.
    """

    beta: float = 0.2  # the price
    target: float | None = None  # the divergence a response should have, in nats; None: beta stays
    horizon: float = 10_000  # responses in which beta may grow or shrink by a factor of about 1.2
    estimate: Estimate = k1  # of a token's divergence, from (logp, logp_ref)

    def __post_init__(self) -> None:
        if not is_number(self.beta) or not 0 <= self.beta < inf:
            raise ValueError(f"beta is {self.beta!r}; it must be a finite number >= 0")
        if self.target is not None and not (is_number(self.target) and 0 < self.target < inf):
            raise ValueError(f"target is {self.target!r}; it must be a finite number > 0, or None")
        if self.target is not None and self.beta == 0:
            raise ValueError("beta is 0, which no target moves; with a target it must be > 0")
        if not is_number(self.horizon) or not 0 < self.horizon < inf:
            raise ValueError(f"horizon is {self.horizon!r}; it must be a finite number > 0")
        if not callable(self.estimate):
            raise ValueError(f"estimate is {self.estimate!r}; it must be a function, such as k1")

    def check(self, n: int) -> None:
        """Raise ValueError where beta could move by more than a fifth in one update of n responses."""
        if self.target is not None and self.horizon < n:
            raise ValueError(
                f"price.horizon is {self.horizon!r}; it must be {n} or more, as many as an update has"
            )

    def adapted(self, kl: float, n: int) -> KLPrice:
        """The price after n responses of mean divergence kl: beta (1 + clip(kl / target - 1, -0.2, 0.2) n / horizon).

        [eq:following-price]  Ziegler et al. (2019). There, as here, the price has no bounds.
        Not the rule of `PPOPenalty`, which doubles and halves, for KL(old || new).
        """
        if self.target is None:
            return self
        error = min(max(kl / self.target - 1, -0.2), 0.2)
        return replace(self, beta=self.beta * (1 + error * n / self.horizon))


def token_reward(said: Said, price: KLPrice) -> Array:
    """-beta estimate(logp, logp_ref) for each token, and the score at the last one, never on a pad.   -> (B, L)

    [eq:token-price]
    """
    last = said.counts & said.done
    cost = np.where(said.counts, price.estimate(said.logp, said.logp_ref), 0.0)
    return np.asarray(np.where(last, said.score[:, None], 0.0) - price.beta * cost)


def report(said: Said, price: KLPrice) -> dict[str, float]:
    """What a batch says of the policy that drew it: means over responses.

    reward     the score
    kl         log pi - log ref: an estimate of KL(pi || ref) that may be negative
    J          reward - beta kl
    entropy    -log pi(y | x), of whole responses
    length     tokens, the end included
    beta       the price
    """
    reward, kl = float(said.score.mean()), float(said.kl.mean())
    return {
        "reward": reward,
        "kl": kl,
        "J": reward - price.beta * kl,
        "entropy": float(-said.logp.sum(axis=1).mean()),
        "length": float(said.counts.sum(axis=1).mean()),
        "beta": price.beta,
    }
