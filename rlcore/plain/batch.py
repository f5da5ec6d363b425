"""Batch updating as the textbook describes it: present all episodes again and again, until nothing changes.

One run. What `rlcore.algorithms.batch` computes outright is what these loops come to, slowly.

Left out: what the fast ones check.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array, categorical

Step = tuple[int, float, int, bool]  # state, reward, next state, terminated


def walk(env: Any, pi: Array, rng: Generator) -> list[Step]:
    """One episode under a policy.   pi (S, A)"""
    steps: list[Step] = []
    s, done = env.reset(rng), False
    a = categorical(pi[s], rng)
    while not done:
        s_next, reward, terminated = env.step(s, a, rng)
        steps.append((s, reward, s_next, terminated))
        s, a = s_next, categorical(pi[s_next], rng)
        done = terminated or len(steps) == env.horizon
    return steps


def batch_td(
    env: Any,
    pi: Array,
    *,
    episodes: int,
    alpha: float,
    gamma: float,
    rng: Generator,
    V0: Array,
    tol: float = 1e-3,
) -> Array:
    """Sutton & Barto, section 6.3: a new episode, then TD(0) on all of them until convergence.

    Converged is: the increments of a presentation add up to less than `tol`.   -> (episodes, S)
    """
    V, batch, trace = V0.copy(), [], []
    for _ in range(episodes):
        batch.append(walk(env, pi, rng))
        change = np.inf
        while change >= tol:
            increment = np.zeros_like(V)
            for episode in batch:
                for s, reward, s_next, terminated in episode:
                    target = reward + gamma * (1 - terminated) * V[s_next]
                    increment[s] += alpha * (target - V[s])
            V += increment
            change = np.abs(increment).sum()
        trace.append(V.copy())
    return np.stack(trace)


def batch_mc(
    env: Any,
    pi: Array,
    *,
    episodes: int,
    alpha: float,
    gamma: float,
    rng: Generator,
    V0: Array,
    tol: float = 1e-3,
) -> Array:
    """The same with returns for targets: constant-alpha Monte Carlo.   -> (episodes, S)"""
    V, batch, trace = V0.copy(), [], []
    for _ in range(episodes):
        batch.append(walk(env, pi, rng))
        change = np.inf
        while change >= tol:
            increment = np.zeros_like(V)
            for episode in batch:
                G = 0.0
                for s, reward, _s_next, _terminated in reversed(episode):
                    G = reward + gamma * G
                    increment[s] += alpha * (G - V[s])
            V += increment
            change = np.abs(increment).sum()
        trace.append(V.copy())
    return np.stack(trace)
