"""Bandit algorithms as the textbook has them: one bandit, one pull at a time.

What `rlcore.algorithms.bandits` does for many bandits at once; on the same random stream the tables are the
same. They stay slow on purpose, and check nothing.

Each returns its table and its rewards:   Q (k,), reward (steps,).
Left out: what the fast ones check and record.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy, greedy
from rlcore.numerics import Array, categorical, softmax
from rlcore.problems.bandits import Bandit


def epsilon_greedy_bandit(
    bandit: Bandit,
    *,
    steps: int,
    epsilon: float,
    rng: Generator,
    alpha: float | None = None,
    Q1: float = 0.0,
) -> tuple[Array, Array]:
    """Sutton & Barto, section 2.4: sample averages, or with alpha a constant step size (section 2.5)."""
    mean, reward = bandit.mean[0], np.zeros(steps)
    Q, N = np.full(len(mean), Q1, dtype=float), np.zeros(len(mean))
    for t in range(steps):
        a = epsilon_greedy(Q, epsilon, rng)
        reward[t] = bandit.pay(mean[a], rng)
        N[a] += 1
        Q[a] += (1 / N[a] if alpha is None else alpha) * (reward[t] - Q[a])
        mean = bandit.drift(mean, rng)
    return Q, reward


def ucb_bandit(bandit: Bandit, *, steps: int, c: float, rng: Generator) -> tuple[Array, Array]:
    """Sutton & Barto, section 2.7: an arm never tried comes first."""
    mean, reward = bandit.mean[0], np.zeros(steps)
    Q, N = np.zeros(len(mean)), np.zeros(len(mean))
    for t in range(steps):
        bonus = c * np.sqrt(math.log(t + 1) / np.maximum(N, 1))
        a = greedy(np.where(N > 0, Q + bonus, np.inf), rng)
        reward[t] = bandit.pay(mean[a], rng)
        N[a] += 1
        Q[a] += (reward[t] - Q[a]) / N[a]
        mean = bandit.drift(mean, rng)
    return Q, reward


def gradient_bandit(
    bandit: Bandit, *, steps: int, alpha: float, rng: Generator, baseline: bool = True
) -> tuple[Array, Array]:
    """Sutton & Barto, section 2.8: preferences H (k,) in the place of Q."""
    mean, reward = bandit.mean[0], np.zeros(steps)
    H, b = np.zeros(len(mean)), 0.0
    for t in range(steps):
        pi = softmax(H)
        a = categorical(pi, rng)
        reward[t] = bandit.pay(mean[a], rng)
        if baseline and t == 0:
            b = reward[0]
        H += alpha * (reward[t] - b) * score(pi, a)
        if baseline:
            b += (reward[t] - b) / (t + 1)
        mean = bandit.drift(mean, rng)
    return H, reward


def score(pi: Array, a: int) -> Array:
    """d log pi(a) / dH = 1[a] - pi, for pi the softmax of H.   (k,) -> (k,)

    [eq:score]  It sums to zero, and its mean over a ~ pi is zero: that is why a baseline adds no bias.
    """
    return np.asarray(np.eye(len(pi))[a] - pi)


def thompson_beta(bandit: Bandit, *, steps: int, rng: Generator) -> tuple[Array, Array]:
    """Thompson (1933), rewards 0 and 1, a uniform prior.   -> posterior means (k,), reward (steps,)"""
    mean, reward = bandit.mean[0], np.zeros(steps)
    ones, zeros = np.ones(len(mean)), np.ones(len(mean))
    for t in range(steps):
        a = greedy(rng.beta(ones, zeros), rng)
        reward[t] = bandit.pay(mean[a], rng)
        ones[a] += reward[t]
        zeros[a] += 1 - reward[t]
        mean = bandit.drift(mean, rng)
    return ones / (ones + zeros), reward


def thompson_normal(
    bandit: Bandit,
    *,
    steps: int,
    rng: Generator,
    sd: float = 1.0,
    prior_mean: float = 0.0,
    prior_sd: float = 1.0,
) -> tuple[Array, Array]:
    """The same for normal rewards of known sd.   -> posterior means (k,), reward (steps,)"""
    mean, reward = bandit.mean[0], np.zeros(steps)
    total, N = np.zeros(len(mean)), np.zeros(len(mean))
    for t in range(steps):
        precision = 1 / prior_sd**2 + N / sd**2
        centre = (prior_mean / prior_sd**2 + total / sd**2) / precision
        a = greedy(centre + rng.standard_normal(len(mean)) / np.sqrt(precision), rng)
        reward[t] = bandit.pay(mean[a], rng)
        N[a] += 1
        total[a] += reward[t]
        mean = bandit.drift(mean, rng)
    return (prior_mean / prior_sd**2 + total / sd**2) / (1 / prior_sd**2 + N / sd**2), reward
