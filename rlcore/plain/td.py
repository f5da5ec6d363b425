"""Temporal-difference learning as the textbook boxes have it: one run, one step at a time.

What `rlcore.algorithms.td` does for many runs at once; on the same random stream the tables are the same.
They stay slow on purpose, and check nothing.

Left out: what the fast ones check.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy, epsilon_greedy_probabilities, greedy
from rlcore.numerics import Array, categorical


def td0(env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator) -> Array:
    """Sutton & Barto, section 6.1: tabular TD(0).   pi (S, A) -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            target = reward + gamma * (1 - terminated) * V[s_next]
            V[s] += alpha * (target - V[s])
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
    return V


def sarsa(env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator) -> Array:
    """Sutton & Barto, section 6.4.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            a_next = epsilon_greedy(Q[s_next], epsilon, rng)
            target = reward + gamma * (1 - terminated) * Q[s_next, a_next]
            Q[s, a] += alpha * (target - Q[s, a])
            s, a, t = s_next, a_next, t + 1
            done = terminated or t == env.horizon
    return Q


def expected_sarsa(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 6.6.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            pi = epsilon_greedy_probabilities(Q[s_next], epsilon)
            target = reward + gamma * (1 - terminated) * (pi * Q[s_next]).sum()
            Q[s, a] += alpha * (target - Q[s, a])
            s, a, t = s_next, epsilon_greedy(Q[s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return Q


def q_learning(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 6.5.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            target = reward + gamma * (1 - terminated) * Q[s_next].max()
            Q[s, a] += alpha * (target - Q[s, a])
            s, a, t = s_next, epsilon_greedy(Q[s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return Q


def double_q_learning(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 6.7.   -> the mean of both tables (S, A)"""
    Q = np.zeros((2, env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[0, s] + Q[1, s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            learner = int(rng.random() < 0.5)
            best = greedy(Q[learner, s_next], rng)
            target = reward + gamma * (1 - terminated) * Q[1 - learner, s_next, best]
            Q[learner, s, a] += alpha * (target - Q[learner, s, a])
            s, a, t = s_next, epsilon_greedy(Q[0, s_next] + Q[1, s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return np.asarray(Q.mean(axis=0))
