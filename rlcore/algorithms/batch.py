"""Batch updating: what a method makes of a fixed amount of experience, if it may read it again and again.

Present all episodes seen so far, sum the increments, apply them, and repeat until nothing changes: with a
small step size the tables converge, and to where, no step size decides.

    batch TD            the value of the maximum-likelihood model: certainty equivalence
    batch Monte Carlo   the mean of the returns seen from each state

Both limits are computed here outright, TD's by one linear system, after every episode of every run. The
loop that presents the episodes until convergence is `rlcore.plain.batch`; a test shows that it ends here.

Letters: T steps, N runs, S states.
Left out: control; step sizes (they change the way, not the end).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import Prediction, check_gamma, first_V
from rlcore.learning.returns import discounted_return
from rlcore.learning.tapes import Tape, record
from rlcore.numerics import Array


def batch_td(
    env: Any, pi: Any, *, episodes: int, gamma: float, rng: Generator, runs: int = 1, V0: Any = None
) -> Prediction:
    """Where TD(0) converges on the episodes seen so far, after each new one.   pi (S,) int or (S, A)

    Sutton & Barto, section 6.3. A state that was not visited keeps V0.
    Raises ValueError as `td0` does, and where the limit is not unique: gamma = 1, and time limits cut all
    ways out of a loop.
    """
    check_gamma(gamma)
    tape = record(env, pi, episodes=episodes, rng=rng, runs=runs)
    trace = certainty_equivalence(tape, gamma, first_V(tape, runs, V0))
    return Prediction(trace[-1], trace)


def batch_mc(
    env: Any, pi: Any, *, episodes: int, gamma: float, rng: Generator, runs: int = 1, V0: Any = None
) -> Prediction:
    """The mean return from each state in the episodes seen so far, after each new one.

    Every visit counts. A state that was not visited keeps V0; a truncated episode counts with what it paid.
    Raises ValueError as `td0` does.
    """
    check_gamma(gamma)
    tape = record(env, pi, episodes=episodes, rng=rng, runs=runs)
    trace = mean_return(tape, gamma, first_V(tape, runs, V0))
    return Prediction(trace[-1], trace)


def certainty_equivalence(tape: Tape, gamma: float, V0: Array) -> Array:
    """Solve for the table at which the increments of a batch sum to zero, after each episode.

        sum over visits of s of (r + gamma (1 - terminated) V(s') - V(s)) = 0
        n(s) V(s) - gamma sum_s' n(s, s') V(s') = sum of rewards

    Divided by the visits n(s), it is the Bellman equation of the model that was counted.
    [eq:certainty-equivalence]   V0 (N, S) -> (episodes, N, S)
    """
    S = tape.n_states
    visits = so_far(tape, tape.state)
    reward = so_far(tape, tape.state, tape.reward)
    moves = so_far(tape, tape.state * S + tape.next_state, ~tape.terminated, S * S)
    system = -gamma * moves.reshape(*visits.shape, S)  # (episodes, N, S, S)
    system[..., range(S), range(S)] += np.where(visits > 0, visits, 1.0)
    try:
        V = np.linalg.solve(system, np.where(visits > 0, reward, V0)[..., None])
    except np.linalg.LinAlgError:
        raise ValueError(
            f"gamma is {gamma}; a run was in a loop without a way out, so gamma must be < 1"
        ) from None
    return np.asarray(V[..., 0])


def mean_return(tape: Tape, gamma: float, V0: Array) -> Array:
    """The mean of the returns from each state, after each episode.   V0 (N, S) -> (episodes, N, S)

    [eq:batch-mc]  Among all tables it has the least squared error on the returns seen.
    """
    visits = so_far(tape, tape.state)
    total = so_far(tape, tape.state, discounted_return(tape.reward, tape.done, gamma=gamma))
    return np.asarray(np.divide(total, visits, out=V0 + np.zeros_like(visits), where=visits > 0))


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
