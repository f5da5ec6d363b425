"""Supervised fine-tuning: make what was demonstrated more probable.

    loss = -mean over demonstrations of log pi(y | x)

It is maximum likelihood, so the loss comes down to the demonstrator's entropy and no further: what is left over
is KL(demonstrator || pi). For a table the minimum is the share of each token in its row: count and divide. For a
network it is found by its gradient.

Two means go by the name of "the loss": over responses, of the sum over tokens, which is that likelihood; and over
tokens. They are different numbers. Of one batch the second is the first divided by the mean length, so they push
the same way; over batches of unlike lengths they do not. Perplexity is the exponential of the second.

Letters: B demonstrations, L tokens of a response, V tokens to choose from.
Left out: schedules of the step size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.shapes import same_shape
from rlcore.lm.models import LanguageModel, token_logp
from rlcore.lm.sampling import check_prompts
from rlcore.nn.optim import Adam
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_kind, check_rng, is_number

# ---------------------------------------------------------------- two losses


def sequence_nll(logp: Array, counts: Array, weight: Array | None = None) -> tuple[float, Array]:
    """-mean over responses of the sum over tokens.   (B, L) twice -> number, (B, L)   [eq:sft]

    counts: which tokens were chosen; pads get 0. weight (B,): the sum weighted instead of the mean.
    """
    same_shape(logp=logp, counts=counts)
    share = np.full(len(logp), 1 / len(logp)) if weight is None else np.asarray(weight)
    same_shape(rows=logp[:, 0], weight=share)
    d = np.asarray(-share[:, None] * counts, logp.dtype)
    return float((d * np.where(counts, logp, 0.0)).sum()), d


def token_nll(logp: Array, counts: Array) -> tuple[float, Array]:
    """-mean over all tokens; exp of it is the perplexity.   (B, L) twice -> number, (B, L)   [eq:perplexity]"""
    same_shape(logp=logp, counts=counts)
    d = np.asarray(-1 / counts.sum() * counts, logp.dtype)
    return float((d * np.where(counts, logp, 0.0)).sum()), d


# ---------------------------------------------------------------- by counting


def count_tokens(model: LanguageModel, prompt: Array, response: Array, weight: Array | None = None) -> Array:
    """How often each token stood in each row of a table model.   -> the shape of theta

    The gradient of sum(logits of the tokens said) with respect to theta: each reading of a row adds 1 to it.
    """
    language = model.language
    said = np.where(language.counts(response), response, -1)  # (B, L)
    one_hot = (said[..., None] == np.arange(language.n_actions)).astype(float)  # (B, L, V)
    _, back = model(prompt, response)
    return back(one_hot if weight is None else one_hot * np.asarray(weight)[:, None, None])["theta"]


def fit_by_counting(
    model: LanguageModel,
    prompt: Array,
    response: Array,
    weight: Array | None = None,
    *,
    add: float = 0.0,
) -> None:
    """Set theta to the maximum of likelihood: log of each token's share of its row.   In place.

        pi(a | row) = (count(row, a) + add) / sum_b (count(row, b) + add)       [eq:counting]

    A row that was never seen is uniform. A token that its row never saw gets probability 0, unless add > 0.
    Raises ValueError unless the model is a table and add is a finite number >= 0, for weights that are no numbers
    >= 0, one a demonstration, and as `sft`.
    """
    check_kind(LanguageModel, model=model)
    if list(model.params) != ["theta"]:
        raise ValueError(
            f"the model has parameters {list(model.params)}; only a table, theta, is fitted by counting"
        )
    if not is_number(add) or not 0 <= add < np.inf:
        raise ValueError(f"add is {add!r}; it must be a finite number >= 0")
    check_demonstrations(model, prompt, response)
    if weight is not None:
        check_weight(weight, np.shape(prompt))
    count = count_tokens(model, prompt, response, weight) + add
    total = count.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        model.params["theta"][...] = np.where(total > 0, np.log(count), 0.0)


def check_weight(weight: Any, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless weight holds a finite number >= 0 for each demonstration."""
    if np.shape(weight) != shape:
        raise ValueError(f"weight has shape {np.shape(weight)}; it must be {shape}, a number a demonstration")
    w = np.asarray(weight, float)
    for (i,) in np.argwhere(~((w >= 0) & (w < np.inf)))[:1]:
        raise ValueError(f"weight[{i}] is {w[i]:g}; it must be a finite number >= 0")


# ---------------------------------------------------------------- by gradient


@dataclass(frozen=True)
class SFTConfig:
    """What a run of `sft` needs to know.   ValueError for a number out of its range."""

    steps: int = 400  # gradient steps
    batch: int = 64  # demonstrations in each, drawn with repetition
    lr: float = 2e-2  # of Adam

    def __post_init__(self) -> None:
        check_count("steps", self.steps, 0)
        check_count("batch", self.batch, 1)
        if not is_number(self.lr) or not 0 < self.lr < np.inf:
            raise ValueError(f"lr is {self.lr!r}; it must be a finite number > 0")


def sft(
    model: LanguageModel, prompt: Array, response: Array, cfg: SFTConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train model.params in place on demonstrations.   (B,), (B, L) -> history, a row a step

        nll            of the batch, a response
        perplexity     of the batch, a token

    Raises ValueError without a demonstration, for one that is no whole response, and for a prompt that there is not.
    """
    check_kind(SFTConfig, cfg=cfg)
    check_rng(rng)
    check_demonstrations(model, prompt, response)
    adam = Adam(cfg.lr)
    history: list[dict[str, float]] = []
    for _ in range(cfg.steps):
        b = rng.integers(len(prompt), size=cfg.batch)
        logp, back = token_logp(model, prompt[b], response[b])  # (batch, L)
        counts = model.language.counts(response[b])
        nll, d_logp = sequence_nll(logp, counts)
        adam.step(model.params, back(d_logp))
        history.append({"nll": nll, "perplexity": float(np.exp(token_nll(logp, counts)[0]))})
    return history


def check_demonstrations(model: LanguageModel, prompt: Any, response: Any) -> None:
    """ValueError unless there is one whole response a prompt, and one at least."""
    if np.ndim(prompt) != 1 or np.ndim(response) != 2 or len(prompt) != len(response) or len(prompt) == 0:
        raise ValueError(
            f"prompt has shape {np.shape(prompt)} and response {np.shape(response)}; "
            "they must be (B,) and (B, L) with B >= 1"
        )
    check_prompts(model, prompt)
    model.language.check("response", response)
