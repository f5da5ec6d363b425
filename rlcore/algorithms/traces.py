"""Eligibility traces: every step teaches all the states that led to it, the recent ones most.

    delta = r + gamma V(s') - V(s),     z <- gamma lam z,  z(s) <- z(s) + 1,     V <- V + alpha delta z

The forward view says what this is for: V(s) moves towards the lambda-return, the mean of all n-step returns.
`offline_lambda_return` and `online_lambda_return` take that at its word; the first waits for the end of the
episode, the second does the whole episode over at every step. TD(lambda) comes near both for the price of one
table, and true online TD(lambda) equals the second.

Prediction by the forward view learns from a tape (`learning.tapes`); the traces learn as they walk. All
runs go in lock-step; `rlcore.plain.traces` has the loops for one run.

Letters: N lanes that are left, S states, A actions, T steps, M settings of a sweep.
Left out: traces with function approximation (`linear`), Q(lambda) of Peng, Retrace.
"""

from __future__ import annotations

from collections.abc import Callable
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
from rlcore.learning.policies import epsilon_greedy
from rlcore.learning.returns import lambda_return
from rlcore.learning.tapes import Tables, Tape, check_sweep, record
from rlcore.numerics import Array, pick

Mark = Callable[[Array, Any, Array], None]  # trace, where (lanes, states), alpha (N,): mark the present state


def accumulating(z: Array, where: Any, alpha: Array) -> None:
    """z(s) <- z(s) + 1: two visits count twice."""
    z[where] += 1.0


def replacing(z: Array, where: Any, alpha: Array) -> None:
    """z(s) <- 1: only the last visit counts."""
    z[where] = 1.0


def dutch(z: Array, where: Any, alpha: Array) -> None:
    """z(s) <- z(s) + 1 - alpha z(s): in between, and what true online TD(lambda) needs."""
    z[where] += 1.0 - alpha * z[where]


# ---------------------------------------------------------------- forward view: learn from a tape


def offline_lambda_return(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    lam: Any,
) -> Prediction:
    """At the end of an episode, V(s_t) <- V(s_t) + alpha (G_t - V(s_t)) for t = 0, 1, ..., T - 1.

    G_t is the lambda-return with the values of the episode's beginning.   Sutton & Barto, section 12.1.
    alpha, lam: a number, one a run (runs,), or whatever broadcasts with (runs,): (M, 1) is a sweep of M
    settings on the same walks, and V is (M, runs, S), trace (episodes, M, runs, S).
    lam = 1: every-visit Monte Carlo with constant alpha.
    """
    check_sweep(runs, gamma, alpha=alpha, lam=lam)
    tape = record(env, pi, episodes=episodes, runs=runs, rng=rng)
    return offline_lambda_return_from(tape, alpha=alpha, gamma=gamma, V0=V0, lam=lam)


def offline_lambda_return_from(
    tape: Tape, *, alpha: Any, gamma: float, V0: Any = None, lam: Any
) -> Prediction:
    """`offline_lambda_return` on a walk that is already there."""
    check_gamma(gamma)
    tables = Tables(tape, V0, alpha=alpha, lam=lam)
    V, (rate, lam) = tables.V, tables.rates  # (N S + 1, M), each (N, M)
    for k in range(len(tape.steps)):
        walk = tape.episode(k)
        s, after = tables.rows(walk, walk.state), tables.rows(walk, walk.next_state)
        shape = *s.shape, V.shape[1]  # (T, N, M)
        reward, terminated, done = (
            np.broadcast_to(x[..., None], shape) for x in (walk.reward, walk.terminated, walk.done)
        )
        G = lambda_return(reward, V[after], terminated, done, gamma=gamma, lam=lam)
        for t in range(len(G)):
            V[s[t]] += rate * (G[t] - V[s[t]])
        tables.record(k)
    return tables.prediction()


def online_lambda_return(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    lam: Any,
) -> Prediction:
    """After every step h, do the episode over with the lambda-returns that end at h.

        V <- values of the episode's beginning;   V(s_t) <- V(s_t) + alpha (G_{t:h} - V(s_t)),  t = 0 .. h - 1

    G_{t:h} trusts each state s_k with the value it had when it was first seen, after step k - 1. The work grows
    with the square of the episode: made to be understood.   Sutton & Barto, section 12.4.
    """
    check_sweep(runs, gamma, alpha=alpha, lam=lam)
    tape = record(env, pi, episodes=episodes, runs=runs, rng=rng)
    tables = Tables(tape, V0, alpha=alpha, lam=lam)
    V, (rate, lam) = tables.V, tables.rates
    for k in range(episodes):
        walk = tape.episode(k)
        s, after = tables.rows(walk, walk.state), tables.rows(walk, walk.next_state)
        shape = *s.shape, V.shape[1]
        reward, terminated, done = (
            np.broadcast_to(x[..., None], shape) for x in (walk.reward, walk.terminated, walk.done)
        )
        first, seen = V.copy(), np.zeros(shape)  # seen[k]: the value of s_{k+1} when it was met
        for h in range(1, len(s) + 1):
            seen[h - 1] = V[after[h - 1]]
            G = lambda_return(reward[:h], seen[:h], terminated[:h], done[:h], gamma=gamma, lam=lam)
            V[:] = first
            for t in range(h):
                V[s[t]] += rate * (G[t] - V[s[t]])
        tables.record(k)
    return tables.prediction()


# ---------------------------------------------------------------- backward view: learn while walking


