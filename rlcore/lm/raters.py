"""Simulated raters: which of two responses is better, in the opinion of somebody who may err.

    P(first is chosen) = sigmoid((r(x, y1) - r(x, y2)) / tau)       and with noise e: (1 - e) P + e (1 - P)

Letters: B pairs, L tokens of a response, X prompts, N responses.
Left out: raters who disagree with each other in a way of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.lm.language import Language
from rlcore.lm.models import LanguageModel
from rlcore.lm.sampling import check_prompts, sample
from rlcore.lm.tasks import Reward, ask
from rlcore.numerics import Array, sigmoid
from rlcore.problems.doors import check_functions, check_probability, is_number


@dataclass(frozen=True, eq=False)
class Pairs:
    """B comparisons; len(pairs) is B and pairs[index] some of them.   ValueError where the shapes do not fit"""

    prompt: Array  # (B,) int
    chosen: Array  # (B, L) int
    rejected: Array  # (B, L) int

    def __post_init__(self) -> None:
        shapes = np.shape(self.prompt), np.shape(self.chosen), np.shape(self.rejected)
        if shapes[1] != shapes[2] or len(shapes[1]) != 2 or shapes[0] != shapes[1][:1]:
            raise ValueError(
                f"prompt, chosen and rejected have shapes {shapes}; they must be (B,), (B, L), (B, L)"
            )

    def __len__(self) -> int:
        return len(self.prompt)

    def __getitem__(self, index: Any) -> Pairs:
        return Pairs(self.prompt[index], self.chosen[index], self.rejected[index])

    def check(self, model: LanguageModel) -> None:
        """Raise ValueError without a pair, or for one that is not in the model's language."""
        if len(self) == 0:
            raise ValueError("pairs is empty; preferences need one comparison or more")
        check_prompts(model, self.prompt)
        model.language.check("pairs.chosen", self.chosen)
        model.language.check("pairs.rejected", self.rejected)

    def texts(self, language: Language) -> list[tuple[str, str, str]]:
        """(prompt, chosen, rejected) of each, to be read."""
        prompts = [language.prompts[x] for x in self.prompt]
        return list(zip(prompts, language.texts(self.chosen), language.texts(self.rejected), strict=True))


def preference(margin: Array, *, tau: float = 1.0, noise: float = 0.0) -> Array:
    """The probability that the first is chosen, margin = r(first) - r(second).   (...) -> (...)   [eq:bradley-terry]

    A tie is a coin whatever tau and noise are; noise = 1/2 is a coin whatever the margin.
    Raises ValueError unless tau > 0 and noise is a probability.
    """
    if not is_number(tau) or not 0 < tau < inf:
        raise ValueError(f"tau is {tau!r}; it must be a finite number > 0")
    check_probability("noise", noise)
    p = sigmoid(np.asarray(margin) / tau)
    return np.asarray((1 - noise) * p + noise * (1 - p))


def compare(
    model: LanguageModel,
    reward: Reward,
    prompt: Any,
    rng: Generator,
    *,
    tau: float = 1.0,
    noise: float = 0.0,
) -> Pairs:
    """Draw two responses to each prompt from the model and ask a rater.   (B,) -> B pairs

    Errors as `preference` and `sample`, and where a reward is no finite number.
    """
    check_functions(reward=reward)
    first, _ = sample(model, prompt, rng)
    second, _ = sample(model, prompt, rng)
    prompt = np.asarray(prompt)
    p = preference(ask(reward, prompt, first) - ask(reward, prompt, second), tau=tau, noise=noise)
    likes = (rng.random(len(prompt)) < p)[:, None]  # (B, 1)
    return Pairs(prompt, np.where(likes, first, second), np.where(likes, second, first))
