"""Eligibility traces as the textbook boxes have them: one run, one step at a time.

What `rlcore.algorithms.traces` does for many runs at once; on the same random stream the tables are the same.

Left out: what the fast ones check; replacing and dutch traces of TD(lambda).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import Array, categorical


def offline_lambda_return(
    env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.1: wait for the end, then move every state to its lambda-return.   -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        states, rewards, terminated = _walk(env, pi, rng)
        T = len(rewards)
        G, target = np.zeros(T), 0.0 if terminated else V[states[T]]
        for t in reversed(range(T)):
            if t < T - 1:
                target = (1 - lam) * V[states[t + 1]] + lam * target
            G[t] = target = rewards[t] + gamma * target
        for t in range(T):
            V[states[t]] += alpha * (G[t] - V[states[t]])
    return V


def online_lambda_return(
    env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.4: after every step, the whole episode over again.   -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        states, rewards, terminated = _walk(env, pi, rng)
        first, seen = V.copy(), [0.0]  # seen[k]: the value of states[k] when it was met
        for h in range(1, len(states)):
            seen.append(0.0 if h == len(rewards) and terminated else V[states[h]])
            V = first.copy()
            for t in range(h):
                V[states[t]] += alpha * (_truncated(rewards, seen, t, h, gamma, lam) - V[states[t]])
    return V


def _truncated(rewards: list[float], seen: list[float], t: int, h: int, gamma: float, lam: float) -> float:
    """(1 - lam) sum_{n < h - t} lam^(n-1) G_{t:t+n} + lam^(h-t-1) G_{t:h}, by its recursion."""
    if t == h - 1:
        return rewards[t] + gamma * seen[h]
    later = _truncated(rewards, seen, t + 1, h, gamma, lam)
    return rewards[t] + gamma * ((1 - lam) * seen[t + 1] + lam * later)


def td_lambda(
    env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.2, with accumulating traces.   pi (S, A) -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        s, t, done, z = env.reset(rng), 0, False, np.zeros(env.n_states)
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            delta = reward + gamma * (1 - terminated) * V[s_next] - V[s]
            z *= gamma * lam
            z[s] += 1
            V += alpha * delta * z
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
    return V


def true_online_td_lambda(
    env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.5.   pi (S, A) -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        s, t, done, z, old = env.reset(rng), 0, False, np.zeros(env.n_states), 0.0
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            v, v_next = V[s], V[s_next]
            delta = reward + gamma * (1 - terminated) * v_next - v
            z *= gamma * lam
            z[s] += 1 - alpha * z[s]
            V += alpha * (delta + v - old) * z
            V[s] -= alpha * (v - old)
            old = v_next
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
    return V


def sarsa_lambda(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.7, with a table and accumulating traces.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done, z = env.reset(rng), 0, False, np.zeros(Q.shape)
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            a_next = epsilon_greedy(Q[s_next], epsilon, rng)
            delta = reward + gamma * (1 - terminated) * Q[s_next, a_next] - Q[s, a]
            z *= gamma * lam
            z[s, a] += 1
            Q += alpha * delta * z
            s, a, t = s_next, a_next, t + 1
            done = terminated or t == env.horizon
    return Q


def watkins_q_lambda(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator, lam: float
) -> Array:
    """Sutton & Barto, section 12.10, with accumulating traces.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        s, t, done, z = env.reset(rng), 0, False, np.zeros(Q.shape)
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            a_next = epsilon_greedy(Q[s_next], epsilon, rng)
            best = Q[s_next].max()
            greedy = Q[s_next, a_next] == best
            delta = reward + gamma * (1 - terminated) * best - Q[s, a]
            z *= gamma * lam
            z[s, a] += 1
            Q += alpha * delta * z
            if not greedy:
                z[:] = 0  # what follows says nothing about the greedy policy
            s, a, t = s_next, a_next, t + 1
            done = terminated or t == env.horizon
    return Q


def _walk(env: Any, pi: Array, rng: Generator) -> tuple[list[int], list[float], bool]:
    """One episode: its T + 1 states, its T rewards, and whether it terminated."""
    s, t, done = env.reset(rng), 0, False
    a = categorical(pi[s], rng)
    states, rewards, terminated = [s], [], False
    while not done:
        s_next, reward, terminated = env.step(s, a, rng)
        states.append(s_next)
        rewards.append(reward)
        s, a, t = s_next, categorical(pi[s_next], rng), t + 1
        done = terminated or t == env.horizon
    return states, rewards, bool(terminated)
