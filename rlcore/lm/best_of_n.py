"""The best of n: draw n responses, keep the one that scores best. And its end: a model that needs one draw.

    best_of           nothing is learned; every answer costs n draws and n scores
    rejection_tune    supervised fine-tuning on what was kept; the next round draws from what it made

What it is exactly, and how far from the reference, is `exact.regularised.best_of_n`: the order of the scores is
all that counts, and KL(best of n || ref) is never more than log n - (n - 1) / n. The best of m, each of them the
best of n, is the best of m n: so each round of perfect fine-tuning multiplies n, and with a score that is not
quite what is meant, two rounds go as far too far as n^2 draws.

Letters: B prompts, n draws of each, L tokens of a response.
Left out: several winners of a group, thresholds in the place of the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.lm.evaluate import Judge, no_judge
from rlcore.lm.models import LanguageModel
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.sft import SFTConfig, sft
from rlcore.lm.tasks import Reward, ask
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_functions, check_kind


def best_of(model: LanguageModel, score: Reward, prompt: Any, n: int, rng: Generator) -> tuple[Array, Array]:
    """Draw n responses to each prompt and keep one of largest score.   (B,) -> response (B, L), score (B,)

    Among equals the first: no draw comes before another by merit, so that is a fair coin. n = 1: a sample.
    Raises ValueError unless n is a whole number >= 1 and scores are finite numbers, and as `sample`.
    """
    check_functions(score=score)
    check_count("n", n, 1)
    asked = np.repeat(np.asarray(prompt), n)
    response, _ = sample(model, asked, rng)
    points = ask(score, asked, response).reshape(-1, n)  # (B, n)
    best = np.arange(0, points.size, n) + points.argmax(axis=1)
    return response[best], points.ravel()[best]


@dataclass(frozen=True)
class RejectionConfig:
    """What a run of `rejection_tune` needs to know.   ValueError for a number out of its range."""

    rounds: int = 1  # in each the model draws, and learns from its best
    batch: int = 6_000  # prompts of a round, one response of each is kept
    n: int = 4  # draws for each
    sft: SFTConfig = field(default_factory=lambda: SFTConfig(steps=300, batch=1_000, lr=2e-2))  # of a round

    def __post_init__(self) -> None:
        check_count("rounds", self.rounds, 0)
        check_count("batch", self.batch, 1)
        check_count("n", self.n, 1)
        if not isinstance(self.sft, SFTConfig):
            raise ValueError(f"sft is {self.sft!r}; it must be SFTConfig(...)")


def rejection_tune(
    model: LanguageModel, score: Reward, cfg: RejectionConfig, rng: Generator, judge: Judge = no_judge
) -> list[dict[str, float]]:
    """Train model.params in place on its own best responses.   -> history, a row a round

        draws           responses drawn so far
        kept            mean score of the responses that were kept
        nll             of the kept ones, in the last batch of the fine-tuning
        and what the judge says of the model after the round

    Only kept responses are learned from, with equal weight: no gradient says what was wrong with the others.
    Dong et al. (2023), RAFT; Touvron et al. (2023), Llama 2.
    """
    check_kind(RejectionConfig, cfg=cfg)
    check_kind(LanguageModel, model=model)
    check_functions(score=score, judge=judge)
    history: list[dict[str, float]] = []
    for number in range(1, cfg.rounds + 1):
        prompt = draw_prompts(model.language, cfg.batch, rng)
        kept, points = best_of(model, score, prompt, cfg.n, rng)
        fitted = sft(model, prompt, kept, cfg.sft, rng)
        row = {"draws": number * cfg.batch * cfg.n, "kept": float(points.mean())}
        history.append({**row, "nll": fitted[-1]["nll"] if fitted else np.nan, **judge(model)})
    return history
