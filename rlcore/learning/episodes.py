"""Whole episodes: kept while they are walked, read when they end.

Learners that wait for the end of an episode (Monte Carlo) write every step of every lane into a `Recorder`.
An `Episode` holds those that have just ended, one a column; columns are as long as the longest, and
`inside` says which rows belong to the walk. What stands in the rows below is left over from others.

Letters: T steps, N episodes, S states, A actions.
Left out: episodes that never end; a time limit ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Lanes, check_ends, check_rate, follow
from rlcore.numerics import Array
from rlcore.problems.mdp import MDP, SparseMDP
from rlcore.problems.structure import end_components, pairs


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
        return np.asarray(np.arange(len(self.reward))[:, None] < self.length)

    @property
    def done(self) -> Array:
        """The last step of each.   (T, N) bool"""
        return np.asarray(np.arange(len(self.reward))[:, None] == self.length - 1)

    def visits(self, key: Array, first: bool) -> Array:
        """Which steps count: all of the walk, or the first with each key.   (T, N) int -> (T, N) bool"""
        return self.inside & first_visits(key) if first else self.inside

    def backwards(self, counts: Array) -> Iterator[tuple[int, Array]]:
        """The steps that count, the last one first.   (T, N) bool -> t, columns that count at t (n,)"""
        for t in reversed(range(len(counts))):
            columns = np.flatnonzero(counts[t])
            if len(columns):
                yield t, columns


def first_visits(key: Array) -> Array:
    """Where a column holds a number for the first time.   (T, N) int -> (T, N) bool"""
    numbers = key * key.shape[1] + np.arange(key.shape[1])  # every column its own numbers
    first = np.zeros(key.shape, bool)
    first.flat[np.unique(numbers, return_index=True)[1]] = True
    return first


class Recorder:
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
        return Episode(i, self.state[:T, i], self.action[:T, i], self.reward[:T, i], length)


def walk_at_once(env: Any, pi: Array, *, episodes: int, rng: Generator, width: int) -> Iterator[Episode]:
    """Episodes of one policy, `width` walkers at a time, one episode each.   pi (S, A)

    Only for what does not learn on the way: the policy stays the same, so the order of episodes is
    immaterial. In a batch all walkers start together, and one that has ended draws no more numbers.
    A live environment has one walker, whatever the width.
    """
    act = follow(pi, rng)
    width = 1 if getattr(env, "live", False) else width
    for begun in range(0, episodes, width):
        n = min(width, episodes - begun)
        lanes, recorder = Lanes(env, episodes=1, runs=n, rng=rng, pi=pi), Recorder(n)
        length = np.zeros(n, int)
        i, s, a = lanes.begin(act)
        while len(i):
            s_next, reward, _ = lanes.step(a)
            recorder.write(lanes, s, a, reward)
            length[i] = lanes.clock
            i, s, a = lanes.go_on(s_next, act(i, s_next), act)
        T = int(length.max())
        yield Episode(np.arange(n), recorder.state[:T], recorder.action[:T], recorder.reward[:T], length)


class Step:
    """The step size of each entry of a table: alpha, a number or one a run; or 1 / visits, if it is None."""

    def __init__(self, alpha: Any, shape: tuple[int, ...]) -> None:
        self.alpha = None if alpha is None else check_rate("alpha", alpha, shape[0])
        self.visits = np.zeros(shape, int)

    def __call__(self, at: tuple[Array, ...]) -> Array:
        """For one more visit of table[at], whose first index is the run.   -> (n,)"""
        if self.alpha is not None:
            return np.asarray(self.alpha[at[0]])
        self.visits[at] += 1
        return np.asarray(1 / self.visits[at])


# ---------------------------------------------------------------- beginnings, and what learners ask


@dataclass(frozen=True)
class AnyState:
    """An environment, but an episode begins in any state that is not terminal, one uniform number each.

    Raises ValueError where every state is terminal.
    """

    env: Any

    def __post_init__(self) -> None:
        if np.all(getattr(self.env, "terminal", False)):
            raise ValueError("every state of env is terminal; an episode needs one to begin in")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """-> () or (size,) int"""
        terminal = getattr(self.env, "terminal", np.zeros(self.env.n_states, bool))
        states = np.flatnonzero(~np.asarray(terminal))
        return states[np.asarray(rng.random(size) * len(states)).astype(int)]


def check_coverage(pi: Array, b: Array, terminal: Array | None) -> None:
    """Raise ValueError where pi may take an action that b never takes.   (S, A), (S, A)"""
    missing = (pi > 0) & (b == 0)
    if terminal is not None:
        missing[terminal] = False
    for s, a in np.argwhere(missing)[:1]:
        raise ValueError(
            f"b[{s}, {a}] is 0, but action {a} must be learned about there: whatever pi may do, b must do too"
        )


def check_every_policy_ends(env: Any) -> None:
    """Raise ValueError where a greedy walk may go on for ever: a model without horizon that has a loop."""
    check_ends(env)
    if env.horizon is not None or not isinstance(env, (MDP, SparseMDP)):
        return
    S, A = env.n_states, env.n_actions
    label, _ = end_components(pairs(env), np.repeat(np.arange(S), A), np.ones(S * A, bool))
    for s in np.flatnonzero((label >= 0) & ~env.terminal)[:1]:
        raise ValueError(
            f"env has no time limit, and a greedy walk can stay near state {s} for ever: give it a horizon"
        )


def watched(watch: Any, S: int) -> Any:
    """An index of the states whose values a trace keeps: all if None;  ValueError where one is no state"""
    if watch is None:
        return slice(None)
    states = np.atleast_1d(np.asarray(watch))
    if states.ndim != 1 or states.dtype.kind not in "iu":
        raise ValueError(f"watch is {watch!r}; it must be a list of states")
    for k in np.flatnonzero((states < 0) | (states >= S))[:1]:
        raise ValueError(f"watch[{k}] is {states[k]}, not a state; states are 0 to {S - 1}")
    return states
