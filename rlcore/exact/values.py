"""What a policy, and the best policy, is worth: by linear algebra, never by learning.

    P_pi[s, s']    probability of s' after s when pi chooses the action
    r_pi[s]        expected reward of that step
    V = r_pi + gamma P_pi V,        d = start + gamma P_pi^T d

With gamma < 1 both equations have one solution. With gamma = 1 the rewards of an endless walk must die
out: a recurrent class (states that are never left once entered) that pays nothing is worth 0, and one
that pays something is refused, as its total reward is unbounded or does not converge.

Dense models are solved by LU, sparse ones by sparse LU; a million states are for `algorithms.dp`.

What this file needs to know of a graph it finds out itself, in a few lines: so it can be used to check
`problems.structure`, which `algorithms` uses.

Letters: S states, A actions, K successors.
Left out: average reward, error bounds (these answers are as exact as a linear solve).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.mdp import MDP, SparseMDP, check_model, check_policy

ROUNDING = 1e-12  # a relative difference this small is rounding


def policy_value(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """Solve V = r_pi + gamma P_pi V.   (S,) int or (S, A) -> (S,)

    With gamma = 1, a recurrent class without rewards is worth 0.
    Raises ValueError where pi is not a policy of this mdp, or where gamma = 1 and a recurrent class pays.
    """
    P, r = _chain(mdp, check_policy(mdp, pi))
    if mdp.gamma < 1:
        return _fixed_point(P, mdp.gamma, r, ~mdp.terminal)
    stay = _recurrent(P)
    for s in np.flatnonzero(stay & (np.abs(r) > ROUNDING * _largest_reward(mdp)))[:1]:
        raise ValueError(
            f"gamma is 1 and state {s} is recurrent under pi with an expected reward of {r[s]:.12g}: "
            "the total reward is unbounded or does not converge"
        )
    return _fixed_point(P, 1.0, r, ~stay)


def action_value(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """Q(s, a) = E[r + gamma V_pi(s')].   (S,) int or (S, A) -> (S, A);  errors as `policy_value`"""
    check_model(mdp)
    return mdp.lookahead(policy_value(mdp, pi))


def occupancy(mdp: MDP | SparseMDP, pi: Any) -> Array:
    """d(s) = sum_t gamma^t P(s_t = s) from mdp.start: unnormalised, 0 at terminals.   -> (S,)

    So the performance start @ V_pi is also sum_s d(s) r_pi(s).
    Raises ValueError where pi is not a policy of this mdp, and, with gamma = 1, where the walk reaches a
    recurrent state that is not terminal: it would be visited infinitely often.
    """
    P, _ = _chain(mdp, check_policy(mdp, pi))
    if mdp.gamma < 1:
        return _fixed_point(P.T, mdp.gamma, mdp.start, ~mdp.terminal)
    stay = _recurrent(P)
    reached = np.isfinite(_steps_from(mdp.start > 0, P))
    for s in np.flatnonzero(stay & reached & ~mdp.terminal)[:1]:
        raise ValueError(
            f"gamma is 1 and pi reaches state {s}, which is recurrent and not terminal: "
            "it is visited infinitely often"
        )
    return _fixed_point(P.T, 1.0, mdp.start, ~stay)


def optimal_value(mdp: MDP | SparseMDP) -> Array:
    """V*(s) = max over pi of V_pi(s), by Howard's policy iteration with exact solves.   -> (S,)

    Where a reward of 0 for ever is possible (at a terminal; with gamma = 1 maybe elsewhere) there is one
    action more: to stop, worth 0. The first policy surely stops, and an action is exchanged only for one
    that is better by more than rounding. So ties end the iteration; and with gamma = 1 an improved policy
    that never stops shows a loop whose mean reward is positive.

    Raises ValueError, with gamma = 1, where such a loop exists, or where from some state every policy's
    total reward is unbounded or does not converge.
    Howard (1960); for gamma = 1, Bertsekas & Tsitsiklis (1991), stochastic shortest path problems.
    """
    check_model(mdp)
    stop = mdp.n_actions  # the number of the action that stops
    rest = mdp.terminal if mdp.gamma < 1 else _rest(mdp)
    pi = _head_for(mdp, rest) if mdp.gamma == 1 else np.zeros(mdp.n_states, int)
    pi[rest] = stop
    V = _value_with_stops(mdp, pi)
    while True:
        Q = np.column_stack([mdp.lookahead(V), np.where(rest, 0.0, -np.inf)])  # (S, A + 1)
        better = Q.max(axis=1) > V + ROUNDING * (np.abs(V).max() + np.abs(mdp.expected_reward).max())
        better &= ~mdp.terminal  # whatever rounding its row holds, a terminal is worth 0
        if not better.any():
            return V
        pi[better] = Q[better].argmax(axis=1)
        V, before = _value_with_stops(mdp, pi), V
        if V.sum() <= before.sum():  # what looked better was rounding; so no policy comes twice
            return before


# ---------------------------------------- the Markov chain of a policy


def _chain(mdp: MDP | SparseMDP, pi: Array) -> tuple[Any, Array]:
    """P_pi (S, S), sparse for a SparseMDP, and r_pi (S,), both 0 at terminals; pi (S,) int or weights (S, A)."""
    S, A = mdp.n_states, mdp.n_actions
    if pi.ndim == 1:
        pi = np.eye(A)[pi]
    pi = np.where(mdp.terminal[:, None], 0.0, pi)
    r = np.einsum("sa,sa->s", pi, mdp.expected_reward)
    if isinstance(mdp, MDP):
        return np.einsum("sa,san->sn", pi, mdp.P, optimize=True), r
    from scipy import sparse

    s, a, k = np.nonzero(pi[..., None] * mdp.prob)
    where = s.astype(np.int32), mdp.succ[s, a, k].astype(np.int32)  # older csgraph takes no other
    return sparse.csr_array((pi[s, a] * mdp.prob[s, a, k], where), shape=(S, S)), r  # adds what stands twice


def _fixed_point(P: Any, gamma: float, b: Array, live: Array) -> Array:
    """The x with x = b + gamma P x on the states that are `live`, and x = 0 elsewhere.   -> (S,)"""
    x = np.zeros(len(b))
    n = int(live.sum())
    if isinstance(P, np.ndarray):
        x[live] = np.linalg.solve(np.eye(n) - gamma * P[np.ix_(live, live)], b[live])
    elif n > 0:
        from scipy.sparse import csr_array, linalg

        keep, i = np.flatnonzero(live), np.arange(n, dtype=np.int32)
        identity = csr_array((np.ones(n), (i, i)), shape=(n, n))
        x[live] = linalg.spsolve((identity - gamma * P.tocsr()[keep][:, keep]).tocsc(), b[live])
    return x


def _recurrent(P: Any) -> Array:
    """The states of the closed classes: once entered they are never left.   (S, S) -> (S,) bool"""
    from scipy.sparse import csgraph, csr_array

    s, s_next = P.nonzero()
    n, label = csgraph.connected_components(csr_array(P), directed=True, connection="strong")
    closed = np.ones(n, dtype=bool)
    closed[label[s[label[s] != label[s_next]]]] = False
    return np.asarray(closed[label])


def _steps_from(source: Array, P: Any) -> Array:
    """The fewest steps from a state of `source` (S,) bool; inf where there is no way.   -> (S,)"""
    from scipy.sparse import csgraph, csr_array

    near = np.flatnonzero(source)
    return np.asarray(csgraph.dijkstra(csr_array(P), unweighted=True, indices=near, min_only=True))


# ---------------------------------------- gamma = 1: where to stop, and how to get there


def _largest_reward(mdp: MDP | SparseMDP) -> Array:
    """max over a, s' of |R(s, a, s')|: the scale of rounding in an expected reward.   -> (S,)"""
    R = mdp.R if isinstance(mdp, MDP) else mdp.reward
    return np.asarray(np.maximum(R.max(axis=(1, 2)), -R.min(axis=(1, 2))))


def _can_reach(mdp: MDP | SparseMDP, there: Array) -> Array:
    """Whether the next state may be one of `there` (S,) bool.   -> (S, A) bool"""
    if isinstance(mdp, MDP):
        return np.asarray(mdp.P @ there.astype(float) > 0)
    return np.asarray(((mdp.prob > 0) & there[mdp.succ]).any(axis=2))


def _rest(mdp: MDP | SparseMDP) -> Array:
    """The largest set of states in which some unpaid action stays: 0 for ever is possible.   -> (S,) bool"""
    unpaid = np.abs(mdp.expected_reward) <= ROUNDING * _largest_reward(mdp)[:, None]
    rest = np.ones(mdp.n_states, dtype=bool)
    while True:
        stays = mdp.terminal | (unpaid & ~_can_reach(mdp, ~rest)).any(axis=1)
        if (stays == rest).all():
            return rest
        rest = stays


def _head_for(mdp: MDP | SparseMDP, rest: Array) -> Array:
    """A policy that reaches `rest` surely: each action may come one step closer.   (S,) bool -> (S,) int"""
    any_action, _ = _chain(mdp, np.ones((mdp.n_states, mdp.n_actions)))
    steps = _steps_from(rest, any_action.T)
    for s in np.flatnonzero(np.isinf(steps))[:1]:
        raise ValueError(
            f"gamma is 1 and from state {s} no policy comes to an end or to states without reward: "
            "every total reward is unbounded or does not converge"
        )
    pi = np.zeros(mdp.n_states, int)
    for n in np.unique(steps[steps > 0]):
        closer = _can_reach(mdp, steps < n)
        pi[steps == n] = closer[steps == n].argmax(axis=1)
    return pi


def _value_with_stops(mdp: MDP | SparseMDP, pi: Array) -> Array:
    """V of a policy whose action A stops; ValueError where gamma = 1 and it never does.   (S,) int -> (S,)"""
    live = pi < mdp.n_actions
    P, r = _chain(mdp, np.where(live, pi, 0))
    if mdp.gamma == 1:
        for s in np.flatnonzero(~np.isfinite(_steps_from(~live, P.T)))[:1]:
            raise ValueError(
                "gamma is 1 and the total reward is unbounded: "
                f"from state {s} a loop with a positive mean reward can be walked for ever"
            )
    return _fixed_point(P, mdp.gamma, r, live)
