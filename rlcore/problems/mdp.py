"""Finite Markov decision processes, dense and sparse.

    P[s, a, s']     probability of the next state s' after action a in state s
    R[s, a, s']     reward of that transition
    gamma           discount factor, a part of the planning problem

Terminal states are absorbing and pay nothing, so V(terminal) = 0 needs no special case anywhere.
Both classes have the same verbs; `lookahead` is the only one that dynamic programming uses.
Both hold read-only views of the arrays they are given: nothing is copied, so leave those alone.

Letters: S states, A actions, K successors of a state and action.
Left out: average reward, state-dependent action sets (give a forbidden action a twin that is allowed).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array, inverse_cdf, pick
from rlcore.problems.doors import check_kind, is_number
from rlcore.problems.env import Discrete

TOLERANCE = 1e-8  # how far a row of probabilities may be from 1
DENSE_LIMIT = 2**28  # entries of P (2 GiB) beyond which `dense` refuses


class Tabular:
    """What both classes share: a finite MDP is an `Env`, so every learner takes it as it is."""

    gamma: float
    start: Array
    terminal: Array
    horizon: int | None
    expected_reward: Array  # (S, A)  E[r | s, a]

    @property
    def n_states(self) -> int:
        return int(self.expected_reward.shape[0])

    @property
    def n_actions(self) -> int:
        return int(self.expected_reward.shape[1])

    @property
    def actions(self) -> Discrete:
        return Discrete(self.n_actions)

    @property
    def n_features(self) -> int:
        return self.n_states

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """Draw the first state from `start`, one uniform number each.   -> () or (size,) int"""
        cdf = self._start_cdf
        state = cdf.searchsorted(rng.random(size) * cdf[-1], side="right")
        return np.int64(state) if size is None else state

    @cached_property
    def _start_cdf(self) -> Array:
        return self.start.cumsum()

    def observe(self, state: Any) -> Array:
        """One-hot.   (...) int -> (..., S) float"""
        state = np.asarray(state)
        one_hot = np.zeros((*state.shape, self.n_states))
        np.put_along_axis(one_hot, state[..., None], 1.0, axis=-1)
        return one_hot


@dataclass(frozen=True, eq=False)
class MDP(Tabular):
    """A finite MDP as dense tables.

    Raises ValueError, naming the first offending entry, unless P is a table of distributions,
    every number is finite, 0 <= gamma <= 1, and terminal states are absorbing and unrewarded.
    """

    P: Array  # (S, A, S)  probability of s'
    R: Array  # (S, A) or (S, A, S), kept as a (S, A, S) view
    gamma: float
    start: Array  # (S,)  distribution of the first state
    terminal: Array  # (S,)  bool: absorbing, unrewarded
    horizon: int | None = None  # time limit in steps

    def __post_init__(self) -> None:
        P = _numbers("P", self.P, ndim=3)
        S, A, _ = P.shape
        if P.shape != (S, A, S) or S == 0 or A == 0:
            raise ValueError(f"P has shape {P.shape}; it must be (S, A, S) with S, A >= 1")
        _check_rows("P", P)
        R = _check_reward("R", self.R, (S, A, S))
        _check_common(self, S)
        end = np.flatnonzero(self.terminal)
        _check_terminal(end, "P", P[end, :, end], "R", R[end, :, end])
        if R.strides[-1] == 0:
            expected_reward = R[..., 0]
        else:
            expected_reward = np.einsum("san,san->sa", P, R)
        _freeze(self, P=P, R=R, expected_reward=expected_reward)

    def lookahead(self, V: Array) -> Array:
        """Q(s, a) = E[r + gamma V(s')] = sum_s' P(s' | s, a) (R(s, a, s') + gamma V(s')).   (S,) -> (S, A)"""
        return np.asarray(self.expected_reward + self.gamma * (self.P @ V))

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """Draw s' ~ P(. | s, a), one uniform number a lane.   (...), (...) -> (...), (...), (...)"""
        s_next = inverse_cdf(self._cdf[state, action], rng)
        return s_next, self.R[state, action, s_next], self.terminal[s_next]

    @cached_property
    def _cdf(self) -> Array:
        return self.P.cumsum(axis=-1)

    def sparse(self) -> SparseMDP:
        """The same process as successor lists; K is the largest number of successors."""
        K = int((self.P > 0).sum(axis=-1).max())
        succ = np.argsort(-self.P, axis=-1, kind="stable")[..., :K]
        one_reward = self.R.strides[-1] == 0
        return SparseMDP(
            succ=succ,
            prob=np.take_along_axis(self.P, succ, axis=-1),
            reward=self.expected_reward if one_reward else np.take_along_axis(self.R, succ, axis=-1),
            gamma=self.gamma,
            start=self.start,
            terminal=self.terminal,
            horizon=self.horizon,
        )


@dataclass(frozen=True, eq=False)
class SparseMDP(Tabular):
    """A finite MDP as lists of K successors; entries with probability 0 are padding.

    Raises ValueError as `MDP` does, and where a successor is not a state.
    """

    succ: Array  # (S, A, K) int: possible next states; one may stand more than once
    prob: Array  # (S, A, K)  their probabilities
    reward: Array  # (S, A) or (S, A, K), kept as a (S, A, K) view
    gamma: float
    start: Array  # (S,)
    terminal: Array  # (S,)  bool
    horizon: int | None = None

    def __post_init__(self) -> None:
        prob = _numbers("prob", self.prob, ndim=3)
        S, A, K = prob.shape
        if S == 0 or A == 0 or K == 0:
            raise ValueError(f"prob has shape {prob.shape}; it must be (S, A, K) with S, A, K >= 1")
        _check_rows("prob", prob)
        succ = _array("succ", self.succ)
        if succ.shape != prob.shape or succ.dtype.kind not in "iu":
            raise ValueError(f"succ is {succ.dtype} {succ.shape}; it must be integer {prob.shape}, like prob")
        if np.iinfo(succ.dtype).max < S - 1:
            raise ValueError(f"succ is {succ.dtype}, too small to name {S} states; use int64")
        _first("succ", succ, (succ < 0) | (succ >= S), f"not a state; states are 0 to {S - 1}")
        reward = _check_reward("reward", self.reward, (S, A, K))
        _check_common(self, S)
        end = np.flatnonzero(self.terminal)
        stay = np.where(succ[end] == end[:, None, None], prob[end], 0.0)
        paid = np.where(stay > 0, reward[end], 0.0)
        _check_terminal(end, "prob", stay.sum(axis=-1), "reward", pick(paid, np.abs(paid).argmax(axis=-1)))
        if reward.strides[-1] == 0:
            expected_reward = reward[..., 0]
        else:
            expected_reward = np.einsum("sak,sak->sa", prob, reward)
        _freeze(self, succ=succ, prob=prob, reward=reward, expected_reward=expected_reward)

    def lookahead(self, V: Array) -> Array:
        """Q(s, a) = E[r + gamma V(s')] = sum_k prob[s, a, k] (reward[s, a, k] + gamma V(succ[s, a, k]))

        (S,) -> (S, A)
        """
        return np.asarray(
            self.expected_reward + self.gamma * np.einsum("sak,sak->sa", self.prob, V[self.succ])
        )

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """Draw k ~ prob[s, a], one uniform number a lane.   (...), (...) -> (...), (...), (...)"""
        one = self.succ.shape[-1] == 1
        k = 0 if one else inverse_cdf(self._cdf[state, action], rng)
        s_next = self.succ[state, action, k]
        if one:
            rng.random(np.shape(s_next))  # nothing to draw, but the stream goes on
        return s_next, self.reward[state, action, k], self.terminal[s_next]

    @cached_property
    def _cdf(self) -> Array:
        return self.prob.cumsum(axis=-1)

    def dense(self) -> MDP:
        """The same process as tables; a successor named twice has its probabilities added.

        Raises ValueError where P would have more than 2**28 entries.
        """
        S, A, _ = self.prob.shape
        if S * A * S > DENSE_LIMIT:
            raise ValueError(f"a dense P of {S} x {A} x {S} entries would need {8e-9 * S * A * S:.0f} GB")
        index = (np.arange(S)[:, None, None], np.arange(A)[:, None], self.succ)
        P = np.zeros((S, A, S))
        np.add.at(P, index, self.prob)
        if self.reward.strides[-1] == 0:
            R = self.expected_reward
        else:  # the mean reward of each s', weighted by how likely each way there is
            R = np.zeros((S, A, S))
            np.add.at(R, index, self.prob * self.reward)
            np.divide(R, P, out=R, where=P > 0)
        return MDP(P, R, self.gamma, self.start, self.terminal, self.horizon)


# ---------------------------------------------------------------- the doors: what a constructor refuses


def check_policy(mdp: MDP | SparseMDP, pi: Any, name: str = "pi") -> Array:
    """A policy of a model, as `policy_table`; ValueError for a model that is none."""
    check_model(mdp)
    return policy_table(mdp.n_states, mdp.n_actions, pi, name)


def check_model(mdp: Any) -> None:
    """Raise ValueError unless mdp is a model: MDP or SparseMDP."""
    check_kind(MDP, SparseMDP, mdp=mdp)


def policy_table(S: int, A: int, pi: Any, name: str = "pi") -> Array:
    """A policy as an array: an action a state, (S,) int, or probabilities (S, A); ValueError if it is neither."""
    try:
        table: Array = np.asarray(pi)
    except ValueError:  # lists of different lengths
        raise ValueError(f"{name} must be an array, ({S},) or ({S}, {A})") from None
    if table.shape == (S,) and table.dtype.kind in "iu":
        for s in np.flatnonzero((table < 0) | (table >= A))[:1]:
            raise ValueError(f"{name}[{s}] is {table[s]}, not an action; actions are 0 to {A - 1}")
        return table
    if table.shape != (S, A) or table.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} is {table.dtype} {table.shape}; it must be ({S},) int, an action a state, "
            f"or ({S}, {A}), the probability of each action"
        )
    for s, a in np.argwhere(~(np.isfinite(table) & (table >= 0)))[:1]:
        raise ValueError(f"{name}[{s}, {a}] is {table[s, a]}, not a probability")
    for s in np.flatnonzero(np.abs(table.sum(axis=1) - 1) > TOLERANCE)[:1]:
        raise ValueError(f"{name}[{s}] sums to {table[s].sum():.12g}, not 1")
    return table


def _array(name: str, x: Any) -> Array:
    try:
        return np.asarray(x)
    except ValueError:  # lists of different lengths
        raise ValueError(f"{name} must be an array, all rows of equal length") from None


def _numbers(name: str, x: Any, ndim: int) -> Array:
    array = _array(name, x)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} is {array.dtype}; it must be an array of real numbers")
    array = array.astype(float, copy=False)
    if array.ndim != ndim:
        raise ValueError(f"{name} has {array.ndim} axes, not {ndim}: its shape is {array.shape}")
    _first(name, array, ~np.isfinite(array), "not a finite number")
    return array


