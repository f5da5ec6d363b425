"""Learning with linear functions: a weight a feature instead of a number a state.

    v(s) = w . x(s),        w <- w + alpha * (target - v(s)) * x(s)

What the target is makes the method, as it did with tables:

    gradient_mc               the return G: a true gradient step, to the nearest function there is
    semi_gradient_td          r + gamma v(s'): the target depends on w, and that is not differentiated
    lstd                      no steps: solves for the w at which the expected TD update is zero
    semi_gradient_sarsa       r + gamma q(s', a'), and acts epsilon-greedily on q: control
    differential_sarsa        r - rbar + q(s', a'): control of a task that never ends, by its average reward

With one-hot features these are the learners of `td` and `monte_carlo`, number for number. All walk `runs`
independent runs in lock-step; `rlcore.plain.linear` has the same loops for one run.

Letters: N lanes, D features, A actions, T steps.
Left out: several steps and traces (`n_step` and `traces` have them for tables), off-policy learning
(`gradient_td`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.features import Features, check_features, dense
from rlcore.learning.lanes import (
    Act,
    Lanes,
    check_epsilon,
    check_gamma,
    check_rate,
    follow,
    table_policy,
    tabular,
)
from rlcore.learning.progress import Progress
from rlcore.learning.weights import ActionValues, add, first_w, value
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_rng, is_number
from rlcore.problems.env import Discrete


@dataclass(frozen=True, eq=False)
class LinearPrediction:
    """Weights of v(s) = w . x(s)."""

    w: Array  # (runs, D)
    trace: Array  # (episodes, runs, D)  w after each episode


@dataclass(frozen=True, eq=False)
class LinearControl:
    """Weights of q(s, a) = w[a] . x(s)."""

    w: Array  # (runs, A, D)
    returns: Array  # (runs, episodes)  undiscounted
    lengths: Array  # (runs, episodes) int, in steps


@dataclass(frozen=True, eq=False)
class Continuing:
    """Weights of differential action values, of a walk without an end."""

    w: Array  # (runs, A, D)
    rate: Array  # (runs,)  the learner's own estimate of the average reward
    reward: Array  # (runs, steps)


# ---------------------------------------------------------------- prediction


def gradient_mc(
    env: Any,
    pi: Any,
    features: Features,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
) -> LinearPrediction:
    """Learn the value of a policy from returns: w <- w + alpha (G - w . x) x.

    [eq:gradient-mc]  Sutton & Barto, section 9.3.   pi: a table (S,) or (S, A), or a function state -> action;
    alpha: a number, or one a run; w0: a number, (D,) or (runs, D). The walk does not depend on w, so it is
    walked to the end first. An episode that the time limit cuts is used as it is.
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    lanes, act, alpha, w, trace = _prediction(env, pi, features, episodes, alpha, gamma, rng, runs, w0)
    walk, future, G = [], np.zeros(runs), []
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, _ = lanes.step(a)
        walk.append((i, s, reward, lanes.done))
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    for i, _, reward, done in reversed(walk):
        future[i] = reward + gamma * ~done * future[i]
        G.append(future[i])
    episode = np.zeros(runs, int)
    for (i, s, _, done), G_t in zip(walk, reversed(G)):
        x = features(s)  # (N, D), or (N, K) int
        add(w, i, x, alpha[i] * (G_t - value(w, i, x)))
        ended = i[done]
        trace[episode[ended], ended] = w[ended]
        episode[ended] += 1
    return LinearPrediction(w, trace)


def semi_gradient_td(
    env: Any,
    pi: Any,
    features: Features,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
) -> LinearPrediction:
    """Learn the value of a policy from the next step: w <- w + alpha (r + gamma w . x' - w . x) x.

    [eq:semi-gradient-td]  Sutton & Barto, section 9.3.   Arguments and errors as `gradient_mc`.
    """
    lanes, act, alpha, w, trace = _prediction(env, pi, features, episodes, alpha, gamma, rng, runs, w0)
    i, s, a = lanes.begin(act)
    x = features(s)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        x_next = features(s_next)
        target = reward + gamma * ~terminated * value(w, i, x_next)
        add(w, i, x, alpha[i] * (target - value(w, i, x)))
        lanes.record(trace, w)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
        x = x_next if s is s_next else features(s)
    return LinearPrediction(w, trace)


