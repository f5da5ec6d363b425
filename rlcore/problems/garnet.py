"""Garnet: random MDPs of a given size, for tests and benchmarks (Archibald, McKinnon & Thomas, 1995).

Every state and action leads to `branching` states drawn without repetition. Their probabilities are the
gaps between branching - 1 uniform points on [0, 1]: uniform over all distributions on them.
Rewards are standard normal, one a state and action. Nothing is terminal.

Letters: S states, A actions, K successors.
Left out: rewards that are drawn at each step, and states that change with time.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.mdp import SparseMDP


def garnet(
    n_states: int, n_actions: int, branching: int, *, gamma: float = 0.95, rng: Generator
) -> SparseMDP:
    """Draw a random MDP, with a uniform start.   S = n_states, A = n_actions, K = branching

    Raises ValueError unless 1 <= branching <= n_states and n_actions >= 1.
    """
    check_count("n_states", n_states, 1)
    check_count("n_actions", n_actions, 1)
    check_count("branching", branching, 1, n_states)
    shape = (n_states, n_actions, branching)
    ends = np.zeros((n_states, n_actions, branching + 1))
    ends[..., 1:-1] = np.sort(rng.random((n_states, n_actions, branching - 1)), axis=-1)
    ends[..., -1] = 1.0
    return SparseMDP(
        succ=_distinct(n_states, shape, rng),
        prob=np.diff(ends, axis=-1),
        reward=rng.standard_normal((n_states, n_actions)),
        gamma=gamma,
        start=np.full(n_states, 1.0 / n_states),
        terminal=np.zeros(n_states, dtype=bool),
    )


def _distinct(n: int, shape: tuple[int, int, int], rng: Generator) -> Array:
    """K of the numbers 0 .. n - 1 without repetition, all sets equally likely.   shape (S, A, K)

    Floyd's algorithm: for j = n - K, ..., n - 1 draw one of 0 .. j; if it is taken already, take j.
    """
    K = shape[-1]
    succ = np.empty(shape, dtype=np.int64)
    for k, j in enumerate(range(n - K, n)):
        drawn = rng.integers(0, j, size=shape[:-1], endpoint=True)
        taken = (succ[..., :k] == drawn[..., None]).any(axis=-1)
        succ[..., k] = np.where(taken, j, drawn)
    return succ
