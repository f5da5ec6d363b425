"""The plainest policy with features: logits that are sums of rows, without a hidden layer.

    logits = W_prompt about(x) + W_before[letter before] + W_position[t]

`mlp_model` sees the same characters, letter and position, and bends their sum before it looks at it. Here nothing is
bent. So what depends on two characters of the prompt together, and on neither alone, is out of reach:

    sum over all words of two bits or more of (-1)^(number of ones) f(word) = 0        for every linear f

With f the logit of "1" less that of "0": f is as large over odd words as over even ones, whatever is learned.

Letters: B batch, L tokens, V tokens to choose from, D features of a prompt.
Left out: products of features, which would mend it, one at a time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from rlcore.lm.language import Language
from rlcore.lm.models import Back, LanguageModel, one_hot_prompts
from rlcore.nn.layers import Params, check_dtype
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind


def linear_model(language: Language, dtype: Any = np.float64) -> LanguageModel:
    """All responses alike at first: parameters are 0.   ValueError for a dtype that is no float"""
    check_kind(Language, language=language)
    check_dtype(dtype)
    about = one_hot_prompts(language).astype(dtype)  # (X, D)
    rows = {"prompt": about.shape[1], "before": language.n_actions, "position": language.length}
    params = {f"W_{name}": np.zeros((n, language.n_actions), dtype) for name, n in rows.items()}
    return LanguageModel(params, partial(_sum_of_rows, language=language, about=about), language)


def _sum_of_rows(
    params: Params, prompt: Array, response: Array, language: Language, about: Array
) -> tuple[Array, Back]:
    """logits (B, L, V)"""
    p, L = params, response.shape[1]
    before = language.before(response)  # (B, L)
    of_prompt = (about @ p["W_prompt"])[prompt]  # (B, V)
    logits = p["W_before"][before] + of_prompt[:, None] + p["W_position"][:L]

    def back(d: Array) -> Params:
        d_before, d_position = np.zeros_like(p["W_before"]), np.zeros_like(p["W_position"])
        np.add.at(d_before, before, d)
        d_position[:L] = d.sum(axis=0)
        d_prompt = about[prompt].T @ d.sum(axis=1)
        return {"W_prompt": d_prompt, "W_before": d_before, "W_position": d_position}

    return logits, back