def lstd(
    env: Any,
    pi: Any,
    features: Features,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    ridge: float = 1e-3,
) -> LinearPrediction:
    """Solve for the weights at which TD would stand still on all that was seen: A w = b.

        A = ridge I + sum_t x_t (x_t - gamma x_{t+1})^T,        b = sum_t r_t x_t

    [eq:lstd]  Bradtke & Barto (1996); Sutton & Barto, section 9.8.   ridge > 0 keeps A invertible in the
    beginning, and is forgotten; no step size. Solved once an episode, not once a step.
    Raises ValueError as `gradient_mc`, and unless ridge is a positive number.
    """
    if not is_number(ridge) or not 0 < ridge < np.inf:
        raise ValueError(f"ridge is {ridge!r}; it must be a positive number")
    lanes, act, _, w, trace = _prediction(env, pi, features, episodes, 1.0, gamma, rng, runs, None)
    A, b = np.tile(ridge * np.eye(features.n), (runs, 1, 1)), np.zeros((runs, features.n))
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        x = dense(features(s), features.n)  # (N, D)
        x_next = ~terminated[:, None] * dense(features(s_next), features.n)
        A[i] += x[:, :, None] * (x - gamma * x_next)[:, None, :]
        b[i] += reward[:, None] * x
        ended = i[lanes.done]
        if len(ended):
            w[ended] = np.linalg.solve(A[ended], b[ended, :, None])[..., 0]
            lanes.record(trace, w)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return LinearPrediction(w, trace)


def _prediction(
    env: Any,
    pi: Any,
    features: Features,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int,
    w0: Any,
) -> tuple[Lanes, Act, Array, Array, Array]:
    """The doors of a predictor."""
    check_features(features)
    check_gamma(gamma)
    table = None
    if not callable(pi):
        env = tabular(env)
        table = table_policy(env, pi)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=table)
    act = follow(table, rng) if table is not None else lambda i, s: np.asarray(pi(s))
    w = first_w(w0, (runs, features.n))
    return lanes, act, check_rate("alpha", alpha, runs), w, np.zeros((episodes, *w.shape))


# ---------------------------------------------------------------- control


def semi_gradient_sarsa(
    env: Any,
    features: Features,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
) -> LinearControl:
    """On-policy control: w[a] <- w[a] + alpha (r + gamma w[a'] . x' - w[a] . x) x.

    [eq:semi-gradient-sarsa]  Sutton & Barto, section 10.1.   alpha: a number, or one a run; w0: a number,
    (A, D) or (runs, A, D). Raises ValueError for arguments out of range, and where an episode need not end.
    """
    alpha, w, q = _control(env, features, alpha, epsilon, runs, w0, rng)
    check_gamma(gamma)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    i, s, a = lanes.begin(q.act)
    x = features(s)  # (N, D), or (N, K) int
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        x_next = features(s_next)
        a_next = q.choose(i, s_next, x_next)
        target = reward + gamma * ~terminated * q(i, a_next, x_next)
        q.add(i, a, x, alpha[i] * (target - q(i, a, x)))
        i, s, a = lanes.go_on(s_next, a_next, q.act)
        x = x_next if s is s_next else features(s)
    return LinearControl(w, lanes.returns, lanes.lengths)


def differential_sarsa(
    env: Any,
    features: Features,
    *,
    steps: int,
    alpha: Any,
    beta: Any,
    epsilon: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
) -> Continuing:
    """On-policy control without end and without discount: reward counts by how far it is from the average.

        delta = r - rbar + w[a'] . x' - w[a] . x,    rbar <- rbar + beta delta,    w[a] <- w[a] + alpha delta x

    [eq:differential-sarsa]  Sutton & Barto, section 10.3.   alpha, beta: a number, or one a run.
    Raises ValueError for arguments out of range, and for an environment that ends.
    """
    alpha, w, q = _control(env, features, alpha, epsilon, runs, w0, rng)
    beta = check_rate("beta", beta, runs)
    check_count("steps", steps, 1)
    if np.any(getattr(env, "terminal", False)) or env.horizon is not None:
        raise ValueError("env has an end; an average reward is for tasks that go on for ever")
    i, s, rate = np.arange(runs), env.reset(rng, runs), np.zeros(runs)
    x, paid, bar = features(s), np.zeros((runs, steps)), Progress("steps", steps)
    a = q.choose(i, s, x)
    for t in range(steps):
        s, reward, _ = env.step(s, a, rng)
        x_next = features(s)
        a_next = q.choose(i, s, x_next)
        delta = reward - rate + q(i, a_next, x_next) - q(i, a, x)
        rate += beta * delta
        q.add(i, a, x, alpha * delta)
        x, a, paid[:, t] = x_next, a_next, reward
        bar(t)
    bar.close()
    return Continuing(w, rate, paid)


def _control(
    env: Any, features: Features, alpha: Any, epsilon: float, runs: int, w0: Any, rng: Generator
) -> tuple[Array, Array, ActionValues]:
    check_features(features)
    check_epsilon(epsilon)
    check_count("runs", runs, 1)
    check_rng(rng)
    if not isinstance(getattr(env, "actions", None), Discrete):
        raise ValueError(f"env is {type(env).__name__}; greedy actions need finitely many actions")
    w = first_w(w0, (runs, env.actions.n, features.n))
    return check_rate("alpha", alpha, runs), w, ActionValues(w, env, features, epsilon, rng)
