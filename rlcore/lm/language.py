"""A language: its tokens, its prompts, and how long a response may be.

    language = Language("abcd", prompts=("A", "B", "C"), length=3)
    language.batch(["aa.", "b."])        [[0 0 4]
                                          [1 4 6]]

A response is a string of letters. It ends with the token for the end of the sequence, written ".", or without it
where `length` tokens have been said. The end is a token like the others: it is chosen, it has a probability and
it counts in the length. A pad fills the row behind the end: nobody chose it, and it counts nowhere.

    0 ... K - 1   letters           K       end of sequence, EOS
    K + 1         beginning, BOS    K + 2   pad    K + 3 ...  what stands in prompts only

Letters: X prompts, P tokens of a prompt, B batch, L tokens of a response, V = K + 1 tokens that can be chosen.
Left out: words and merges of characters. A character is a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count

EOS = "."


@dataclass(frozen=True)
class Language:
    """Tokens, prompts and the longest response.

    Raises ValueError unless letters are different characters, at least one and none of them ".", prompts are
    different strings of one length without ".", and length is a whole number >= 1.
    """

    letters: str  # a response is made of these
    prompts: tuple[str, ...] = ("",)  # all of one length; their characters may be letters or not
    length: int = 8  # the most tokens of a response, the end included

    def __post_init__(self) -> None:
        if not isinstance(self.letters, str) or not self.letters:
            raise ValueError(f"letters is {self.letters!r}; it must be a string of one letter or more")
        if len(set(self.letters)) < len(self.letters) or EOS in self.letters:
            raise ValueError(f"letters is {self.letters!r}; the letters must differ, and none may be {EOS!r}")
        check_count("length", self.length, 1)
        prompts = self.prompts if isinstance(self.prompts, tuple) else ()
        if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
            raise ValueError(f"prompts is {self.prompts!r}; it must be a tuple of one string or more")
        for x, prompt in enumerate(prompts):
            if len(prompt) != len(prompts[0]) or EOS in prompt or prompt in prompts[:x]:
                raise ValueError(
                    f"prompts[{x}] is {prompt!r}; prompts must differ, be as long as the first and hold no {EOS!r}"
                )

    @property
    def eos(self) -> int:
        """The token that ends a response; also the number of letters, K."""
        return len(self.letters)

    @property
    def n_actions(self) -> int:
        """V: the letters and the end."""
        return self.eos + 1

    @property
    def bos(self) -> int:
        """The token between the prompt and the response."""
        return self.eos + 1

    @property
    def pad(self) -> int:
        """What stands behind the end of a response."""
        return self.eos + 2

    @property
    def n_tokens(self) -> int:
        """All tokens, those of prompts included."""
        return len(self._characters)

    @cached_property
    def prompt_tokens(self) -> Array:
        """The prompts.   (X, P) int"""
        return np.array([self.encode(prompt) for prompt in self.prompts], int).reshape(len(self.prompts), -1)

    @cached_property
    def _characters(self) -> list[str]:
        """What each token is written as; BOS and pad are never read."""
        others = sorted(set("".join(self.prompts)) - set(self.letters))
        return [*self.letters, EOS, "", "", *others]

    def encode(self, text: str) -> list[int]:
        """A token a character.   ValueError for one that is not in the language."""
        for i, c in enumerate(text):
            if c not in self._characters:
                raise ValueError(f"character {i} of {text!r} is {c!r}, which is no token of this language")
        return [self._characters.index(c) for c in text]

    def decode(self, tokens: Any) -> str:
        """The text of tokens (L,); BOS and pads are left out.   ValueError for a number that is no token."""
        for i, token in enumerate(tokens):
            if not 0 <= token < self.n_tokens:
                raise ValueError(
                    f"tokens[{i}] is {token}; tokens of this language are 0 to {self.n_tokens - 1}"
                )
        return "".join(self._characters[token] for token in tokens)

    def batch(self, texts: Sequence[str]) -> Array:
        """Responses in rows, padded on the right.   B strings -> (B, length) int

        Raises ValueError unless each is letters, at least one token, and either ends with "." or is as long as
        a response may be: else it would be a beginning, not a response.
        """
        rows = np.full((len(texts), self.length), self.pad)
        for b, text in enumerate(texts):
            said = text.removesuffix(EOS)
            whole = len(text) <= self.length and (len(said) < len(text) or len(text) == self.length)
            if not whole or any(c not in self.letters for c in said):
                raise ValueError(
                    f"response {b} is {text!r}; it must be letters of {self.letters!r} and end with {EOS!r}, "
                    f"or be letters alone, {self.length} of them"
                )
            rows[b, : len(text)] = self.encode(text)
        return rows

    def texts(self, response: Array) -> list[str]:
        """The text of each row.   (B, L) -> B strings"""
        return [self.decode(row) for row in response]

    def counts(self, response: Array) -> Array:
        """Which tokens were chosen: all but the pads.   (B, L) -> (B, L) bool"""
        return np.asarray(response < self.bos)

    def check(self, name: str, response: Any) -> None:
        """Raise ValueError unless each row is a whole response with its pads.   int (B, L), L at most `length`"""
        y = np.asarray(response)
        if y.ndim != 2 or y.dtype.kind not in "iu" or y.shape[1] > self.length:
            raise ValueError(f"{name} is {y.dtype} {y.shape}; it must be int (B, L), L at most {self.length}")
        for b, t in np.argwhere((y < 0) | (y > self.pad) | (y == self.bos))[:1]:
            room = f"0 to {self.eos}, or {self.pad} for a pad"
            raise ValueError(f"{name}[{b}, {t}] is {y[b, t]}; a token of a response is {room}")
        n, ends = self.counts(y).sum(axis=1), y == self.eos
        apart = self.counts(y) != (np.arange(y.shape[1]) < n[:, None])  # a pad before a token
        after = ends[:, :-1] & (y[:, 1:] != self.pad)  # something behind the end
        unfinished = (n == 0) | ((n < self.length) & ~ends.any(axis=1))
        for b in np.flatnonzero(apart.any(axis=1) | after.any(axis=1) | unfinished)[:1]:
            raise ValueError(
                f"{name}[{b}] is {y[b].tolist()}, no whole response: tokens, then {self.eos} or {self.length} of "
                f"them, then pads, {self.pad}"
            )

    # ---------------------------------------------------------------- where a token stands

    def before(self, response: Array) -> Array:
        """The letter before each token; K where there is none.   (B, L) -> (B, L), 0 to K"""
        before = np.full(response.shape, self.eos)
        before[:, 1:] = np.minimum(response[:, :-1], self.eos)
        return before

    def prefix(self, response: Array) -> Array:
        """The number of the string before each token.   (B, L) -> (B, L)

        Strings are numbered by length, then in the order of their letters: "" is 0, and string s with letter a
        behind it is K s + a + 1. Behind the end there is none: 0.
        """
        K, number = self.eos, np.zeros(response.shape, int)
        for t in range(response.shape[1] - 1):
            a = response[:, t]
            number[:, t + 1] = np.where(a < K, K * number[:, t] + a + 1, 0)
        return number
