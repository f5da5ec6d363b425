"""Dynamic programming: every method is a stream of values, and `solve` says when to stop.

A method is a generator that yields V_0, V_1, V_2, ... as fresh arrays and never decides that it is done;
`solve` reads the stream, proves how far it still is from V*, and stops. So `islice` shows the first
iterates, an animation shows all, and no loop repeats a stopping rule.

    [eq:value-iteration]  (T V)(s) = max_a E[r + gamma V(s')],   of a policy: (T_pi V)(s) = E_pi[r + gamma V(s')]

The loops know a model by `lookahead` alone; those that visit one state at a time look at its row.
What proves the bound is in `algorithms.certificate`, what is fast in `algorithms.fast_dp`.

Letters: S states, A actions.
Left out: average reward, asynchronous sweeps on several machines, function approximation.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from rlcore.algorithms.certificate import UNIT, Discounted, Undiscounted
from rlcore.algorithms.fast_dp import fastest
from rlcore.numerics import Array, pick
from rlcore.problems.mdp import MDP, SparseMDP, check_model, check_policy
from rlcore.problems.structure import (
    chain,
    collapse,
    lookahead_at,
    predecessors,
    recurrent,
    total_reward,
    under_policy,
    unpaid,
)

Model = MDP | SparseMDP


# ---------------------------------------------------------------- the value of a policy


def policy_evaluation(mdp: Model, pi: Any, V: Array | None = None) -> Iterator[Array]:
    """V <- T_pi V, all states at once.   pi (S,) int or (S, A);  V (S,), zeros if not given

    Sutton & Barto, equation (4.5).
    """
    pi = check_policy(mdp, pi)
    V = _start(mdp, V)
    while True:
        yield V.copy()
        V = _under(pi, mdp.lookahead(V))


def policy_evaluation_in_place(mdp: Model, pi: Any, V: Array | None = None) -> Iterator[Array]:
    """V(s) <- (T_pi V)(s), state after state, each using the values already renewed in this sweep."""
    pi = check_policy(mdp, pi)
    V = _start(mdp, V)
    while True:
        yield V.copy()
        for s in range(mdp.n_states):
            V[s] = _under(pi[s], lookahead_at(mdp, V, s))


# ---------------------------------------------------------------- the best policy


def value_iteration(mdp: Model, V: Array | None = None) -> Iterator[Array]:
    """V <- T V, all states at once.   Sutton & Barto, equation (4.10).

    With gamma = 1 begin at 0: a loop without reward keeps whatever it is given, above V* or below.
    """
    V = _start(mdp, V)
    while True:
        yield V.copy()
        V = mdp.lookahead(V).max(axis=1)


def gauss_seidel(mdp: Model, V: Array | None = None) -> Iterator[Array]:
    """V(s) <- (T V)(s), state after state, each using the values already renewed in this sweep."""
    V = _start(mdp, V)
    while True:
        yield V.copy()
        for s in range(mdp.n_states):
            V[s] = lookahead_at(mdp, V, s).max()


def policy_iteration(mdp: Model, pi: Any = None) -> Iterator[Array]:
    """V <- V_pi exactly, then pi <- greedy(V); the stream ends when no action is strictly better.

    An action is exchanged only for one that is better by more than rounding, and only while the values
    rise: so tied actions cannot take turns for ever. With gamma = 1 the first policy is one that surely
    comes to rest where nothing is paid, and every better one does too, or the total reward is unbounded.

    Raises ValueError, with gamma = 1, where that is so, or where no policy comes to rest.
    Howard (1960); Sutton & Barto, section 4.3.
    """
    check_model(mdp)
    pi = _first_policy(mdp) if pi is None else check_policy(mdp, pi)
    V = exact_value(mdp, pi)
    while True:
        yield V.copy()
        Q = mdp.lookahead(V)
        better = Q.max(axis=1) > _under(pi, Q) + _rounding(mdp, V)
        if not better.any():
            return
        pi = np.where(better, Q.argmax(axis=1), pi) if pi.ndim == 1 else Q.argmax(axis=1)
        V, before = exact_value(mdp, pi), V
        if V.sum() <= before.sum():  # what looked better was rounding
            return


def modified_policy_iteration(mdp: Model, sweeps: int = 10, V: Array | None = None) -> Iterator[Array]:
    """pi <- greedy(V), V <- T V, then `sweeps` times V <- T_pi V.

    sweeps = 0 is value iteration; infinitely many are policy iteration.
    Puterman & Shin (1978). As they do, begin where T V >= V if gamma = 1.
    """
    if not isinstance(sweeps, int) or sweeps < 0:
        raise ValueError(f"sweeps is {sweeps!r}; it must be a whole number >= 0")
    V = _start(mdp, V)
    while True:
        yield V.copy()
        Q = mdp.lookahead(V)
        V, (P, r) = Q.max(axis=1), chain(mdp, Q.argmax(axis=1))
        for _ in range(sweeps):
            V = r + mdp.gamma * (P @ V)


def prioritized_sweeping(mdp: Model, V: Array | None = None) -> Iterator[Array]:
    """V(s) <- (T V)(s) where |T V - V| is largest; a table every S backups, and the stream ends where nothing is left.

    Only the predecessors of s can have changed, so only their place in the queue is looked at again.
    Moore & Atkeson (1993); Sutton & Barto, section 8.4.
    """
    V = _start(mdp, V)
    before = predecessors(mdp)
    error = np.abs(mdp.lookahead(V).max(axis=1) - V)  # (S,) the priorities
    queue = [(-e, s) for s, e in enumerate(error) if e > 0]
    heapq.heapify(queue)
    yield V.copy()
    backups = 0
    while queue:
        e, s = heapq.heappop(queue)
        if -e != error[s] or e == 0:  # an old entry: s was looked at again since
            continue
        V[s] = lookahead_at(mdp, V, s).max()
        error[s] = 0.0
        for p in before[s]:
            error[p] = abs(lookahead_at(mdp, V, p).max() - V[p])
            if error[p] > 8 * UNIT * abs(V[p]):
                heapq.heappush(queue, (-error[p], p))
        backups += 1
        if backups % mdp.n_states == 0:
            yield V.copy()
    yield V.copy()


# ---------------------------------------------------------------- from values to actions


def greedy(mdp: Model, V: Array) -> Array:
    """argmax_a E[r + gamma V(s')], the first of equals.   (S,) -> (S,) int"""
    return np.asarray(mdp.lookahead(V).argmax(axis=1))


def optimal_actions(mdp: Model, V: Array, tol: float = 1e-9) -> Array:
    """All actions within tol of the best: Q(s, a) >= max_b Q(s, b) - tol.   (S,) -> (S, A) bool

    With max|V - V*| <= bound, tol >= 2 gamma bound loses no optimal action.
    """
    Q = mdp.lookahead(V)
    return np.asarray(Q >= Q.max(axis=1, keepdims=True) - tol)


# ---------------------------------------------------------------- the driver


@dataclass(frozen=True, eq=False)
class Solution:
    """What `solve` found, and how good it surely is."""

    V: Array  # (S,)
    pi: Array  # (S,) int, greedy, with V* - V_pi <= 2 bound; the given policy if there was one
    residuals: Array  # (k,)  max|T V - V| of the iterates
    bound: float  # max|V - V*| <= bound, max|V - V_pi| of a given policy


def solve(
    mdp: Model,
    iterates: Iterable[Array] | None = None,
    *,
    pi: Any = None,
    tol: float = 1e-8,
    max_iter: int = 100_000,
) -> Solution:
    """Read a stream of values until max|V - V*| <= tol is proved; max|V - V_pi| when pi is given.

    The proof is `solve`'s own (`algorithms.certificate`): one Bellman backup of each iterate, rounding included, by
    the span bound where gamma < 1 and by expected steps to the end where gamma = 1. Where the stream
    came from does not matter. Without a stream, the fastest method for this mdp is taken (`algorithms.fast_dp`).

    With gamma = 1 the answer is the best total reward of policies that surely come to rest where nothing is
    paid; a loop without reward is worth 0, and is collapsed before anything is judged.
    The rows of a given stochastic pi are made to sum to 1 exactly.

    Raises ValueError for an iterate of the wrong shape or not finite; for a tol that rounding forbids (saying which
    will do); where the stream ends too early; and, with gamma = 1, where the total reward is unbounded or
    does not converge, naming a state. Raises RuntimeError after max_iter iterates, with the residual reached.
    """
    check_model(mdp)
    if not isinstance(tol, (int, float)) or not 0 < tol < np.inf:
        raise ValueError(f"tol is {tol!r}; it must be a positive number")
    if not isinstance(max_iter, int) or max_iter < 1:
        raise ValueError(f"max_iter is {max_iter!r}; it must be a whole number >= 1")
    if pi is not None:
        pi = check_policy(mdp, pi)
        mdp = under_policy(mdp, pi)
    judge = Discounted(mdp) if mdp.gamma < 1 else Undiscounted(mdp, tol)
    if iterates is None:
        verdicts = fastest(mdp, judge, tol)
    else:
        verdicts = (judge(_check_iterate(V, k, mdp.n_states)) for k, V in enumerate(iterates))
    residuals: list[float] = []
    for k, verdict in enumerate(islice(verdicts, max_iter)):
        residuals.append(verdict.residual)
        if verdict.bound <= tol:
            return Solution(verdict.V, verdict.pi if pi is None else pi, np.array(residuals), verdict.bound)
        if verdict.floor > tol and verdict.bound <= 4 * verdict.floor:
            raise ValueError(
                f"tol is {tol:g}, which rounding does not allow here; tol={2 * verdict.floor:.0e} would do"
            )
        if k & (k + 1) == 0:  # now and then: is there anything to converge to?
            judge.check_bounded(verdict.V)
    if not residuals:
        raise ValueError("iterates is empty; it must yield at least one table of values")
    reached = f"residual {residuals[-1]:.3g}, error bound {verdict.bound:.3g}"
    if len(residuals) == max_iter:
        raise RuntimeError(f"tol={tol:g} was not reached in max_iter={max_iter} iterates: {reached}")
    raise ValueError(
        f"iterates ended after {len(residuals)} tables before tol={tol:g} was reached: {reached}"
    )


# ---------------------------------------------------------------- one policy


def exact_value(mdp: Model, pi: Array) -> Array:
    """Solve V = r_pi + gamma P_pi V.   (S,) or (S, A) -> (S,)

    With gamma = 1, a recurrent class without reward is worth 0, and one with reward is a ValueError.
    """
    P, r = chain(mdp, pi)
    live = ~mdp.terminal
    if mdp.gamma == 1:
        live = recurrent(P) < 0
        paid = r if pi.ndim == 2 else np.where(pick(unpaid(mdp), pi), 0.0, r)
        for s in np.flatnonzero(~live & (paid != 0))[:1]:
            raise ValueError(
                f"gamma is 1 and state {s} lies on a loop that pays: the total reward is unbounded or does not converge"
            )
    V, keep = np.zeros(mdp.n_states), np.flatnonzero(live)
    V[keep] = total_reward(P[keep][:, keep], r[keep], mdp.gamma)
    return V


def _first_policy(mdp: Model) -> Array:
    """Any policy; with gamma = 1, one that surely comes to rest."""
    if mdp.gamma < 1:
        return np.zeros(mdp.n_states, dtype=np.int64)
    model = collapse(mdp)
    return model.policy(model.proper())


def _rounding(mdp: Model, V: Array) -> Array:
    """How far apart two equal lookaheads may come out.   (S,) -> (S,)"""
    return np.asarray(32 * UNIT * (np.abs(V) + np.abs(mdp.expected_reward).max(axis=1)))


def _under(pi: Array, Q: Array) -> Array:
    """E_pi[Q(s, .)]; for one state or all.   pi () or (S,) int, or (..., A)"""
    return pick(Q, pi) if pi.dtype.kind in "iu" and pi.ndim < Q.ndim else np.asarray((pi * Q).sum(axis=-1))


def _start(mdp: Model, V: Array | None) -> Array:
    check_model(mdp)
    V = np.zeros(mdp.n_states) if V is None else _check_iterate(V, 0, mdp.n_states).copy()
    for s in np.flatnonzero(mdp.terminal & (V != 0))[:1]:
        raise ValueError(f"V[{s}] is {V[s]}, but state {s} is terminal: it must be 0")
    return V


def _check_iterate(iterate: Any, k: int, S: int) -> Array:
    V: Array = np.asarray(iterate, dtype=float)
    if V.shape != (S,):
        raise ValueError(f"iterate {k} has shape {V.shape}; it must be ({S},), a value a state")
    for s in np.flatnonzero(~np.isfinite(V))[:1]:
        raise ValueError(f"iterate {k} has V[{s}] = {V[s]}, not a finite number")
    return V
