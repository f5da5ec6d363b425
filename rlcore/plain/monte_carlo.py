"""Monte-Carlo methods as the textbook boxes have them: one run, one episode after the other.

What `rlcore.algorithms.monte_carlo` does for many runs at once; on the same random stream the tables are
the same. They stay slow on purpose, and check nothing.

Left out: what the fast ones check, and bootstrapping where a time limit cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy, greedy, greedy_probabilities
from rlcore.numerics import Array, categorical


def walk(env: Any, act: Callable[[Any], Any], s: Any, a: Any, rng: Generator) -> list[tuple[Any, Any, Any]]:
    """An episode from state s and action a on: its steps (state, action, reward).

    An action is drawn for the last state too, as the learners in lock-step draw one.
    """
    steps, done = [], False
    while not done:
        s_next, reward, terminated = env.step(s, a, rng)
        steps.append((s, a, reward))
        s, a = s_next, act(s_next)
        done = terminated or len(steps) == env.horizon
    return steps


def mc_prediction(
    env: Any,
    pi: Array,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    first_visit: bool = True,
    alpha: float | None = None,
) -> Array:
    """Sutton & Barto, section 5.1.   pi (S, A) -> V (S,)"""
    V, visits = np.zeros(env.n_states), np.zeros(env.n_states)

    def act(s: Any) -> Any:
        return categorical(pi[s], rng)

    for _ in range(episodes):
        s = env.reset(rng)
        steps = walk(env, act, s, act(s), rng)
        states = [s for s, _, _ in steps]
        G = 0.0
        for t in reversed(range(len(steps))):
            s, _, reward = steps[t]
            G = reward + gamma * G
            if s not in states[:t] or not first_visit:
                visits[s] += 1
                V[s] += (1 / visits[s] if alpha is None else alpha) * (G - V[s])
    return V


def off_policy_prediction(
    env: Any,
    pi: Array,
    b: Array,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    first_visit: bool = True,
    weighted: bool = True,
) -> Array:
    """Sutton & Barto, sections 5.5 and 5.6.   pi, b (S, A) -> V (S,)"""
    V, C = np.zeros(env.n_states), np.zeros(env.n_states)

    def act(s: Any) -> Any:
        return categorical(b[s], rng)

    for _ in range(episodes):
        s = env.reset(rng)
        steps = walk(env, act, s, act(s), rng)
        states = [s for s, _, _ in steps]
        G, W = 0.0, 1.0
        for t in reversed(range(len(steps))):
            s, a, reward = steps[t]
            G = reward + gamma * G
            W *= pi[s, a] / b[s, a]
            if s in states[:t] and first_visit:
                continue
            if not weighted:
                C[s] += 1
                V[s] += (W * G - V[s]) / C[s]
            elif W > 0:
                C[s] += W
                V[s] += W / C[s] * (G - V[s])
    return V


def mc_exploring_starts(
    env: Any, *, episodes: int, gamma: float, rng: Generator, first_visit: bool = True
) -> Array:
    """Sutton & Barto, section 5.3.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    visits = np.zeros(Q.shape)
    starts = np.flatnonzero(~env.terminal)

    def act(s: Any) -> Any:
        return greedy(Q[s], rng)

    for _ in range(episodes):
        s = starts[int(rng.random() * len(starts))]
        steps = walk(env, act, s, greedy(np.zeros(env.actions.n), rng), rng)
        _learn(Q, visits, steps, gamma, first_visit, None)
    return Q


def mc_control(
    env: Any,
    *,
    episodes: int,
    epsilon: float,
    gamma: float,
    rng: Generator,
    first_visit: bool = True,
    alpha: float | None = None,
) -> Array:
    """Sutton & Barto, section 5.4.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    visits = np.zeros(Q.shape)

    def act(s: Any) -> Any:
        return epsilon_greedy(Q[s], epsilon, rng)

    for _ in range(episodes):
        s = env.reset(rng)
        steps = walk(env, act, s, act(s), rng)
        _learn(Q, visits, steps, gamma, first_visit, alpha)
    return Q


def _learn(Q: Array, visits: Array, steps: Any, gamma: float, first_visit: bool, alpha: float | None) -> None:
    """Backwards through an episode: the return from each step on, into the table."""
    pairs = [(s, a) for s, a, _ in steps]
    G = 0.0
    for t in reversed(range(len(steps))):
        s, a, reward = steps[t]
        G = reward + gamma * G
        if (s, a) not in pairs[:t] or not first_visit:
            visits[s, a] += 1
            Q[s, a] += (1 / visits[s, a] if alpha is None else alpha) * (G - Q[s, a])


def off_policy_control(env: Any, b: Array, *, episodes: int, gamma: float, rng: Generator) -> Array:
    """Sutton & Barto, section 5.7; in a tie the greedy policy chooses evenly.   b (S, A) -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    C = np.zeros(Q.shape)

    def act(s: Any) -> Any:
        return categorical(b[s], rng)

    for _ in range(episodes):
        s = env.reset(rng)
        steps = walk(env, act, s, act(s), rng)
        G, W = 0.0, 1.0
        for s, a, reward in reversed(steps):
            G = reward + gamma * G
            C[s, a] += W
            Q[s, a] += W / C[s, a] * (G - Q[s, a])
            W *= greedy_probabilities(Q[s])[a] / b[s, a]
            if W == 0:
                break
    return Q