def _first(name: str, x: Array, bad: Array, what: str) -> None:
    """Refuse with the first entry of x where `bad` holds."""
    if bad.any():
        i = np.unravel_index(int(bad.argmax()), bad.shape)
        raise ValueError(f"{name}[{', '.join(map(str, i))}] is {x[i]}, {what}")


def _check_rows(name: str, p: Array) -> None:
    """Each p[..., :] must be a distribution."""
    _first(name, p, p < 0, "a negative probability")
    total = p.sum(axis=-1)
    bad = np.abs(total - 1) > TOLERANCE
    if bad.any():
        i = np.unravel_index(int(bad.argmax()), bad.shape)
        where = f"[{', '.join(map(str, i))}]" if i else ""
        raise ValueError(f"{name}{where} sums to {total[i]:.12g}, not 1")


def _check_reward(name: str, reward: Any, shape: tuple[int, int, int]) -> Array:
    reward = _array(name, reward)
    if reward.shape == shape[:2]:
        return np.asarray(np.broadcast_to(_numbers(name, reward, 2)[..., None], shape))
    if reward.shape != shape:
        raise ValueError(f"{name} has shape {reward.shape}; it must be {shape[:2]} or {shape}")
    return _numbers(name, reward, 3)


def _check_common(mdp: Any, S: int) -> None:
    gamma, horizon = mdp.gamma, mdp.horizon
    if not is_number(gamma) or not 0 <= gamma <= 1:
        raise ValueError(f"gamma is {gamma!r}; it must be a number from 0 to 1")
    start = _numbers("start", mdp.start, 1)
    if start.shape != (S,):
        raise ValueError(f"start has shape {start.shape}; it must be ({S},), a probability a state")
    _check_rows("start", start)
    terminal = _array("terminal", mdp.terminal)
    if terminal.shape != (S,) or terminal.dtype != bool:
        raise ValueError(
            f"terminal is {terminal.dtype} {terminal.shape}; it must be bool ({S},), a flag a state"
        )
    whole = isinstance(horizon, (int, np.integer)) and not isinstance(horizon, bool)
    if horizon is not None and not (whole and horizon >= 1):
        raise ValueError(f"horizon is {horizon!r}; it must be None or a whole number of steps >= 1")
    _freeze(mdp, gamma=float(gamma), start=start, terminal=terminal)


def _check_terminal(end: Array, p_name: str, stay: Array, r_name: str, paid: Array) -> None:
    """stay, paid (E, A): what each action in each of the E terminal states does."""
    for i, a in np.argwhere((np.abs(stay - 1) > TOLERANCE) | (paid != 0))[:1]:
        s, value = end[i], paid[i, a]
        if value == 0:
            raise ValueError(
                f"terminal[{s}] is True, but {p_name}[{s}, {a}] stays in {s} with probability "
                f"{stay[i, a]:.12g}, not 1: a terminal state must be absorbing"
            )
        raise ValueError(f"terminal[{s}] is True, but {r_name}[{s}, {a}] pays {value:.12g}: it must pay 0")


def _freeze(mdp: Any, **fields: Any) -> None:
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            value = value.view()
            value.flags.writeable = False
        object.__setattr__(mdp, name, value)
