"""What a response is worth: tasks, in a language each.

    preference   say what the prompt asks for, briefly and with an end; what is liked is hidden from the learner
    addition     "3+4" asks for "7."                       a program checks the answer: a verifiable reward
    brackets     any balanced string: "(())."              likewise, and there is more than one right answer
    parity       "101" asks for "0.", "100" for "1."       likewise, and no linear function of the bits tells

A reward is paid for a whole response, once.

Letters: B batch, L tokens of a response, X prompts, N responses, F features.
Left out: rewards for a part of the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from rlcore.lm.language import EOS, Language
from rlcore.lm.models import LanguageModel, bigram
from rlcore.lm.tree import Tree
from rlcore.numerics import Array
from rlcore.problems.doors import called, check_count

Reward: TypeAlias = Callable[[Array, Array], Array]  # (prompt (B,), response (B, L)) -> (B,)


@dataclass(frozen=True, eq=False)
class Task:
    """A language, and what each response to each prompt is worth."""

    language: Language
    reward: Reward  # (prompt (B,), response (B, L)) -> (B,)

    def table(self, tree: Tree) -> Array:
        """The reward of everything.   -> (X, N)"""
        return self.reward(*tree.everything()).reshape(-1, tree.n_responses)


def ask(reward: Reward, prompt: Array, response: Array) -> Array:
    """The reward of each response, in float64.   -> (B,);   ValueError unless each is one finite number"""
    said = reward(prompt, response)
    try:
        r = np.asarray(said, float)
    except (TypeError, ValueError):
        raise ValueError(f"reward gave {called(said)}; it must be numbers, one a response") from None
    if r.shape != prompt.shape:
        raise ValueError(f"reward gave shape {r.shape}; it must be {prompt.shape}, a number a response")
    for b in np.flatnonzero(~np.isfinite(r))[:1]:
        raise ValueError(f"reward of response {b} is {r[b]}; it must be a finite number")
    return r


# ---------------------------------------------------------------- the hidden reward

TENTHS = np.array([10, -4, -6, 5])  # of wanted letters, of others, of repeats, of an end
WEIGHTS = TENTHS / 10


def preference_task(length: int = 3) -> Task:
    """Prompts A, B, C ask for their own letter; raters like it twice, alone, without repeats and with an end.

        r(x, y) = min(m, 2) - 0.4 others - 0.6 repeats + 0.5 end

    The best responses of 3 tokens are "aa.", "bb.", "cc.", worth 1.9; of 4 tokens "aba." and its like, 2.1.
    It is summed up in whole tenths: what is equally good has the same number, on every processor.
    """
    language = Language("abcd", ("A", "B", "C"), length)
    return Task(language, lambda prompt, response: features(prompt, response) @ TENTHS / 10)


def features(prompt: Array, response: Array) -> Array:
    """(min(m, 2), others, repeats, end) of the preference task.   (B,), (B, L) -> (B, 4)

    m counts the letter asked for, others the other letters, repeats the letters equal to the one before.
    """
    letter = response < 4
    wanted = response == prompt[:, None]
    m, others = wanted.sum(axis=1), (letter & ~wanted).sum(axis=1)
    repeats = (letter[:, 1:] & (response[:, 1:] == response[:, :-1])).sum(axis=1)
    return np.stack([np.minimum(m, 2), others, repeats, (response == 4).any(axis=1)], axis=1).astype(float)


def coarse_features(prompt: Array, response: Array) -> Array:
    """(m, others): what a reward model sees that knows neither enough, nor repeats, nor ends.   -> (B, 2)"""
    letter, wanted = response < 4, response == prompt[:, None]
    return np.stack([wanted.sum(axis=1), (letter & ~wanted).sum(axis=1)], axis=1).astype(float)


def reference(language: Language) -> LanguageModel:
    """The model before alignment: a bigram that leans to the letter asked for and away from repeats.

    logit(a) = 0.8 [a is asked for] - 0.9 [a stood before] - 0.1 a for letters a = 0 ... 3;  of the end 0.5, or
    -0.3 where nothing has been said.   ValueError for another language than a preference task's
    """
    if (language.letters, language.prompts) != ("abcd", ("A", "B", "C")):
        raise ValueError(f"language is {language}; it must be that of a preference task")
    model = bigram(language)
    x, before, a = np.ogrid[:3, :5, :4]
    theta = model.params["theta"]  # (3, 5, 5)
    theta[..., :4] = 0.8 * (a == x) - 0.9 * (a == before) - 0.1 * a
    theta[..., 4] = np.where(np.arange(5) == language.eos, -0.3, 0.5)
    return model


# ---------------------------------------------------------------- verifiable rewards


def addition(most: int = 4) -> Task:
    """Prompts "a+b" for a, b from 0 to most; 1 for the digit of the sum and an end, else 0.

    Raises ValueError unless most is a whole number from 1 to 4: the sum is one digit.
    """
    check_count("most", most, 1, 4)
    numbers = list(product(range(most + 1), repeat=2))
    language = Language("0123456789", tuple(f"{a}+{b}" for a, b in numbers), length=2)
    return Task(language, exactly(language, [f"{a + b}{EOS}" for a, b in numbers]))


def parity(bits: int = 3) -> Task:
    """Prompts of some bits; 1 for "1." where they hold an odd number of ones, for "0." else.

    Raises ValueError unless bits is a whole number >= 1.
    """
    check_count("bits", bits, 1)
    prompts = ["".join(word) for word in product("01", repeat=bits)]
    language = Language("01", tuple(prompts), length=2)
    return Task(language, exactly(language, [f"{prompt.count('1') % 2}{EOS}" for prompt in prompts]))


def exactly(language: Language, answers: list[str]) -> Reward:
    """1 for the prompt's answer, 0 for everything else.   ValueError unless there is one a prompt"""
    if len(answers) != len(language.prompts):
        raise ValueError(
            f"there are {len(answers)} answers to {len(language.prompts)} prompts; it must be one each"
        )
    right = language.batch(answers)  # (X, L)
    return lambda prompt, response: np.asarray((response == right[prompt]).all(axis=1), float)


def brackets(length: int = 7) -> Task:
    """No prompt; 1 for a balanced string of brackets with an end, else 0. The empty string is worth 0.

    Of the 255 responses of up to 7 tokens, 8 are right.
    """
    language = Language("()", length=length)

    def balanced(prompt: Array, response: Array) -> Array:
        step = np.where(response == 0, 1, np.where(response == 1, -1, 0))  # (B, L)
        depth = step.cumsum(axis=1)
        ended = (response == language.eos).any(axis=1)
        right = ended & (response[:, 0] == 0) & (depth >= 0).all(axis=1) & (depth[:, -1] == 0)
        return np.asarray(right, float)

    return Task(language, balanced)
