"""Independent runs of a learner in lock-step: one step of NumPy moves them all.

A lane is one run: its walker, its episode, its clock. Lanes reset on their own when an episode ends, and
leave when their last one is over, so a loop below works on the lanes that are left:

    lanes = Lanes(env, episodes=500, runs=100, rng=rng)
    i, s, a = lanes.begin(act)                           which lane, its state, its action; each (N,)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        ...                                              learn: Q[i, s, a] += ...
        i, s, a = lanes.go_on(s_next, a_next, act)

`act(i, s)` chooses for lanes i in states s. An episode ends where the walker terminates or where the time
limit `env.horizon` truncates it; only the first makes the value of `s_next` zero. With one lane the random
numbers are drawn in the order of the plain loop: step, next action, and after an end reset and first action.

Letters: N lanes that are left, S states, A actions.
Left out: lanes that wait for each other at the end of an episode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.progress import Progress
from rlcore.numerics import Array, inverse_cdf
from rlcore.problems.doors import check_count, check_env, check_probability, check_rng, is_number
from rlcore.problems.env import Discrete
from rlcore.problems.mdp import MDP, SparseMDP, policy_table
from rlcore.problems.structure import breadth_first, chain

Act = Callable[[Array, Array], Array]  # lanes (N,), states (N,) -> actions (N,)


@dataclass(frozen=True, eq=False)
class Control:
    """What a learner of action values leaves behind."""

    Q: Array  # (runs, S, A)  -inf where the action does not exist
    returns: Array  # (runs, episodes)  undiscounted
    lengths: Array  # (runs, episodes) int, in steps


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a learner of state values leaves behind."""

    V: Array  # (runs, S)
    trace: Array  # (episodes, runs, S)  V after each episode


class Lanes:
    """`runs` walkers of `episodes` episodes each.

    Raises ValueError unless episodes and runs are whole numbers >= 1 and rng is a Generator; for more than
    one run of a live Gymnasium environment; and for an environment whose episodes need not end: it has
    neither a time limit nor, under `pi` where it is given, a terminal state in reach.
    """

    def __init__(
        self, env: Any, *, episodes: int, runs: int, rng: Generator, pi: Array | None = None
    ) -> None:
        check_count("episodes", episodes, 1)
        check_count("runs", runs, 1)
        check_rng(rng)
        check_env(env)
        self.live = getattr(env, "live", False)  # an environment that keeps its state, and its time
        if self.live and runs > 1:
            raise ValueError(
                f"runs is {runs}; a live Gymnasium environment has one walker, so runs must be 1"
            )
        check_ends(env, pi)
        self.env, self.rng, self.episodes = env, rng, episodes
        self.lane = np.arange(runs)
        self.state = env.reset(rng, runs)
        self.clock, self.score = np.zeros(runs, int), np.zeros(runs)
        self.episode = np.zeros(runs, int)  # how many each lane has finished
        self.done = np.zeros(runs, bool)  # whose episode the last step ended
        self.truncated = np.zeros(runs, bool)  # of these, whom the time limit stopped
        self.returns = np.zeros((runs, episodes))
        self.lengths = np.zeros((runs, episodes), int)
        self.finished = 0
        self.bar = Progress("episodes", runs * episodes)

    def begin(self, act: Act) -> tuple[Array, Array, Array]:
        """The lanes, their first states and first actions.   -> (N,), (N, ...), (N,)"""
        return self.lane, self.state, act(self.lane, self.state)

    def step(self, action: Array) -> tuple[Array, Array, Array]:
        """Move every lane.   (N,) -> s_next (N, ...), reward (N,), terminated (N,) bool"""
        s_next, reward, terminated = self.env.step(self.state, action, self.rng)
        self.clock += 1
        self.score += reward
        self.done = terminated
        if self.live or self.env.horizon is not None:
            cut = self.env.truncated if self.live else self.clock == self.env.horizon
            self.truncated = cut & ~terminated
            self.done = terminated | self.truncated
        return s_next, reward, terminated

    def record(self, trace: Array, table: Array) -> None:
        """trace[k, i] = table[i] for every lane i whose k-th episode has just ended; before `go_on`."""
        if self.done.any():
            i = self.lane[self.done]
            trace[self.episode[self.done], i] = table[i]

    def go_on(self, s_next: Array, a_next: Array, act: Act) -> tuple[Array, Array, Array]:
        """To the next step: lanes whose episode ended begin another one, or leave.   -> as `begin`"""
        ended = self.done.nonzero()[0]
        if not len(ended):
            self.state = s_next
            return self.lane, s_next, a_next
        lane, k = self.lane[ended], self.episode[ended]
        self.returns[lane, k], self.lengths[lane, k] = self.score[ended], self.clock[ended]
        self.score[ended], self.clock[ended], self.episode[ended] = 0.0, 0, k + 1
        self.finished += len(ended)
        self.bar(self.finished)
        state, action = s_next.copy(), a_next.copy()
        again = ended[k + 1 < self.episodes]
        if len(again):
            state[again] = self.env.reset(self.rng, len(again))
            action[again] = act(self.lane[again], state[again])
        self.state = state
        if len(again) < len(ended):
            action = self._leave(action)
        return self.lane, self.state, action

    def _leave(self, action: Array) -> Array:
        stay = self.episode < self.episodes
        self.lane, self.state, self.clock = self.lane[stay], self.state[stay], self.clock[stay]
        self.score, self.episode = self.score[stay], self.episode[stay]
        self.done, self.truncated = self.done[stay], self.truncated[stay]
        if not len(self.lane):
            self.bar.close()
        return action[stay]


# ---------------------------------------------------------------- what the learners ask of their arguments


