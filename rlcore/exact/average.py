"""The average reward a step, by linear algebra: the oracle where no episode ends.

    V(s) = r_pi(s) - rate + sum_s' P_pi(s, s') V(s')

What a start in s brings above the average is its differential value V(s). It is unique up to a constant;
here its mean over the steps of the policy is 0. The model's gamma plays no part.

Letters: S states, A actions.
Left out: chains that fall into parts, where the rate depends on the start; large sparse models.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.mdp import MDP, SparseMDP, check_model, check_policy

TIE = 1e-9  # actions closer than this count as equal


def stationary(P: Array) -> Array:
    """The share of steps that a chain spends in each state, mu = mu P.   (S, S) -> (S,)

    Raises ValueError where the chain falls into parts that never meet.
    """
    S = len(P)
    balance = np.vstack([np.eye(S) - P.T, np.ones(S)])  # mu - mu P = 0 and sum(mu) = 1
    mu, _, rank, _ = np.linalg.lstsq(balance, np.eye(S + 1)[S], rcond=1e-12)
    if rank < S:
        raise ValueError("the chain falls into parts that never meet, so it has no single average")
    return np.asarray(np.maximum(mu, 0.0))


def average_reward(mdp: MDP | SparseMDP, pi: Any) -> tuple[float, Array]:
    """The reward a step of a policy in the long run, and its differential values.   -> rate, V (S,)

    pi (S,) int or (S, A).   Sutton & Barto, section 10.3.
    Raises ValueError where the mdp has terminal states, pi is not a policy, or its chain falls into parts.
    """
    if mdp.terminal.any():
        raise ValueError("mdp has terminal states; an average reward needs a task that goes on for ever")
    pi = check_policy(mdp, pi)
    model = mdp if isinstance(mdp, MDP) else mdp.dense()
    weight = np.eye(mdp.n_actions)[pi] if pi.ndim == 1 else pi  # (S, A)
    P = np.einsum("sa,san->sn", weight, model.P)
    r = np.einsum("sa,sa->s", weight, model.expected_reward)
    mu = stationary(P)
    rate = float(mu @ r)
    return rate, np.linalg.solve(np.eye(len(r)) - P + mu, r - rate)  # the row `+ mu` makes mu @ V = 0


def optimal_average_reward(mdp: MDP | SparseMDP) -> tuple[float, Array, Array]:
    """The best rate, its differential values, and a policy that reaches it.   -> rate, V (S,), pi (S,) int

    Howard's policy iteration with exact solves. An action is exchanged only for one that is better by more
    than 1e-9 in  Q(s, a) = E[r] - rate + sum_s' P(s' | s, a) V(s').   Errors as `average_reward`.
    """
    check_model(mdp)
    model = mdp if isinstance(mdp, MDP) else mdp.dense()
    s = np.arange(model.n_states)
    pi = model.expected_reward.argmax(axis=1)
    while True:
        rate, V = average_reward(model, pi)
        Q = model.expected_reward - rate + model.P @ V
        better = Q.max(axis=1) > Q[s, pi] + TIE
        if not better.any():
            return rate, V, pi
        pi = np.where(better, Q.argmax(axis=1), pi)
