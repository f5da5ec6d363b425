"""Temporal-difference learning with tables: learn from the next step, without a model.

    V(s) <- V(s) + alpha * (target - V(s)),        target = r + gamma V(s')

The four learners of action values below are the same lines; a diff shows the target, and that SARSA,
which needs the next action for its target, chooses it before the update and not after:

    SARSA             r + gamma Q(s', a')                         of the action that will be taken
    expected SARSA    r + gamma sum_a pi(a | s') Q(s', a)          of the policy that chooses it
    Q-learning        r + gamma max_a Q(s', a)                    of the best action
    double Q-learning r + gamma Q2(s', argmax_a Q1(s', a))        one table chooses, the other one judges

Every learner walks `runs` independent runs in lock-step. `rlcore.plain.td` has the same loops for one run
without lanes; on the same random stream both give the same tables.

Letters: N lanes that are left, S states, A actions.
Left out: schedules of alpha and epsilon, eligibility traces (`traces`), several steps (`n_step`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import (
    Control,
    Lanes,
    Prediction,
    check_control,
    check_gamma,
    check_rate,
    first_Q,
    first_V,
    follow,
    table_policy,
    tabular,
)
from rlcore.learning.policies import (
    epsilon_greedy,
    epsilon_greedy_probabilities,
    greedy,
    largest,
    mean_value,
)
from rlcore.numerics import Array


def td0(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
) -> Prediction:
    """Learn the value of a policy: V(s) <- V(s) + alpha (r + gamma V(s') - V(s)).   pi (S,) int or (S, A)

    [eq:td0]  Sutton & Barto, equation (6.2).   alpha: a number, or one a run (runs,).
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    check_gamma(gamma)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=pi)
    alpha, V = check_rate("alpha", alpha, runs), first_V(env, runs, V0)
    trace = np.zeros((episodes, *V.shape))
    act = follow(pi, rng)
    i, s, a = lanes.begin(act)  # each (N,)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        target = reward + gamma * ~terminated * V[i, s_next]
        V[i, s] += alpha[i] * (target - V[i, s])
        lanes.record(trace, V)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Prediction(V, trace)


def sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Control:
    """On-policy control: the target is the value of the action that will be taken.

    [eq:sarsa]  Rummery & Niranjan (1994); Sutton & Barto, equation (6.7).
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        target = reward + gamma * ~terminated * Q[i, s_next, a_next]
        Q[i, s, a] += alpha[i] * (target - Q[i, s, a])
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def expected_sarsa(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Control:
    """On-policy control: the target is the mean over the policy, so the draw of a' adds no noise.

    [eq:expected-sarsa]  van Seijen et al. (2009); Sutton & Barto, equation (6.9).
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        pi = epsilon_greedy_probabilities(Q[i, s_next], epsilon)  # (N, A)
        target = reward + gamma * ~terminated * mean_value(pi, Q[i, s_next])
        Q[i, s, a] += alpha[i] * (target - Q[i, s, a])
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Control(Q, lanes.returns, lanes.lengths)


def q_learning(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Control:
    """Off-policy control: the target is the value of the best action, whatever will be taken.

    [eq:q-learning]  Watkins (1989); Sutton & Barto, equation (6.8).
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        target = reward + gamma * ~terminated * largest(Q[i, s_next])
        Q[i, s, a] += alpha[i] * (target - Q[i, s, a])
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Control(Q, lanes.returns, lanes.lengths)


def double_q_learning(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
) -> Control:
    """Off-policy control with two tables: one chooses the best action, the other one judges it.

    A fair coin says which of the two learns; the walker acts on their sum, and Q is their mean.
    [eq:double-q]  van Hasselt (2010); Sutton & Barto, equation (6.10).
    """
    env, alpha = check_control(env, alpha, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = np.stack([first_Q(env, runs, Q0)] * 2)  # (2, runs, S, A)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[:, i, s].sum(axis=0), epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        learner = (rng.random(len(i)) < 0.5).astype(int)
        best = greedy(Q[learner, i, s_next], rng)
        target = reward + gamma * ~terminated * Q[1 - learner, i, s_next, best]
        Q[learner, i, s, a] += alpha[i] * (target - Q[learner, i, s, a])
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Control(Q.mean(axis=0), lanes.returns, lanes.lengths)
