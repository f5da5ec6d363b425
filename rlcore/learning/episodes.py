"""Whole episodes: kept while they are walked, read when they end.

Learners that wait for the end of an episode (Monte Carlo) write every step of every lane into a `Tape`.
An `Episode` holds those that have just ended, one a column; columns are as long as the longest, and
`inside` says which rows belong to the walk. A row beyond its end has reward 0.

Letters: T steps, N episodes, S states, A actions.
Left out: episodes that never end; a time limit ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Lanes, follow
from rlcore.numerics import Array


@dataclass(frozen=True, eq=False)
class Episode:
    """Episodes that have ended, one a column."""

    lane: Array  # (N,)  whose they are
    state: Array  # (T, N) int
    action: Array  # (T, N) int
    reward: Array  # (T, N)
    length: Array  # (N,)  in steps

    @property
    def inside(self) -> Array:
        """Which rows belong to the walk.   (T, N) bool"""
        return np.arange(len(self.reward))[:, None] < self.length

    @property
    def done(self) -> Array:
        """The last step of each.   (T, N) bool"""
        return np.arange(len(self.reward))[:, None] == self.length - 1

    def visits(self, key: Array, first: bool) -> Array:
        """Which steps count: all of the walk, or the first with each key.   (T, N) int -> (T, N) bool"""
        return self.inside & first_visits(np.where(self.inside, key, -1)) if first else self.inside

    def backwards(self, counts: Array) -> Iterator[tuple[int, Array]]:
        """The steps that count, the last one first.   (T, N) bool -> t, columns that count at t (n,)"""
        for t in reversed(range(len(counts))):
            columns = np.flatnonzero(counts[t])
            if len(columns):
                yield t, columns


def first_visits(key: Array) -> Array:
    """Where a column holds a number for the first time.   (T, N) int -> (T, N) bool"""
    numbers = (key - key.min()) * key.shape[1] + np.arange(key.shape[1])  # every column its own numbers
    first = np.zeros(key.shape, bool)
    first.flat[np.unique(numbers, return_index=True)[1]] = True
    return first


class Tape:
    """What every lane has done since its episode began; it grows with the longest episode."""

    def __init__(self, runs: int) -> None:
        self.state, self.action = np.zeros((2, 16, runs), int)
        self.reward = np.zeros((16, runs))

    def write(self, lanes: Lanes, s: Array, a: Array, reward: Array) -> None:
        """Keep a step of the lanes that are left; after `lanes.step`.   (N,), (N,), (N,)"""
        t, i = lanes.clock - 1, lanes.lane
        if t.max() >= len(self.state):
            self.state, self.action, self.reward = (
                np.concatenate([x, np.zeros_like(x)]) for x in (self.state, self.action, self.reward)
            )
        self.state[t, i], self.action[t, i], self.reward[t, i] = s, a, reward

    def ended(self, lanes: Lanes) -> Episode | None:
        """The episodes that the last step has ended; None if there is none."""
        if not lanes.done.any():
            return None
        i, length = lanes.lane[lanes.done], lanes.clock[lanes.done]
        T = int(length.max())
        reward = np.where(np.arange(T)[:, None] < length, self.reward[:T, i], 0.0)
        return Episode(i, self.state[:T, i], self.action[:T, i], reward, length)


def walk_at_once(env: Any, pi: Array, *, episodes: int, rng: Generator, width: int) -> Iterator[Episode]:
    """Episodes of one policy, `width` walkers at a time, one episode each.   pi (S, A)

    Only for what does not learn on the way: the policy stays the same, so the order of episodes is
    immaterial. In a batch all walkers start together, and one that has ended draws no more numbers.
    """
    act = follow(pi, rng)
    for begun in range(0, episodes, width):
        n = min(width, episodes - begun)
        lanes, tape, length = Lanes(env, episodes=1, runs=n, rng=rng, pi=pi), Tape(n), np.zeros(n, int)
        i, s, a = lanes.begin(act)
        while len(i):
            s_next, reward, _ = lanes.step(a)
            tape.write(lanes, s, a, reward)
            length[i] = lanes.clock
            i, s, a = lanes.go_on(s_next, act(i, s_next), act)
        T = int(length.max())
        yield Episode(np.arange(n), tape.state[:T], tape.action[:T], tape.reward[:T], length)
