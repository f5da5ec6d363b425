"""An answer, and talk behind it: a task in which length is worth nothing, and a model that can only stop or go on.

    "c---."      the first token answers, one of K letters, and "a" is right; then fillers until the end

The reward looks at the answer alone. So whatever moves the length, it is not the reward: it is how a loss divides
by lengths. The model knows after its answer only whether that was right, and how far it is; each of those places
has one number, how readily it stops.

There are 4 * 12 responses in all, few enough for exact means over them, though a tree of such strings has millions.

Letters: K answers, L tokens, N responses, B batch.
Left out: talk that helps.
"""

from __future__ import annotations

import numpy as np

from rlcore.lm.language import Language
from rlcore.lm.models import Back, LanguageModel
from rlcore.lm.tasks import Task
from rlcore.nn.layers import Params
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, is_number

ANSWERS, FILLER = "abcd", "-"
K = len(ANSWERS)


def rambling(length: int = 12) -> Task:
    """1 for the answer "a", 0 for "b", "c" and "d", however long the talk.   ValueError unless length >= 2"""
    check_count("length", length, 2)
    language = Language(ANSWERS + FILLER, length=length)
    return Task(language, lambda prompt, response: np.asarray(response[:, 0] == 0, float))


def rambler(language: Language, stop: float = -1.0) -> LanguageModel:
    """Logits of the K answers, 0 at first; and of the end in each place behind a wrong one and a right one.

        answer (K,),    stop (2, L - 1): against 0 for one more filler

    What may not stand in a place has probability 0 there.
    Raises ValueError for another language than that of `rambling`, and for a stop that is no finite number.
    """
    if (language.letters, language.prompts) != (ANSWERS + FILLER, ("",)) or language.length < 2:
        raise ValueError(f"language is {language}; it must be that of rambling(length)")
    if not is_number(stop) or not np.isfinite(stop):
        raise ValueError(f"stop is {stop!r}; it must be a finite number")
    params = {"answer": np.zeros(K), "stop": np.full((2, language.length - 1), float(stop))}
    return LanguageModel(params, _answer_and_talk, language)


def _answer_and_talk(params: Params, prompt: Array, response: Array) -> tuple[Array, Back]:
    """logits (B, L, K + 2): letters, filler, end"""
    B, L = response.shape
    right = (response[:, 0] == 0).astype(int)  # (B,) which row of `stop`
    logits = np.full((B, L, K + 2), -np.inf)
    logits[:, 0, :K] = params["answer"]
    logits[:, 1:, K] = 0.0
    logits[:, 1:, K + 1] = params["stop"][right, : L - 1]

    def back(d: Array) -> Params:
        d_stop = np.zeros_like(params["stop"])
        for row in range(2):
            d_stop[row, : L - 1] = d[right == row, 1:, K + 1].sum(axis=0)
        return {"answer": d[:, 0, :K].sum(axis=0), "stop": d_stop}

    return logits, back


def everything(language: Language) -> tuple[Array, Array]:
    """All that can be said: prompt (N,), response (N, L), the right answer's first, the short ones first."""
    talk = [FILLER * n + "." for n in range(language.length - 1)] + [FILLER * (language.length - 1)]
    response = language.batch([answer + rest for answer in ANSWERS for rest in talk])
    return np.zeros(len(response), int), response
