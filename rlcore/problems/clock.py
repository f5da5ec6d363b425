"""A time limit as a part of the problem: the state says how late it is.

Where an episode may be cut after n steps, the state alone does not tell what is still to come: the same
square is worth less at the last minute. With a clock in the state the limit is an end like any other, and
everything that holds of a finite MDP holds again: values, visits, the policy gradient theorem.

Letters: T steps, S states, A actions.
Left out: sparse models; this is for small ones, to be solved exactly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.mdp import MDP, SparseMDP


def with_clock(mdp: MDP | SparseMDP, horizon: int) -> MDP:
    """The same problem, ended after `horizon` steps.   S states -> (horizon + 1) * S states

    State t * S + s is s after t steps; those with t = horizon are terminal. Start, rewards and gamma stay.
    Raises ValueError unless horizon is a whole number >= 1.
    """
    check_count("horizon", horizon, 1)
    model = mdp if isinstance(mdp, MDP) else mdp.dense()
    T, S, A = horizon + 1, model.n_states, model.n_actions
    late = np.arange(T) == horizon
    terminal = late[:, None] | model.terminal  # (T, S)
    P, R = np.zeros((T, S, A, T, S)), np.zeros((T, S, A, T, S))
    for t in range(horizon):
        P[t, :, :, t + 1], R[t, :, :, t + 1] = model.P, model.R
    for t, s in np.argwhere(terminal):
        P[t, s], R[t, s] = 0.0, 0.0
        P[t, s, :, t, s] = 1.0
    n = T * S
    start = np.concatenate([model.start, np.zeros(n - S)])
    return replace(
        model,
        P=P.reshape(n, A, n),
        R=R.reshape(n, A, n),
        start=start,
        terminal=terminal.ravel(),
        horizon=None,
    )


def at_any_time(row: Any, horizon: int) -> Array:
    """A policy, or preferences, that does not look at the clock.   (S, ...) -> ((horizon + 1) * S, ...)"""
    row = np.asarray(row)
    return np.tile(row, (horizon + 1, *[1] * (row.ndim - 1)))
