"""Linear function approximation as the textbook boxes have it: one run, one step at a time.

What `rlcore.algorithms.linear` and `gradient_td` do for many runs at once; on the same random stream the
weights are the same. `x` maps a state to a vector (D,), a policy is a table (S, A). They check nothing.

Left out: what the fast ones check, and tiles as indices: a vector of zeros and ones is slower and plainer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import Array, categorical

X = Callable[[Any], Array]  # state -> (D,)


def gradient_mc(
    env: Any, pi: Array, x: X, w: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 9.3: gradient Monte Carlo.   w (D,) -> w (D,)"""
    for _ in range(episodes):
        s, t, done, walk = env.reset(rng), 0, False, []
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            walk.append((s, reward))
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
        G = [0.0]
        for _, reward in reversed(walk):
            G.append(reward + gamma * G[-1])
        for (s, _), G_t in zip(walk, reversed(G)):
            w = w + alpha * (G_t - w @ x(s)) * x(s)
    return w


def semi_gradient_td(
    env: Any, pi: Array, x: X, w: Array, *, episodes: int, alpha: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 9.3: semi-gradient TD(0).   w (D,) -> w (D,)"""
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            target = reward + gamma * (1 - terminated) * (w @ x(s_next))
            w = w + alpha * (target - w @ x(s)) * x(s)
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
    return w


def lstd(
    env: Any, pi: Array, x: X, D: int, *, episodes: int, gamma: float, ridge: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 9.8: LSTD, with the inverse kept up to date by Sherman and Morrison.   -> w (D,)"""
    inverse, b = np.eye(D) / ridge, np.zeros(D)
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = categorical(pi[s], rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            u = inverse.T @ (x(s) - gamma * (1 - terminated) * x(s_next))
            inverse -= np.outer(inverse @ x(s), u) / (1 + u @ x(s))
            b += reward * x(s)
            s, a, t = s_next, categorical(pi[s_next], rng), t + 1
            done = terminated or t == env.horizon
    return np.asarray(inverse @ b)


def semi_gradient_sarsa(
    env: Any, x: X, w: Array, *, episodes: int, alpha: float, epsilon: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 10.1.   w (A, D) -> w (A, D), changed in place"""
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(w @ x(s), epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            a_next = epsilon_greedy(w @ x(s_next), epsilon, rng)
            target = reward + gamma * (1 - terminated) * (w[a_next] @ x(s_next))
            w[a] += alpha * (target - w[a] @ x(s)) * x(s)
            s, a, t = s_next, a_next, t + 1
            done = terminated or t == env.horizon
    return w


def differential_sarsa(
    env: Any, x: X, w: Array, *, steps: int, alpha: float, beta: float, epsilon: float, rng: Generator
) -> tuple[Array, float]:
    """Sutton & Barto, section 10.3.   w (A, D) -> w (A, D), changed in place, and the average reward"""
    s, rate = env.reset(rng), 0.0
    a = epsilon_greedy(w @ x(s), epsilon, rng)
    for _ in range(steps):
        s_next, reward, _ = env.step(s, a, rng)
        a_next = epsilon_greedy(w @ x(s_next), epsilon, rng)
        delta = reward - rate + w[a_next] @ x(s_next) - w[a] @ x(s)
        rate += beta * delta
        w[a] += alpha * delta * x(s)
        s, a = s_next, a_next
    return w, rate


def tdc(
    env: Any,
    pi: Array,
    b: Array,
    x: X,
    w: Array,
    *,
    steps: int,
    alpha: float,
    beta: float,
    gamma: float,
    rng: Generator,
) -> Array:
    """Sutton & Barto, section 11.7: TD(0) with gradient correction, acting by b, learning pi.   w (D,) -> w (D,)"""
    s, v = env.reset(rng), np.zeros_like(w)
    for _ in range(steps):
        a = categorical(b[s], rng)
        s_next, reward, terminated = env.step(s, a, rng)
        rho = pi[s, a] / b[s, a]
        x_s, x_next = x(s), (1 - terminated) * x(s_next)
        delta = reward + gamma * (w @ x_next) - w @ x_s
        w = w + alpha * rho * (delta * x_s - gamma * (v @ x_s) * x_next)
        v = v + beta * rho * (delta - v @ x_s) * x_s
        s = env.reset(rng) if terminated else s_next
    return w
