"""n-step methods as the textbook boxes have them: wait n steps, then renew the state of n steps ago.

What `rlcore.algorithms.n_step` does for many runs at once; on the same random stream the tables are the same.
Here t counts the steps, tau is the time whose state is renewed, T the end of the episode. When the episode has
ended, t goes on until the last state has had its turn.

Left out: what the fast ones check.
"""

from __future__ import annotations

from sys import maxsize
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy, epsilon_greedy_probabilities
from rlcore.numerics import Array, categorical


def n_step_td(
    env: Any, pi: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, n: int
) -> Array:
    """Sutton & Barto, section 7.1.   pi (S, A) -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        S, R, T, t, tau = [env.reset(rng)], [0.0], maxsize, 0, -1
        a = categorical(pi[S[0]], rng)
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], a, rng)
                S.append(s_next)
                R.append(reward)
                a = categorical(pi[s_next], rng)
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)  # where the window ends
                G = 0.0 if h == T and terminated else V[S[h]]
                for k in range(h, tau, -1):
                    G = R[k] + gamma * G
                V[S[tau]] += alpha * (G - V[S[tau]])
            t += 1
    return V


def off_policy_n_step_td(
    env: Any, pi: Array, b: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator, n: int
) -> Array:
    """Sutton & Barto, section 7.3, for state values: b walks, pi is learned.   pi, b (S, A) -> V (S,)"""
    V = np.zeros(env.n_states)
    for _ in range(episodes):
        S, R, rho, T, t, tau = [env.reset(rng)], [0.0], [], maxsize, 0, -1
        a = categorical(b[S[0]], rng)
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], a, rng)
                rho.append(pi[S[t], a] / b[S[t], a])
                S.append(s_next)
                R.append(reward)
                a = categorical(b[s_next], rng)
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)
                G = 0.0 if h == T and terminated else V[S[h]]
                for k in range(h, tau, -1):
                    G = R[k] + gamma * G
                V[S[tau]] += alpha * np.prod(rho[tau:h]) * (G - V[S[tau]])
            t += 1
    return V


def n_step_sarsa(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator, n: int
) -> Array:
    """Sutton & Barto, section 7.2.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        S, R, T, t, tau = [env.reset(rng)], [0.0], maxsize, 0, -1
        A = [epsilon_greedy(Q[S[0]], epsilon, rng)]
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], A[t], rng)
                S.append(s_next)
                R.append(reward)
                A.append(epsilon_greedy(Q[s_next], epsilon, rng))
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)
                G = 0.0 if h == T and terminated else Q[S[h], A[h]]
                for k in range(h, tau, -1):
                    G = R[k] + gamma * G
                Q[S[tau], A[tau]] += alpha * (G - Q[S[tau], A[tau]])
            t += 1
    return Q


def n_step_expected_sarsa(
    env: Any, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator, n: int
) -> Array:
    """Sutton & Barto, section 7.2.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        S, R, T, t, tau = [env.reset(rng)], [0.0], maxsize, 0, -1
        A = [epsilon_greedy(Q[S[0]], epsilon, rng)]
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], A[t], rng)
                S.append(s_next)
                R.append(reward)
                A.append(epsilon_greedy(Q[s_next], epsilon, rng))
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)
                pi = epsilon_greedy_probabilities(Q[S[h]], epsilon)
                G = 0.0 if h == T and terminated else (pi * Q[S[h]]).sum()
                for k in range(h, tau, -1):
                    G = R[k] + gamma * G
                Q[S[tau], A[tau]] += alpha * (G - Q[S[tau], A[tau]])
            t += 1
    return Q


def off_policy_n_step_sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: float,
    epsilon: float,
    gamma: float,
    rng: Generator,
    n: int,
    target_epsilon: float = 0.0,
) -> Array:
    """Sutton & Barto, section 7.3.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        S, R, T, t, tau = [env.reset(rng)], [0.0], maxsize, 0, -1
        A, b = [epsilon_greedy(Q[S[0]], epsilon, rng)], [1.0]
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], A[t], rng)
                S.append(s_next)
                R.append(reward)
                A.append(epsilon_greedy(Q[s_next], epsilon, rng))
                b.append(epsilon_greedy_probabilities(Q[s_next], epsilon)[A[-1]])
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)
                last = h - 1 if h == T and terminated else h  # the last action that G depends on
                rho = 1.0
                for k in range(tau + 1, last + 1):
                    rho *= epsilon_greedy_probabilities(Q[S[k]], target_epsilon)[A[k]] / b[k]
                G = Q[S[h], A[h]] if last == h else 0.0
                for k in range(h, tau, -1):
                    G = R[k] + gamma * G
                Q[S[tau], A[tau]] += alpha * rho * (G - Q[S[tau], A[tau]])
            t += 1
    return Q


def tree_backup(
    env: Any,
    *,
    episodes: int,
    alpha: float,
    epsilon: float,
    gamma: float,
    rng: Generator,
    n: int,
    target_epsilon: float = 0.0,
) -> Array:
    """Sutton & Barto, section 7.5.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    for _ in range(episodes):
        S, R, T, t, tau = [env.reset(rng)], [0.0], maxsize, 0, -1
        A = [epsilon_greedy(Q[S[0]], epsilon, rng)]
        while tau < T - 1:
            if t < T:
                s_next, reward, terminated = env.step(S[t], A[t], rng)
                S.append(s_next)
                R.append(reward)
                A.append(epsilon_greedy(Q[s_next], epsilon, rng))
                if terminated or t + 1 == env.horizon:
                    T = t + 1
            tau = t - n + 1
            if tau >= 0:
                h = min(tau + n, T)
                pi = epsilon_greedy_probabilities(Q[S[h]], target_epsilon)
                G = R[h] + gamma * (0.0 if h == T and terminated else (pi * Q[S[h]]).sum())
                for k in range(h - 1, tau, -1):  # the action taken counts with G in the place of its Q
                    pi = epsilon_greedy_probabilities(Q[S[k]], target_epsilon)
                    G = R[k] + gamma * ((pi * Q[S[k]]).sum() - pi[A[k]] * (Q[S[k], A[k]] - G))
                Q[S[tau], A[tau]] += alpha * (G - Q[S[tau], A[tau]])
            t += 1
    return Q
