"""What a learner remembers of the world: the last outcome of every state and action.

Exact where the world is deterministic and does not change; elsewhere it forgets all outcomes but the last.

Letters: N lanes, S states, A actions, M draws.
Left out: models that count how often each outcome came.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.mdp import SparseMDP


class Model:
    """The memory of each run."""

    def __init__(self, runs: int, S: int, A: int) -> None:
        self.seen = np.zeros((runs, S, A), bool)
        self.reward = np.zeros((runs, S, A))
        self.s_next = np.zeros((runs, S, A), int)
        self.terminated = np.zeros((runs, S, A), bool)
        self.pairs = np.zeros((runs, S * A), int)  # s * A + a, in the order of their first try
        self.known = np.zeros(runs, int)  # how many

    def observe(self, i: Array, s: Array, a: Array, reward: Array, s_next: Array, terminated: Array) -> None:
        """Remember what action a did in state s of run i; no run stands twice in i.   all (N,)"""
        self._enter(i, s, a)
        self.reward[i, s, a], self.s_next[i, s, a], self.terminated[i, s, a] = reward, s_next, terminated

    def recall(self, i: Array, s: Array, a: Array) -> tuple[Array, Array, Array]:
        """What came of it the last time: reward, s_next, terminated.   all of one shape"""
        return self.reward[i, s, a], self.s_next[i, s, a], self.terminated[i, s, a]

    def draw(self, i: Array, M: int, rng: Generator) -> tuple[Array, Array]:
        """M times one of the pairs seen before, uniformly.   (N,) -> s, a, each (M, N)

        One uniform number a draw. Some draw a state first and then an action tried there, as the box of Sutton &
        Barto has it: that favours states where little was tried.
        """
        pair = self.pairs[i, (rng.random((M, len(i))) * self.known[i]).astype(int)]
        return np.divmod(pair, self.seen.shape[2])

    def mdp(self, run: int, gamma: float) -> SparseMDP:
        """What one run believes, as a planning problem that chapter 3 can solve.

        What was never tried leads to state S, an end that pays nothing; states where nothing was tried are
        ends too.
        """
        _, S, A = self.seen.shape
        seen = np.zeros((S + 1, A), bool)
        seen[:S] = self.seen[run]
        terminal: Array = np.asarray(~seen.any(axis=1))
        succ, reward = np.full((S + 1, A), S), np.zeros((S + 1, A))
        succ[seen], reward[seen] = self.s_next[run][self.seen[run]], self.reward[run][self.seen[run]]
        succ[terminal] = np.flatnonzero(terminal)[:, None]
        start = np.append(np.full(S, 1 / S), 0.0)
        return SparseMDP(succ[..., None], np.ones((S + 1, A, 1)), reward, gamma, start, terminal)

    def _enter(self, i: Array, s: Array, a: Array) -> None:
        """Put the pairs that are new on the list that `draw` draws from."""
        new = ~self.seen[i, s, a]
        i, s, a = i[new], s[new], a[new]
        self.pairs[i, self.known[i]] = s * self.seen.shape[2] + a
        self.known[i] += 1
        self.seen[i, s, a] = True


class CuriousModel(Model):
    """A memory that promises more for what was not tried for long.

    All actions of a visited state are remembered: one that was never tried is believed to stay in place and
    pay nothing, and counts as last tried at the beginning.
    """

    def __init__(self, runs: int, allowed: Array, kappa: float) -> None:
        super().__init__(runs, *allowed.shape)
        self.allowed, self.kappa = allowed, kappa  # (S, A) bool: the actions that exist
        self.now = np.zeros(runs, int)  # steps of each run
        self.last = np.zeros(self.seen.shape, int)  # when each pair was last tried

    def observe(self, i: Array, s: Array, a: Array, reward: Array, s_next: Array, terminated: Array) -> None:
        """Remember it, and when it was."""
        fresh = ~self.seen[i, s].any(axis=-1)
        self.s_next[i[fresh], s[fresh]] = s[fresh, None]
        for b in range(self.allowed.shape[1]):
            new = fresh & self.allowed[s, b]
            self._enter(i[new], s[new], np.full(new.sum(), b))
        super().observe(i, s, a, reward, s_next, terminated)
        self.now[i] += 1
        self.last[i, s, a] = self.now[i]

    def recall(self, i: Array, s: Array, a: Array) -> tuple[Array, Array, Array]:
        """As `Model.recall`, the reward as it is promised."""
        reward, s_next, terminated = super().recall(i, s, a)
        return curious(reward, self.now[i] - self.last[i, s, a], self.kappa), s_next, terminated


def curious(reward: Array, tau: Array, kappa: float) -> Array:
    """r + kappa sqrt(tau): what is promised for a pair last tried tau steps ago.   [eq:curiosity]

    Sutton (1990); Sutton & Barto, section 8.3.   kappa = 0: the reward as it was.
    """
    return np.asarray(reward + kappa * np.sqrt(tau))
