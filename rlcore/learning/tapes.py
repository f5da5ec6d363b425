"""Tapes: experience of a fixed policy, walked first and learned from later.

Prediction does not act on what it learns. So the walk can be recorded whole, and a learner may look ahead on
the tape where the textbook box waits n steps; the updates are the same, in the same order. And one walk can
serve many learners, every step size of a sweep say: common random numbers.

A tape runs through all episodes of a lane, one after the other. Lanes end at different times; what follows
the end of a lane is blank: state 0, reward 0, terminated.

Letters: T steps of the longest lane, N lanes (runs), S states, M settings of a sweep.
Left out: learners that choose actions from what they learn; those walk in `lanes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Lanes, Prediction, check_gamma, first_V, follow, table_policy, tabular
from rlcore.numerics import Array
from rlcore.problems.doors import check_count


@dataclass(frozen=True, eq=False)
class Tape:
    """What N lanes saw under a fixed policy.   every array (T, N) unless it says otherwise"""

    n_states: int
    terminal: Array | None  # (S,) bool, where the environment names its terminal states
    state: Array
    action: Array
    reward: Array
    next_state: Array
    terminated: Array  # the next state is worth nothing
    truncated: Array  # the time limit cut the episode here
    steps: Array  # (episodes, N) int: how long each episode is

    @property
    def done(self) -> Array:
        """Whether the episode ends with this step."""
        return np.asarray(self.terminated | self.truncated)

    @property
    def start(self) -> Array:
        """The step with which each episode begins.   -> (episodes, N) int"""
        return np.asarray(self.steps.cumsum(axis=0) - self.steps)

    def endings(self) -> Iterator[tuple[Array, Array]]:
        """For each step, the lanes whose episode ends with it, and which episode that is.   T times (n,), (n,)"""
        ends = self.done & (np.arange(len(self.state))[:, None] < self.steps.sum(axis=0))
        k = ends.cumsum(axis=0) - 1
        for t in range(len(ends)):
            i = np.flatnonzero(ends[t])
            yield i, k[t, i]

    def episode(self, k: int) -> Tape:
        """The k-th episode of every lane, moved to the beginning; T is the longest of them."""
        t = np.arange(self.steps[k].max())[:, None]
        blank = t >= self.steps[k]
        at = np.minimum(self.start[k] + t, len(self.state) - 1), np.arange(len(self.steps[k]))
        return Tape(
            self.n_states,
            self.terminal,
            state=np.where(blank, 0, self.state[at]),
            action=np.where(blank, 0, self.action[at]),
            reward=np.where(blank, 0.0, self.reward[at]),
            next_state=np.where(blank, 0, self.next_state[at]),
            terminated=blank | self.terminated[at],
            truncated=~blank & self.truncated[at],
            steps=self.steps[k : k + 1],
        )


def record(env: Any, pi: Any, *, episodes: int, rng: Generator, runs: int = 1) -> Tape:
    """Walk `runs` lanes of `episodes` episodes under a policy.   pi (S,) int or (S, A)

    Raises ValueError as `Lanes` does.
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=pi)
    rows = []
    act = follow(pi, rng)
    i, s, a = lanes.begin(act)  # each (N,)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        rows.append((i, s, a, reward, s_next, terminated, lanes.truncated))
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    lane, *columns = (np.concatenate(column) for column in zip(*rows))
    t = np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows])
    terminal = getattr(env, "terminal", None)
    state, action, reward, next_state, terminated, truncated = (
        _spread(column, t, lane, len(rows), runs) for column in columns
    )
    terminated[np.arange(len(rows))[:, None] >= lanes.lengths.sum(axis=1)] = True
    return Tape(
        env.n_states, terminal, state, action, reward, next_state, terminated, truncated, lanes.lengths.T
    )


def _spread(column: Array, t: Array, lane: Array, T: int, N: int) -> Array:
    table = np.zeros((T, N), column.dtype)
    table[t, lane] = column
    return table


class Tables:
    """Tables V that learn from a tape: M settings a lane, a sweep over step sizes say, in one array (N S + 1, M).

    Row i S + s is state s of lane i; the last row takes what the blank steps write. Each rate, alpha for one, is
    a number from 0 to 1, or one a lane (N,), or whatever broadcasts with (N,); what broadcasts to the left of
    N are the settings. Raises ValueError for a rate or a V0 that does not fit.
    """

    def __init__(self, tape: Tape, V0: Any = None, **rates: Any) -> None:
        episodes, N = tape.steps.shape
        self.N, self.S = N, tape.n_states
        self.settings, self.rates = _broadcast(N, rates)  # each rate (N, M)
        M = self.rates[0].shape[1]
        self.V = np.zeros((N * self.S + 1, M))
        self.V[:-1] = first_V(tape, N, V0).reshape(-1, 1)
        self.trace = np.zeros((episodes, N, self.S, M))

    def rows(self, tape: Tape, state: Array) -> Array:
        """The row of V of each state (T, N), the last one where the tape is blank.   -> (T, N) int"""
        t = np.arange(len(state))[:, None]
        return np.where(t < tape.steps.sum(axis=0), np.arange(self.N) * self.S + state, len(self.V) - 1)

    def record(self, k: Any, i: Any = slice(None)) -> None:
        """Keep the tables of the lanes i after their k-th episodes."""
        self.trace[k, i] = self.V[:-1].reshape(self.N, self.S, -1)[i]

    def prediction(self) -> Prediction:
        """V (settings, N, S) and trace (episodes, settings, N, S)."""
        V = np.moveaxis(self.V[:-1].reshape(self.N, self.S, -1), -1, 0)
        trace = np.moveaxis(self.trace, -1, 1)
        shape = *self.settings, self.N, self.S
        return Prediction(V.reshape(shape), trace.reshape(len(trace), *shape))


def check_sweep(runs: Any, gamma: Any, **rates: Any) -> None:
    """What a learner from a tape asks before the walk. Raises ValueError as `Tables` does."""
    check_count("runs", runs, 1)
    check_gamma(gamma)
    _broadcast(runs, rates)


def _broadcast(N: int, rates: dict[str, Any]) -> tuple[tuple[int, ...], list[Array]]:
    """The settings that the rates span, and each rate as (N, M)."""
    for name, x in rates.items():
        try:
            x = np.asarray(x, float)
            if np.broadcast_shapes(x.shape, (N,))[-1] != N:
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(
                f"{name} is {rates[name]!r}; it must be a number from 0 to 1, or an array of them whose last "
                f"axis has length 1 or {N}, one a run"
            ) from None
        for place in np.argwhere(~((x >= 0) & (x <= 1)))[:1]:
            where = f"[{', '.join(map(str, place))}]" if x.ndim else ""
            raise ValueError(f"{name}{where} is {x[tuple(place)]:.12g}; it must be from 0 to 1")
    shapes = {name: np.shape(x) for name, x in rates.items()}
    try:
        shape = np.broadcast_shapes((N,), *shapes.values())
    except ValueError:
        raise ValueError(f"the settings do not fit each other: {shapes} must broadcast") from None
    full = [np.broadcast_to(x, shape).reshape(-1, N).T.astype(float) for x in rates.values()]
    return shape[:-1], full
