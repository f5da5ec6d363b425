"""What linear learners converge to, by linear algebra.

    v = X w                                    X (S, D): a row of features a state
    A = X^T D (X - gamma P_pi X),  b = X^T D r_pi,      D = diag(d), d (S,): how often each state is updated
    A w = b                                    TD stands still here
    Pi v = the member of the span of X nearest to v, distances weighed by d

Terminal states are worth 0: their rows of X count as 0.

Letters: S states, A actions, D features.
Left out: large sparse models; P_pi becomes a dense matrix.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rlcore.exact.average import stationary
from rlcore.exact.values import occupancy
from rlcore.numerics import Array
from rlcore.problems.mdp import MDP, SparseMDP, check_model, check_policy


def on_policy_distribution(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """mu(s): the share of all steps that pi spends in s; 0 at terminals.   pi (S,) int or (S, A) -> (S,)

    Of episodes where there are terminal states, else of the walk without end; gamma plays no part.
    Sutton & Barto, section 9.2.   Raises ValueError where pi is no policy, where an episode under pi need not
    end, and where every start is terminal.
    """
    check_model(mdp)
    if not mdp.terminal.any():
        return stationary(_chain(mdp, pi)[0])
    visits = occupancy(replace(mdp, gamma=1.0), pi)
    if not visits.any():
        raise ValueError("every start is terminal, so there is no step to share out")
    return np.asarray(visits / visits.sum())


def value_error(v: Array, V: Array, d: Array) -> Any:
    """sum_s d(s) (V(s) - v(s))^2.   (..., S), (S,), (S,) -> (...)

    [eq:value-error]  Sutton & Barto, equation (9.1).
    """
    return ((V - v) ** 2) @ d


def best_fit(X: Array, V: Array, d: Array) -> Array:
    """The w whose X w is nearest to V: Pi V = X w.   (S, D), (S,), (S,) -> (D,)

    [eq:projection]  Sutton & Barto, section 11.4.   Of several, the shortest.
    """
    root = np.sqrt(d)
    return np.asarray(np.linalg.lstsq(root[:, None] * X, root * V, rcond=1e-12)[0])


def td_system(mdp: MDP | SparseMDP, pi: Any, X: Array, d: Array) -> tuple[Array, Array]:
    """A, b of the expected TD update w <- w + alpha (b - A w).   (S, A), (S, D), (S,) -> (D, D), (D,)

    Sutton & Barto, section 9.4.
    """
    P, r, live = _chain(mdp, pi)
    X = np.where(live[:, None], X, 0.0)
    return X.T @ (d[:, None] * (X - mdp.gamma * P @ X)), X.T @ (d * r)


def td_fixed_point(mdp: MDP | SparseMDP, pi: Any, X: Array, d: Array) -> Array:
    """The w at which the expected TD update is zero: A w = b.   -> (D,)

    [eq:td-fixed-point]  Sutton & Barto, section 9.4.   Raises ValueError where A is singular.
    """
    A, b = td_system(mdp, pi, X, d)
    if np.linalg.matrix_rank(A) < len(A):
        raise ValueError(
            "A is singular, so w is not unique: some features say the same, or d leaves some out"
        )
    return np.asarray(np.linalg.solve(A, b))


def projected_bellman_error(mdp: MDP | SparseMDP, pi: Any, X: Array, w: Array, d: Array) -> Any:
    """sum_s d(s) (Pi (r_pi + gamma P_pi v - v)(s))^2,  v = X w.   w (..., D) -> (...)

    [eq:pbe]  Sutton & Barto, section 11.4.   With g = b - A w it is  g^T (X^T D X)^-1 g.
    """
    A, b = td_system(mdp, pi, X, d)
    g = b - w @ A.T
    live = ~mdp.terminal
    C = X[live].T @ (d[live, None] * X[live])
    return np.einsum("...i,ij,...j->...", g, np.linalg.pinv(C, rcond=1e-12, hermitian=True), g)


def _chain(mdp: MDP | SparseMDP, pi: Any) -> tuple[Array, Array, Array]:
    """P_pi (S, S), r_pi (S,) and which states are not terminal (S,) bool."""
    pi = check_policy(mdp, pi)
    weight = np.eye(mdp.n_actions)[pi] if pi.ndim == 1 else pi
    model = mdp if isinstance(mdp, MDP) else mdp.dense()
    P = np.einsum("sa,san->sn", weight, model.P)
    return P, np.einsum("sa,sa->s", weight, model.expected_reward), ~mdp.terminal