def tabular(env: Any) -> Any:
    """The environment as tables can use it: a live Gymnasium environment gets its adapter.

    Raises ValueError unless states and actions are both finite.
    """
    if hasattr(env, "observation_space") or hasattr(env, "env_id"):
        from rlcore.problems.gym import LiveTable

        return LiveTable(env)
    if not isinstance(getattr(env, "actions", None), Discrete) or getattr(env, "n_states", None) is None:
        raise ValueError(f"env is {type(env).__name__}; a table needs finitely many states and actions")
    return env


def first_Q(env: Any, runs: int, Q0: Any = None) -> Array:
    """Q0, or zeros, for every run; -inf where `env.allowed` (S, A) says that an action does not exist.

    -> (runs, S, A).   Q0 (S, A), (runs, S, A) or a number; terminal states keep 0.
    """
    S, A = env.n_states, env.actions.n
    try:
        Q = np.array(np.broadcast_to(0.0 if Q0 is None else Q0, (runs, S, A)), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"Q0 has shape {np.shape(Q0)}; it must be a number, ({S}, {A}) or ({runs}, {S}, {A})"
        ) from None
    _refuse_infinite("Q0", Q)
    terminal = getattr(env, "terminal", None)
    if terminal is not None:
        Q[:, terminal] = 0.0
    allowed = getattr(env, "allowed", None)
    if allowed is not None:
        Q[:, ~allowed] = -np.inf
    return Q


def first_V(env: Any, runs: int, V0: Any = None) -> Array:
    """V0, or zeros, for every run; terminal states keep 0.   -> (runs, S)"""
    S = env.n_states
    try:
        V = np.array(np.broadcast_to(0.0 if V0 is None else V0, (runs, S)), dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"V0 has shape {np.shape(V0)}; it must be a number, ({S},) or ({runs}, {S})"
        ) from None
    _refuse_infinite("V0", V)
    terminal = getattr(env, "terminal", None)
    if terminal is not None:
        V[:, terminal] = 0.0
    return V


def table_policy(env: Any, pi: Any, name: str = "pi") -> Array:
    """A policy as probabilities.   (S,) int or (S, A) -> (S, A);  ValueError if it is neither"""
    table = policy_table(env.n_states, env.actions.n, pi, name)
    return np.eye(env.actions.n)[table] if table.ndim == 1 else table.astype(float)


def follow(pi: Array, rng: Generator) -> Act:
    """act(i, s) that draws from pi[s], one uniform number a lane.   pi (S, A)"""
    cdf = pi.cumsum(axis=-1)
    return lambda i, s: np.asarray(inverse_cdf(cdf[s], rng))


def check_rate(name: str, x: Any, runs: int) -> Array:
    """A number from 0 to 1, or one a run.   -> (runs,)"""
    check_count("runs", runs, 1)
    try:
        rates = np.array(np.broadcast_to(x, (runs,)))
        if rates.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} is {x!r}; it must be a number from 0 to 1, or {runs} of them, one a run"
        ) from None
    for i in np.flatnonzero(~((rates >= 0) & (rates <= 1)))[:1]:
        where = f"[{i}]" if np.ndim(x) else ""
        raise ValueError(f"{name}{where} is {rates[i]:.12g}; it must be from 0 to 1")
    return rates.astype(float)


def check_control(env: Any, alpha: Any, epsilon: float, gamma: float, runs: int) -> tuple[Any, Array]:
    """What learners of action values ask of their arguments.   -> the environment for tables, alpha (runs,)"""
    check_epsilon(epsilon)
    check_gamma(gamma)
    return tabular(env), check_rate("alpha", alpha, runs)


def check_gamma(gamma: Any) -> None:
    """Raise ValueError unless gamma is a number from 0 to 1."""
    if not is_number(gamma) or not 0 <= gamma <= 1:
        raise ValueError(f"gamma is {gamma!r}; it must be a number from 0 to 1")


def check_epsilon(epsilon: Any) -> None:
    """Raise ValueError unless epsilon is a probability."""
    check_probability("epsilon", epsilon)


def check_ends(env: Any, pi: Array | None = None) -> None:
    """Raise ValueError where an episode may go on for ever: no time limit, and no end in reach.

    Of a model, from every state that can be visited, under pi (S, A) where it is given, a terminal state
    must be in reach. Other environments answer for themselves by a horizon or by `terminal` (S,) bool.
    """
    if env.horizon is not None or getattr(env, "live", False):
        return
    advice = "give it a horizon"
    if not isinstance(env, (MDP, SparseMDP)):
        if not np.any(getattr(env, "terminal", False)):
            raise ValueError(f"env has no time limit and names no terminal state: {advice}")
        return
    for s in np.flatnonzero(_endless(env, pi))[:1]:
        under = "" if pi is None else " under pi"
        raise ValueError(
            f"env has no time limit, and from state {s} no terminal state can be reached{under}: {advice}"
        )


def _endless(mdp: MDP | SparseMDP, pi: Array | None) -> Array:
    """States that an episode can visit, but from which it cannot end.   -> (S,) bool"""
    from scipy.sparse import csr_array

    if pi is None:
        pi = np.full((mdp.n_states, mdp.n_actions), 1 / mdp.n_actions)
    edges = csr_array(chain(mdp, pi)[0])
    edges.eliminate_zeros()
    visited, ending = np.zeros((2, mdp.n_states), bool)
    visited[breadth_first(edges, np.flatnonzero(mdp.start > 0))[0]] = True
    ending[breadth_first(edges.T.tocsr(), np.flatnonzero(mdp.terminal))[0]] = True
    return visited & ~ending


def _refuse_infinite(name: str, x: Array) -> None:
    for i in np.argwhere(~np.isfinite(x))[:1]:
        where = ", ".join(map(str, i))
        raise ValueError(f"{name}[{where}] is {x[tuple(i)]}; every number must be finite")
