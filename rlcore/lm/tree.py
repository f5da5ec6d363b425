"""Every response there is, and the decision problem that they are the walks of.

    tree = Tree(language)
    tree.response          (N, L): string n, and EOS behind it where there is room
    tree.prefix            (M, L): the strings after which a token is to be chosen; M of the N strings

Responses and prefixes are both strings of letters, in the order of `language.prefix`: by length, then in the
order of their letters. So response n ends string n, and prefix m is string m as long as it is shorter than L.

A language model is a policy: a state is a prompt and a prefix, an action is a token, and the walk ends with EOS
or at the length limit, which is part of the state and so an end, not a cut. With it, what `exact` says of
values, advantages and visits holds for prefixes.

Letters: X prompts, N responses, M prefixes, L tokens, V tokens to choose from, K = V - 1 letters.
Left out: languages with more than a million responses.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rlcore.lm.language import Language
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind
from rlcore.problems.mdp import SparseMDP

MOST = 1_000_000  # responses that a tree is willing to hold


class Tree:
    """All responses and prefixes of a language.   ValueError where there are more than a million."""

    def __init__(self, language: Language) -> None:
        check_kind(Language, language=language)
        K, L = language.eos, language.length
        n_strings = [K**t for t in range(L + 1)]  # of each length
        if sum(n_strings) > MOST:
            raise ValueError(f"the language has {sum(n_strings):,} responses; a tree holds at most {MOST:,}")
        self.language = language
        self.size = np.repeat(np.arange(L + 1), n_strings)  # (N,) letters of each string
        string = np.full((len(self.size), L), language.pad)
        for t in range(1, L + 1):
            string[self.size == t, :t] = np.indices((K,) * t).reshape(t, -1).T
        self.prefix = string[self.size < L]  # (M, L)
        self.response = np.where(np.arange(L) == self.size[:, None], language.eos, string)  # (N, L)

    @property
    def n_responses(self) -> int:
        """N"""
        return len(self.response)

    @property
    def n_prefixes(self) -> int:
        """M"""
        return len(self.prefix)

    @cached_property
    def length(self) -> Array:
        """Tokens of each response, EOS included.   (N,)"""
        return np.asarray(self.language.counts(self.response).sum(axis=1))

    def index(self, response: Array) -> Array:
        """The number n of each response.   (B, L) -> (B,)"""
        K, number = self.language.eos, np.zeros(len(response), int)
        for token in response.T:
            number = np.where(token < K, K * number + token + 1, number)
        return number

    def everything(self) -> tuple[Array, Array]:
        """Each prompt with each response, as a batch: prompt (X N,), response (X N, L)."""
        X = len(self.language.prompts)
        return np.repeat(np.arange(X), self.n_responses), np.tile(self.response, (X, 1))

    @cached_property
    def ends(self) -> Array:
        """The response that a token ends, -1 where it ends none.   (M, V) int

        EOS after prefix m ends response m; the last letter that fits ends the string that it completes.
        """
        K, M = self.language.eos, self.n_prefixes
        longer = K * np.arange(M)[:, None] + np.arange(K) + 1  # (M, K) the string with the letter behind it
        letters = np.where(longer < M, -1, longer)
        return np.concatenate([letters, np.arange(M)[:, None]], axis=1)

    def token_reward(self, score: Array) -> Array:
        """A score is paid at the token that ends the response: EOS or the last one.   (X, N) -> (X, M, V)"""
        return np.where(self.ends >= 0, score[:, self.ends], 0.0)

    def mdp(self, token_reward: Array) -> SparseMDP:
        """The language as a decision problem: state x M + m, and one more where all ends.   (X, M, V) -> MDP

        gamma is 1, every prompt is as likely as the others, and no step is random.
        """
        X, M, V = token_reward.shape
        over = X * M  # the state where all ends
        root = M * np.arange(X)  # of each prompt
        child = (V - 1) * np.arange(M)[:, None] + np.arange(V) + 1  # (M, V) the prefix that follows
        succ = np.full((over + 1, V), over)
        succ[:-1] = np.where(self.ends >= 0, over, root[:, None, None] + child).reshape(over, V)
        reward = np.zeros((over + 1, V))
        reward[:-1] = token_reward.reshape(over, V)
        start, state = np.zeros(over + 1), np.arange(over + 1)
        start[root] = 1 / X
        return SparseMDP(
            succ[..., None], np.ones((over + 1, V, 1)), reward, 1.0, start, terminal=state == over
        )
