"""Speaking: draw a response, a token at a time.

Letters: X prompts, B batch, L tokens of a response, V tokens to choose from.
Left out: beams, the most probable response, cuts of the distribution's tail.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.lm.language import Language
from rlcore.lm.models import LanguageModel
from rlcore.numerics import Array, categorical, log_softmax, pick
from rlcore.problems.doors import check_count, check_kind, check_rng, is_number


def sample(
    model: LanguageModel, prompt: Any, rng: Generator, *, temperature: float = 1.0
) -> tuple[Array, Array]:
    """Draw a response to each prompt.   (B,) -> response (B, L) int, logp (B, L)

        token ~ softmax(logits / temperature),    logp = its log-probability under just that, 0 on pads

    Below 1 a temperature makes the likely likelier; at another one than 1 logp is not `token_logp`, for it was
    not the model itself that spoke. One uniform number a row and position, drawn whether the row goes on or not.
    Raises ValueError unless temperature > 0, every prompt is the number of one, and what the model says is a
    distribution.   [eq:temperature]
    """
    if not is_number(temperature) or not 0 < temperature < inf:
        raise ValueError(f"temperature is {temperature!r}; it must be a finite number > 0")
    check_rng(rng)
    prompt, language = check_prompts(model, prompt), model.language
    response = np.full((len(prompt), language.length), language.pad)
    logp = np.zeros(response.shape, next(iter(model.params.values())).dtype)
    going = np.ones(len(prompt), bool)
    for t in range(language.length):
        logits, _ = model(prompt, response[:, : t + 1])  # (B, t + 1, V)
        log_pi = log_softmax(logits[:, t] / temperature)
        token = categorical(np.exp(log_pi), rng)
        response[:, t] = np.where(going, token, language.pad)
        logp[:, t] = np.where(going, pick(log_pi, token), 0.0)
        going = going & (token != language.eos)
    if np.isnan(logp).any():
        raise ValueError(
            "model gives nan for logits / temperature; is a parameter nan, or temperature too small?"
        )
    return response, logp


def draw_prompts(language: Language, n: int, rng: Generator) -> Array:
    """n prompts, each as often as the others, or once more.   -> (n,) int

    Over many draws every prompt comes up equally often; within one they are as even as n allows.
    Raises ValueError unless n is a whole number >= 0.
    """
    check_kind(Language, language=language)
    check_count("n", n, 0)
    check_rng(rng)
    X = len(language.prompts)
    return np.asarray(rng.permutation(X)[np.arange(n) % X])


def check_prompts(model: LanguageModel, prompt: Any) -> Array:
    """Prompts as an array of numbers (B,); ValueError where one is not the number of a prompt."""
    check_kind(LanguageModel, model=model)
    x, X = np.asarray(prompt), len(model.language.prompts)
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise ValueError(f"prompt is {x.dtype} {x.shape}; it must be int (B,), the number of a prompt a row")
    for b in np.flatnonzero((x < 0) | (x >= X))[:1]:
        raise ValueError(f"prompt[{b}] is {x[b]}; prompts are 0 to {X - 1}")
    return x
