"""Experience: T steps of N walkers in lock-step, as arrays with leading axes (T, N).

    runner = make_runner(env, n=16, rng=rng)
    rollout = runner.collect(act, T=32)          act(state, rng) -> (action, logp), each (N, ...)

The runner owns what changes: where the walkers stand, their clocks, their scores. A walker whose episode
ends starts another one in the same step, and the others go on; `next_state` is always where the action
led, never the start of the next episode. A learner may look at the value of `next_state` unless the step
`terminated`; where it was `truncated`, the episode was cut, the problem was not.

Letters: T steps, N walkers.
Left out: processes; walkers in lock-step use one core.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import check_ends
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_env, check_rng

Act: TypeAlias = Callable[[Array, Generator], tuple[Array, Array]]  # states (N, ...) -> actions, log-probs
LIMIT = 1_000  # steps of an evaluated walk, where the environment has no limit of its own


@dataclass(frozen=True, eq=False)
class Rollout:
    """What N walkers saw in T steps."""

    state: Array  # (T, N, ...)
    action: Array  # (T, N) or (T, N, D), as the policy drew it: unclipped
    reward: Array  # (T, N)
    next_state: Array  # (T, N, ...)  the true successor, never a reset state
    terminated: Array  # (T, N) bool  the problem ended: next_state is worth 0
    truncated: Array  # (T, N) bool  the time limit cut the episode: next_state keeps its value
    logp: Array  # (T, N)  log pi(action | state) when it was drawn; nan where nobody asks

    @property
    def done(self) -> Array:
        """Whether the episode ended, for either reason.   (T, N) bool"""
        return np.asarray(self.terminated | self.truncated)


class Runner:
    """N walkers of a pure-function Env.

    Raises ValueError unless n is a whole number >= 1 and rng a Generator, and for an environment whose
    episodes need not end: it has neither a time limit nor a terminal state in reach.
    """

    def __init__(self, env: Any, n: int, rng: Generator) -> None:
        check_count("n", n, 1)
        check_rng(rng)
        check_env(env)
        check_ends(env)
        self.env, self.n, self.rng = env, n, rng
        self.scores: list[float] = []  # undiscounted returns of the finished episodes
        self.restart()

    def restart(self) -> None:
        """Put every walker at the start of a new episode; unfinished ones are forgotten."""
        self.state = self._reset(np.arange(self.n))
        self.clock, self.score = np.zeros(self.n, int), np.zeros(self.n)

    def collect(self, act: Act, T: int) -> Rollout:
        """Walk T steps."""
        check_count("T", T, 1)
        rows = []
        for _ in range(T):
            state = self.state
            action, logp = act(state, self.rng)
            next_state, reward, terminated, truncated = self.step(action)
            rows.append((state, action, reward, next_state, terminated, truncated, logp))
        return Rollout(*(np.array(column) for column in zip(*rows)))

    def step(self, action: Array) -> tuple[Array, Array, Array, Array]:
        """Move every walker; where an episode ends, another one begins.

        -> next_state (N, ...), reward, terminated, truncated (N,).  `self.state` is where the walkers stand then.
        """
        next_state, reward, terminated, truncated = self._move(action)
        self.score += reward
        self.state = next_state
        who = (terminated | truncated).nonzero()[0]
        if len(who):
            self.scores += self.score[who].tolist()
            self.clock[who], self.score[who] = 0, 0.0
            self.state = np.array(next_state)
            self.state[who] = self._reset(who)
        return next_state, reward, terminated, truncated

    def _reset(self, who: Array) -> Array:
        """First states of new episodes for these walkers.   (n,) int -> (n, ...)"""
        return np.asarray(self.env.reset(self.rng, len(who)))

    def _move(self, action: Array) -> tuple[Array, Array, Array, Array]:
        """-> next_state (N, ...), reward, terminated, truncated (N,)"""
        next_state, reward, terminated = self.env.step(self.state, action, self.rng)
        self.clock += 1
        return next_state, reward, terminated, (self.clock == self.env.horizon) & ~terminated


class GymnasiumRunner(Runner):
    """N copies of a Gymnasium environment, one step after the other: each keeps its own state and clock.

    The generator of the learner seeds every copy once. `next_state` is what the copy returned, also where
    its episode ended; the reset that follows in the same step goes to the next row.
    """

    def __init__(self, env: Any, n: int, rng: Generator) -> None:
        from rlcore.problems.gym import LiveEnv

        check_count("n", n, 1)
        self.copies = [env.make() for _ in range(n)]
        self.seeded = False
        super().__init__(LiveEnv(self.copies[0]), n, rng)

    def _reset(self, who: Array) -> Array:
        seeds = [None] * len(who) if self.seeded else self.rng.integers(2**31, size=len(who)).tolist()
        self.seeded = True
        return np.stack([self.copies[i].reset(seed=seed)[0] for i, seed in zip(who, seeds)])

    def _move(self, action: Array) -> tuple[Array, Array, Array, Array]:
        self.clock += 1
        legal = self.env.legal(action)
        steps = [copy.step(a)[:4] for copy, a in zip(self.copies, legal)]
        state, reward, terminated, truncated = (np.array(column) for column in zip(*steps))
        return state, reward.astype(float), terminated, truncated & ~terminated


def make_runner(env: Any, n: int, rng: Generator) -> Runner:
    """The runner that fits: for an MDP, any other pure-function Env, or a GymnasiumEnv.

    `runner.env` is what the algorithm asks for `observe`, `actions` and `n_features`.
    Raises ValueError as Runner does, and for a live Gymnasium environment: n walkers need n of them.
    """
    if hasattr(env, "env_id"):
        return GymnasiumRunner(env, n, rng)
    if hasattr(env, "observation_space"):
        raise ValueError(
            "env is a live Gymnasium environment, which has one walker; "
            'give its name, and there will be a copy for each: GymnasiumEnv("CartPole-v1")'
        )
    return Runner(env, n, rng)


def evaluate(runner: Runner, act: Act, gamma: float = 1.0) -> tuple[Array, Array]:
    """Let every walker finish the episode it stands at the start of.   -> returns (N,), discounted ones (N,)

    One episode each, because the first N to finish would be the short ones. `runner.restart()` comes before.
    A greedy policy may walk in circles: where there is no time limit, a walk is cut after LIMIT steps.
    """
    total, discounted, weight = np.zeros(runner.n), np.zeros(runner.n), 1.0
    walking = np.ones(runner.n, bool)
    for _ in range(runner.env.horizon or LIMIT):
        step = runner.collect(act, 1)
        reward = np.where(walking, step.reward[0], 0.0)
        total += reward
        discounted += weight * reward
        weight *= gamma
        walking &= ~step.done[0]
        if not walking.any():
            break
    return total, discounted
