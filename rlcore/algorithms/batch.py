"""Batch updating: what a method makes of a fixed amount of experience, if it may read it again and again.

Present all episodes seen so far, sum the increments, apply them, and repeat until nothing changes: with a
small step size the tables converge, and to where, no step size decides.

    batch TD            the value of the maximum-likelihood model: certainty equivalence
    batch Monte Carlo   the mean of the returns seen from each state

A presentation is linear in the table: V <- V + alpha (right - system V). So it ends where system V = right,
and both functions solve that outright; given a step size alpha, they present instead, all runs in lock-step.
The textbook's loop over episodes and steps is `rlcore.plain.batch`.

Letters: T steps, N runs, S states.
Left out: control.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Prediction, check_gamma, first_V
from rlcore.learning.returns import discounted_return
from rlcore.learning.tapes import Tape, record
from rlcore.numerics import Array
from rlcore.problems.doors import is_number

LEAST_TOL = 1e-10  # of the changes of a presentation, added up


def batch_td(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    alpha: float | None = None,
    tol: float = 1e-3,
) -> Prediction:
    """Where TD(0) converges on the episodes seen so far, after each new one.   pi (S,) int or (S, A)

    Sutton & Barto, section 6.3. A state that was not visited keeps V0. With alpha: the episodes are presented
    until the changes of a presentation sum to less than tol.
    Raises ValueError as `td0` does; where there is no limit, or more than one: gamma = 1, and time limits cut
    all ways out of a loop; and for an alpha with which presentations may diverge.
    """
    check_gamma(gamma)
    tape = record(env, pi, episodes=episodes, rng=rng, runs=runs)
    return _settle(*td_system(tape, gamma, first_V(tape, runs, V0)), first_V(tape, runs, V0), alpha, tol)


def batch_mc(
    env: Any,
    pi: Any,
    *,
    episodes: int,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    V0: Any = None,
    alpha: float | None = None,
    tol: float = 1e-3,
) -> Prediction:
    """Where Monte Carlo converges, the mean return from each state, after each new episode.   As `batch_td`

    Every visit counts. A truncated episode counts with what it paid.
    """
    check_gamma(gamma)
    tape = record(env, pi, episodes=episodes, rng=rng, runs=runs)
    return _settle(*mc_system(tape, gamma, first_V(tape, runs, V0)), first_V(tape, runs, V0), alpha, tol)


def td_system(tape: Tape, gamma: float, V0: Array) -> tuple[Array, Array]:
    """The linear system of batch TD after each episode.   V0 (N, S) -> (episodes, N, S, S), (episodes, N, S)

        sum over visits of s of (r + gamma (1 - terminated) V(s') - V(s)) = 0
        n(s) V(s) - gamma sum_s' n(s, s') V(s') = sum of rewards

    Divided by the visits n(s), it is the Bellman equation of the model that was counted.
    [eq:certainty-equivalence]
    """
    S = tape.n_states
    moves = so_far(tape, tape.state * S + tape.next_state, ~tape.terminated, S * S)
    system, right = _visits(tape, so_far(tape, tape.state, tape.reward), V0)
    return system - gamma * moves.reshape(system.shape), right


def mc_system(tape: Tape, gamma: float, V0: Array) -> tuple[Array, Array]:
    """The linear system of batch Monte Carlo after each episode: n(s) V(s) = sum of returns.   As `td_system`

    [eq:batch-mc]  Among all tables its solution has the least squared error on the returns seen.
    """
    G = discounted_return(tape.reward, tape.done, gamma=gamma)
    return _visits(tape, so_far(tape, tape.state, G), V0)


def present(system: Array, right: Array, V0: Array, alpha: float, tol: float) -> Array:
    """V <- V + alpha (right - system V), after each episode until the changes sum to less than tol.

    (episodes, N, S, S), (episodes, N, S), (N, S) -> (episodes, N, S).   Each run stops on its own.
    """
    V, trace, one = V0.copy(), np.zeros_like(right), np.ones(V0.shape[1])
    for k, (A, b) in enumerate(zip(system, right)):
        moving = np.arange(len(V))
        while len(moving):
            change = alpha * (b[moving] - (A[moving] @ V[moving][..., None])[..., 0])
            V[moving] += change
            moving = moving[np.abs(change) @ one >= tol]
        trace[k] = V
    return trace


def _settle(system: Array, right: Array, V0: Array, alpha: float | None, tol: float) -> Prediction:
    """Solve, or present where there is an alpha."""
    if not has_way_out(system).all():
        raise ValueError("gamma is 1 and a run was in a loop without a way out; gamma must be < 1")
    if alpha is not None:
        most = system[..., range(V0.shape[1]), range(V0.shape[1])].max()
        if not is_number(alpha) or not 0 < alpha * most <= 1:
            raise ValueError(
                f"alpha is {alpha!r}; it must be > 0 and at most 1 / {most:g}, the visits of a state"
            )
        if not is_number(tol) or not tol >= LEAST_TOL:
            raise ValueError(f"tol is {tol!r}; it must be >= {LEAST_TOL:g}, as rounding never stops")
        trace = present(system, right, V0, alpha, tol)
        return Prediction(trace[-1], trace)
    trace = np.linalg.solve(system, right[..., None])[..., 0]
    return Prediction(trace[-1], trace)


def has_way_out(system: Array) -> Array:
    """From which states the counted steps lead to an end, a discount or an unseen state.   (..., S, S) -> (..., S)

    Only where that is all of them has the system one solution. Sums of counts are exact, a pivot is not.
    """
    out = system.sum(axis=-1) > 0
    for _ in range(system.shape[-1]):
        if out.all():
            break
        out |= ((system < 0) & out[..., None, :]).any(axis=-1)
    return np.asarray(out)


def _visits(tape: Tape, total: Array, V0: Array) -> tuple[Array, Array]:
    """n(s) on the diagonal, and total on the right; V(s) = V0(s) where nobody was."""
    visits = so_far(tape, tape.state)
    system = np.maximum(visits, 1.0)[..., None] * np.eye(tape.n_states)
    return system, np.where(visits > 0, total, V0)


def so_far(tape: Tape, key: Array, weight: Any = 1.0, n: int | None = None) -> Array:
    """Sum the weights of the steps with each key, in all episodes so far.

    key (T, N) int below n (S, if not given), weight (T, N) or a number -> (episodes, N, n)
    """
    (episodes, N), n = tape.steps.shape, n or tape.n_states
    inside = np.arange(len(key))[:, None] < tape.steps.sum(axis=0)  # (T, N)
    episode = np.cumsum(tape.done, axis=0) - tape.done
    place = ((episode * N + np.arange(N)) * n + key)[inside]
    sums = np.bincount(place, np.broadcast_to(weight, key.shape)[inside], episodes * N * n)
    return sums.reshape(episodes, N, n).cumsum(axis=0)
