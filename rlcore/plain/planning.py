"""Planning with a learned model as the textbook boxes have it: one run, one step at a time.

What `rlcore.algorithms.planning` does for many runs at once; on the same random stream the tables are the
same. A memory is a dict here, {(state, action): (reward, next state, terminated)}, in the order of first tries.

Left out: what the fast ones check.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.policies import epsilon_greedy
from rlcore.numerics import Array

Memory = dict[tuple[int, int], Any]


def dyna_q(
    env: Any, *, episodes: int, planning: int, alpha: float, epsilon: float, gamma: float, rng: Generator
) -> Array:
    """Sutton & Barto, section 8.2: tabular Dyna-Q.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    model: Memory = {}
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            learn(Q, s, a, reward, s_next, terminated, alpha=alpha, gamma=gamma)
            model[s, a] = reward, s_next, terminated
            for _ in range(planning):
                s_old, a_old = one_of(model, rng)
                learn(Q, s_old, a_old, *model[s_old, a_old], alpha=alpha, gamma=gamma)
            s, a, t = s_next, epsilon_greedy(Q[s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return Q


def dyna_q_plus(
    env: Any,
    *,
    episodes: int,
    planning: int,
    kappa: float,
    alpha: float,
    epsilon: float,
    gamma: float,
    rng: Generator,
) -> Array:
    """Sutton & Barto, section 8.3: Dyna-Q with a bonus for what was not tried for long.   -> Q (S, A)"""
    S, A = env.n_states, env.actions.n
    Q = np.zeros((S, A))
    model: Memory = {}
    now, last = 0, np.zeros((S, A), int)
    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            learn(Q, s, a, reward, s_next, terminated, alpha=alpha, gamma=gamma)
            for b in range(A):  # what was never tried stays in place and pays nothing
                model.setdefault((s, b), (0.0, s, False))
            model[s, a] = reward, s_next, terminated
            now = last[s, a] = now + 1
            for _ in range(planning):
                s_old, a_old = one_of(model, rng)
                r_old, s_old_next, end_old = model[s_old, a_old]
                bonus = kappa * np.sqrt(now - last[s_old, a_old])
                learn(Q, s_old, a_old, r_old + bonus, s_old_next, end_old, alpha=alpha, gamma=gamma)
            s, a, t = s_next, epsilon_greedy(Q[s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return Q


def prioritized_sweeping(
    env: Any,
    *,
    episodes: int,
    planning: int,
    alpha: float,
    epsilon: float,
    gamma: float,
    rng: Generator,
    theta: float = 1e-4,
) -> Array:
    """Sutton & Barto, section 8.4, with a heap for a queue.   -> Q (S, A)"""
    Q = np.zeros((env.n_states, env.actions.n))
    model: Memory = {}
    waiting: dict[tuple[int, int], float] = {}  # the surprise of each pair that waits
    heap: list[tuple[float, int, int]] = []  # the same, largest first, and pairs that were judged again since

    def wait(s: int, a: int) -> None:
        reward, s_next, terminated = model[s, a]
        wrong = abs(reward + gamma * (1 - terminated) * Q[s_next].max() - Q[s, a])
        if wrong > theta:
            waiting[s, a] = wrong
            heapq.heappush(heap, (-wrong, s, a))

    for _ in range(episodes):
        s, t, done = env.reset(rng), 0, False
        a = epsilon_greedy(Q[s], epsilon, rng)
        while not done:
            s_next, reward, terminated = env.step(s, a, rng)
            model[s, a] = reward, s_next, terminated
            wait(s, a)
            left = planning
            while left and heap:
                wrong, s_old, a_old = heapq.heappop(heap)
                if waiting.get((s_old, a_old)) != -wrong:
                    continue
                del waiting[s_old, a_old]
                learn(Q, s_old, a_old, *model[s_old, a_old], alpha=alpha, gamma=gamma)
                left -= 1
                wait(s_old, a_old)  # alpha < 1 leaves it wrong, which the textbook's box forgets
                for (s_before, a_before), outcome in model.items():
                    if outcome[1] == s_old:
                        wait(s_before, a_before)
            s, a, t = s_next, epsilon_greedy(Q[s_next], epsilon, rng), t + 1
            done = terminated or t == env.horizon
    return Q


def learn(
    Q: Array, s: int, a: int, reward: float, s_next: int, terminated: bool, *, alpha: float, gamma: float
) -> None:
    """The update of Q-learning, in place."""
    target = reward + gamma * (1 - terminated) * Q[s_next].max()
    Q[s, a] += alpha * (target - Q[s, a])


def one_of(items: Any, rng: Generator) -> Any:
    """One of the keys of a dict, uniformly."""
    return list(items)[int(rng.random() * len(items))]
