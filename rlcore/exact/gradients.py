"""The gradient of performance, and how far a step along it can be trusted: by linear algebra.

    J(pi) = sum_s start(s) V_pi(s)                     performance: what an episode brings
    A(s, a) = Q(s, a) - V(s)                           advantage
    pi(a|s) = exp(theta[s, a]) / sum_b exp(theta[s, b])    a table of preferences, its softmax
    d(s) = sum_t gamma^t P(s_t = s)                    discounted visits, `values.occupancy`

Gradients are those of J from `mdp.start`, so states count by their discounted visits; the share of time that
a long walk spends in them would give another direction.

Letters: S states, A actions; pi_old the policy whose advantages are known, pi another one.
Left out: policies that share parameters between states. By the chain rule their gradient is a sum of entries
of this one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.exact.values import action_value, occupancy, policy_value
from rlcore.numerics import Array, softmax
from rlcore.problems.mdp import MDP, SparseMDP, check_model, check_policy


def performance(mdp: MDP | SparseMDP, pi: Any) -> float:
    """J(pi) = sum_s start(s) V_pi(s).   [eq:performance]   (S,) int or (S, A) -> number;  errors as `policy_value`"""
    check_model(mdp)
    return float(mdp.start @ policy_value(mdp, pi))


def advantage(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """A(s, a) = Q(s, a) - sum_b pi(b|s) Q(s, b), whose mean under pi is 0.   -> (S, A);  errors as `policy_value`"""
    Q, p = action_value(mdp, pi), _probabilities(mdp, pi)
    return np.asarray(Q - (p * Q).sum(axis=1, keepdims=True))


def policy_gradient(mdp: MDP | SparseMDP, theta: Any) -> Array:
    """dJ/dtheta[s, a] = d(s) pi(a|s) A(s, a).   (S, A) -> (S, A)

    [eq:policy-gradient]  The policy gradient theorem for a softmax table. A row sums to 0, as a constant added
    to all preferences of a state changes nothing. Sutton, McAllester, Singh & Mansour (2000); Sutton & Barto,
    section 13.2.

    Raises ValueError unless theta is (S, A) and finite, and as `occupancy` where gamma = 1.
    """
    pi = _policy(mdp, theta)
    return np.asarray(occupancy(mdp, pi)[:, None] * pi * advantage(mdp, pi))


def fisher(mdp: MDP | SparseMDP, theta: Any) -> Array:
    """The Fisher information of the policy, a block a state.   (S, A) -> (S, A, A)

        F[s] = d(s) / sum(d) * (diag(pi(.|s)) - pi(.|s) pi(.|s)^T)

    It is E[g g^T], g = d log pi(a|s) / dtheta, over states by their share of discounted visits and actions by
    pi; entries of two different states are 0. So KL(pi_theta || pi_theta+x), weighed by the same shares, is
    x^T F x / 2 + O(x^3). Each block is singular: F[s] @ 1 = 0. Where all states are terminal F is 0.   [eq:fisher]
    Errors as `policy_gradient`.
    """
    pi = _policy(mdp, theta)
    d = occupancy(mdp, pi)
    block = pi[:, :, None] * np.eye(mdp.n_actions) - pi[:, :, None] * pi[:, None, :]
    share = d / d.sum() if d.any() else d
    return np.asarray(share[:, None, None] * block)


def natural_policy_gradient(mdp: MDP | SparseMDP, theta: Any) -> Array:
    """A solution x of F x = dJ/dtheta: the steepest ascent for a given KL.   (S, A) -> (S, A)

        x[s, a] = sum(d) A(s, a),        sum(d) = 1 / (1 - gamma) where nothing ends

    [eq:natural-gradient]  The visits cancel, so it needs no inverse, and rare states learn as fast as others.
    Any constant may be added to a row; this x has the mean 0 under pi.   Kakade (2002).   Errors as `policy_gradient`.
    """
    pi = _policy(mdp, theta)
    return np.asarray(occupancy(mdp, pi).sum() * advantage(mdp, pi))


# ---------------------------------------------------------------- what another policy would bring


def performance_difference(mdp: MDP | SparseMDP, pi: Any, pi_old: Any) -> float:
    """J(pi) - J(pi_old) = sum_s d_pi(s) sum_a pi(a|s) A_old(s, a).   -> number

    The performance-difference lemma: the advantages of the old policy, where the *new* one goes.
    [eq:performance-difference]  Kakade & Langford (2002).   Errors as `occupancy` and `policy_value`.
    """
    return float(occupancy(mdp, pi) @ _mean_advantage(mdp, pi, pi_old))


def surrogate(mdp: MDP | SparseMDP, pi: Any, pi_old: Any) -> float:
    """L(pi) = J(pi_old) + sum_s d_old(s) sum_a pi(a|s) A_old(s, a).   -> number

    The lemma with the visits of the *old* policy, which can be sampled. At pi = pi_old it has the value and the
    gradient of J; further away it may promise what J does not keep.   [eq:surrogate]
    Errors as `performance_difference`.
    """
    return performance(mdp, pi_old) + float(occupancy(mdp, pi_old) @ _mean_advantage(mdp, pi, pi_old))


def improvement_bound(mdp: MDP | SparseMDP, pi: Any, pi_old: Any) -> float:
    """A floor under J(pi): the surrogate less the most that it can be wrong by.   -> number

        L(pi) - 4 gamma eps / (1 - gamma)^2 * max_s TV(s)^2

    eps = max |A_old|,  TV(s) = sum_a |pi(a|s) - pi_old(a|s)| / 2. At pi = pi_old it equals J, so a policy that
    raises it is better for sure.   [eq:improvement-bound]  Schulman, Levine, Moritz, Jordan & Abbeel (2015), theorem 1.
    Raises ValueError where gamma = 1: then no step is small enough for such a promise.
    """
    if mdp.gamma == 1:
        raise ValueError("gamma is 1; the bound divides by (1 - gamma)^2, so it needs gamma < 1")
    eps = np.abs(advantage(mdp, pi_old)).max()
    TV = np.abs(_probabilities(mdp, pi) - _probabilities(mdp, pi_old)).sum(axis=1)[~mdp.terminal] / 2
    wrong = 4 * mdp.gamma * eps / (1 - mdp.gamma) ** 2 * TV.max(initial=0.0) ** 2
    return surrogate(mdp, pi, pi_old) - float(wrong)


def _mean_advantage(mdp: MDP | SparseMDP, pi: Any, pi_old: Any) -> Array:
    """sum_a pi(a|s) A_old(s, a): what one action of pi, then pi_old again, is worth more.   -> (S,)"""
    return np.asarray((_probabilities(mdp, pi) * advantage(mdp, pi_old)).sum(axis=1))


def _probabilities(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """A policy as probabilities.   (S,) int or (S, A) -> (S, A)"""
    pi = check_policy(mdp, pi)
    return np.asarray(np.eye(mdp.n_actions)[pi] if pi.ndim == 1 else pi)


def _policy(mdp: MDP | SparseMDP, theta: Any) -> Array:
    """The softmax of checked preferences.   (S, A) -> (S, A)"""
    check_model(mdp)
    shape = mdp.n_states, mdp.n_actions
    try:
        table = np.asarray(theta)
    except ValueError:  # lists of different lengths
        raise ValueError(f"theta must be an array {shape}, a preference a state and action") from None
    if table.shape != shape or table.dtype.kind not in "fiu":
        raise ValueError(
            f"theta is {table.dtype} {table.shape}; it must be {shape}, a preference a state and action"
        )
    for s, a in np.argwhere(~np.isfinite(table))[:1]:
        raise ValueError(f"theta[{s}, {a}] is {table[s, a]}; it must be a finite number")
    return softmax(table.astype(float))