def td_lambda(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    lam: Any,
    mark: Mark = accumulating,
) -> Prediction:
    """Learn the value of a policy with traces: V <- V + alpha delta z.   pi (S,) int or (S, A)

    [eq:td-lambda]  Sutton (1988); Sutton & Barto, section 12.2.   alpha, lam: a number, or one a run (runs,).
    mark: `accumulating`, `replacing` or `dutch`.   lam = 0: TD(0).
    Raises ValueError for arguments out of range, and where an episode need not end.
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    check_gamma(gamma)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=pi)
    alpha, lam = check_rate("alpha", alpha, runs), check_rate("lam", lam, runs)
    V, z = first_V(env, runs, V0), np.zeros((runs, env.n_states))
    trace = np.zeros((episodes, *V.shape))
    act = follow(pi, rng)
    i, s, a = lanes.begin(act)  # each (N,)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        delta = reward + gamma * ~terminated * V[i, s_next] - V[i, s]
        z[i] *= gamma * lam[i, None]
        mark(z, (i, s), alpha[i])
        V[i] += (alpha[i] * delta)[:, None] * z[i]
        z[i[lanes.done]] = 0.0
        lanes.record(trace, V)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Prediction(V, trace)


def true_online_td_lambda(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    lam: Any,
) -> Prediction:
    """What `online_lambda_return` learns, at the price of TD(lambda).

        V <- V + alpha (delta + V(s) - V_old(s)) z - alpha (V(s) - V_old(s)) 1_s,    z a dutch trace

    V_old(s) is the value that s had one update earlier, when it was the next state; in the first step of an
    episode it cancels.
    [eq:true-online]  van Seijen & Sutton (2014); Sutton & Barto, section 12.5.   lam = 0: TD(0).
    """
    env = tabular(env)
    pi = table_policy(env, pi)
    check_gamma(gamma)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng, pi=pi)
    alpha, lam = check_rate("alpha", alpha, runs), check_rate("lam", lam, runs)
    V, z = first_V(env, runs, V0), np.zeros((runs, env.n_states))
    trace, old = np.zeros((episodes, *V.shape)), np.zeros(runs)
    act = follow(pi, rng)
    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        v, v_next = V[i, s], V[i, s_next]
        delta = reward + gamma * ~terminated * v_next - v
        z[i] *= gamma * lam[i, None]
        dutch(z, (i, s), alpha[i])
        V[i] += (alpha[i] * (delta + v - old[i]))[:, None] * z[i]
        V[i, s] -= alpha[i] * (v - old[i])
        old[i] = v_next
        z[i[lanes.done]], old[i[lanes.done]] = 0.0, 0.0
        lanes.record(trace, V)
        i, s, a = lanes.go_on(s_next, act(i, s_next), act)
    return Prediction(V, trace)


# ---------------------------------------------------------------- control


def sarsa_lambda(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    lam: Any,
    mark: Mark = accumulating,
) -> Control:
    """On-policy control with traces: Q <- Q + alpha delta z,  delta = r + gamma Q(s', a') - Q(s, a).

    [eq:sarsa-lambda]  Rummery & Niranjan (1994); Sutton & Barto, section 12.7.   lam = 0: SARSA.
    """
    env, alpha, lam = _doors(env, alpha, lam, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)
    z = np.zeros(Q.shape)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        delta = reward + gamma * ~terminated * Q[i, s_next, a_next] - Q[i, s, a]
        z[i] *= gamma * lam[i, None, None]
        mark(z, (i, s, a), alpha[i])
        Q[i] += (alpha[i] * delta)[:, None, None] * z[i]
        z[i[lanes.done]] = 0.0
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def watkins_q_lambda(
    env: Any,
    *,
    episodes: int,
    alpha: Any,
    epsilon: float,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    Q0: Any = None,
    lam: Any,
    mark: Mark = accumulating,
) -> Control:
    """Off-policy control with traces: delta looks at the best action, and a step off the best one cuts the trace.

        delta = r + gamma max_a Q(s', a) - Q(s, a),      z <- 0 where Q(s', a') < max_a Q(s', a)

    What comes after an exploring action says nothing about the greedy policy. Of several best actions each is
    one.   [eq:watkins]  Watkins (1989); Sutton & Barto, section 12.10.   lam = 0: Q-learning.
    """
    env, alpha, lam = _doors(env, alpha, lam, epsilon, gamma, runs)
    lanes = Lanes(env, episodes=episodes, runs=runs, rng=rng)
    Q = first_Q(env, runs, Q0)
    z = np.zeros(Q.shape)

    def act(i: Array, s: Array) -> Array:
        return np.asarray(epsilon_greedy(Q[i, s], epsilon, rng))

    i, s, a = lanes.begin(act)
    while len(i):
        s_next, reward, terminated = lanes.step(a)
        a_next = act(i, s_next)
        best = Q[i, s_next].max(axis=-1)
        off = pick(Q[i, s_next], a_next) < best
        delta = reward + gamma * ~terminated * best - Q[i, s, a]
        z[i] *= gamma * lam[i, None, None]
        mark(z, (i, s, a), alpha[i])
        Q[i] += (alpha[i] * delta)[:, None, None] * z[i]
        z[i[lanes.done | off]] = 0.0
        i, s, a = lanes.go_on(s_next, a_next, act)
    return Control(Q, lanes.returns, lanes.lengths)


def _doors(
    env: Any, alpha: Any, lam: Any, epsilon: float, gamma: float, runs: int
) -> tuple[Any, Array, Array]:
    """What the learners of action values ask of their arguments."""
    return *check_control(env, alpha, epsilon, gamma, runs), check_rate("lam", lam, runs)
