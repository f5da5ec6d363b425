"""The best policy that stays near a reference, and what it is worth: in closed form, never by learning.

    J(pi)  = sum_y pi(y) r(y) - beta KL(pi || ref)        what is to be as large as possible
    pi*(y) = ref(y) exp(r(y) / beta) / Z                  the one policy where it is
    J(pi*) = beta log Z,    Z = sum_y ref(y) exp(r(y) / beta)
    J(pi)  = beta log Z - beta KL(pi || pi*)              for every pi: what is lost is a distance

So whoever raises J comes nearer to pi* and to nothing else. Large beta: pi* is ref and J(pi*) the mean reward
under ref. Small beta: only the best y are left, in ref's proportions, and J(pi*) is the largest reward.

The same holds step by step in an MDP, with Q in the place of r: soft values. Other ways to get more reward
near ref are here to be compared: the best of n samples, and a price on the other divergence, KL(ref || pi).

A divergence is written with its arguments; "forward" and "reverse" mean opposite things in different papers.

Letters: Y what can be chosen (responses, arms), S states, A actions, n samples, `...` any leading axes.
Left out: other divergences, and policies that cannot be any distribution on Y.
"""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np

from rlcore.exact.values import policy_value
from rlcore.numerics import Array, logsumexp
from rlcore.problems.doors import check_count, is_number
from rlcore.problems.mdp import MDP, TOLERANCE, SparseMDP, check_policy

ROUNDING = 1e-15  # a probability this small is 0

# ---------------------------------------------------------------- one choice


def divergence(log_p: Any, log_q: Any) -> Array:
    """KL(p || q) = sum_y p (log p - log q).   (..., Y) twice -> (...)

    A y that p never chooses adds 0; one that p chooses and q cannot makes it inf.
    """
    log_p, log_q = _distributions(log_p=log_p, log_q=log_q)
    p = np.exp(log_p)
    return np.asarray((p * (np.where(p > 0, log_p, 0.0) - np.where(p > 0, log_q, 0.0))).sum(axis=-1))


def regularised_performance(log_pi: Any, log_ref: Any, reward: Any, beta: float) -> Array:
    """J(pi) = sum_y pi(y) r(y) - beta KL(pi || ref).   (..., Y) three times -> (...)   [eq:regularised-performance]

    Raises ValueError as all of this file do: unless beta > 0, the shapes agree, rewards are finite numbers and
    every distribution sums to 1.
    """
    log_pi, log_ref = _distributions(log_pi=log_pi, log_ref=log_ref)
    reward = _rewards(log_ref, reward, beta)
    return np.asarray((np.exp(log_pi) * reward).sum(axis=-1) - beta * divergence(log_pi, log_ref))


def kl_optimal_policy(log_ref: Any, reward: Any, beta: float) -> tuple[Array, Array]:
    """The policy of largest E r - beta KL(pi || ref), and that value.   (..., Y) twice -> (..., Y), (...)

        log pi*(y) = log ref(y) + r(y) / beta - log Z,      value = beta log Z

    A constant added to r is added to the value and leaves pi* as it was.   [eq:kl-optimum]
    """
    (log_ref,) = _distributions(log_ref=log_ref)
    tilted = log_ref + _rewards(log_ref, reward, beta) / beta
    log_Z = logsumexp(tilted)
    return np.asarray(tilted - log_Z[..., None]), np.asarray(beta * log_Z)


def kl_ref_optimal_policy(log_ref: Any, reward: Any, beta: float) -> Array:
    """The policy of largest E r - beta KL(ref || pi): the other divergence.   (..., Y) twice -> log pi (..., Y)

        pi(y) = beta ref(y) / (lam - r(y)),      lam > max r such that it sums to 1

    So a reward that is d below lam costs a factor 1 / d, not exp(-d / beta): far from the best, pi keeps
    more of ref. The estimator k3, put into a loss, leads here. lam by Newton's method from the left, which
    rises to it and stops when it rises no more.   [eq:k3-optimum]
    """
    (log_ref,) = _distributions(log_ref=log_ref)
    reward, ref = _rewards(log_ref, reward, beta), np.exp(log_ref)
    top = reward.max(axis=-1, where=ref > 0, initial=-inf, keepdims=True)  # (..., 1)
    below = np.where(ref > 0, top - reward, 1.0)  # lam is kept as top + over, so that no digit is lost
    over = beta * ref.max(axis=-1, where=(ref > 0) & (below == 0), initial=0.0, keepdims=True)
    while True:
        pi = beta * ref / (over + below)
        step = (pi.sum(axis=-1, keepdims=True) - 1) / (pi / (over + below)).sum(axis=-1, keepdims=True)
        if not (over + step > over * (1 + 1e-15)).any():
            break
        over = over + step
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(pi / pi.sum(axis=-1, keepdims=True)))


# ---------------------------------------------------------------- the best of n


def best_of_n(log_ref: Any, score: Any, n: int) -> Array:
    """Draw n times from ref, keep one of largest score.   (..., Y) twice -> log pi (..., Y)

        pi(y) = ref(y) / (F - f) * (F^n - f^n),     F = P(score <= that of y),   f = P(score < that of y)

    Ties are split by a fair coin, so equals keep ref's proportions. n = 1: ref itself. Only the order of the
    scores counts.   [eq:best-of-n]   Raises ValueError unless n is a whole number >= 1.
    """
    check_count("n", n, 1)
    (log_ref,) = _distributions(log_ref=log_ref)
    ref, score = np.exp(log_ref), _rewards(log_ref, score, 1.0)
    f = (ref[..., None, :] * (score[..., None, :] < score[..., :, None])).sum(axis=-1)  # (..., Y)
    level = (ref[..., None, :] * (score[..., None, :] == score[..., :, None])).sum(axis=-1)
    share = np.divide(ref, level, out=np.zeros_like(ref), where=level > 0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(share * ((f + level) ** n - f**n)))


def best_of_n_bound(n: int) -> float:
    """log n - (n - 1) / n: KL(best of n || ref) is never more, and less where scores tie.   -> number

    With atoms it cannot grow for ever: the limit is -log of ref's mass on the best score. Many texts give the
    bound as if it were the divergence.   [eq:best-of-n-bound]  Beirami et al. (2024).
    Raises ValueError unless n >= 1.
    """
    check_count("n", n, 1)
    return log(n) - (n - 1) / n


# ---------------------------------------------------------------- many choices: soft values


def soft_value(mdp: MDP | SparseMDP, pi: Any, ref: Any, beta: float) -> Array:
    """What pi earns when straying from ref has a price.   (S, A) twice -> (S,)

        V(s) = sum_a pi(a|s) (Q(s, a) - beta log(pi(a|s) / ref(a|s))),      Q = mdp.lookahead(V)

    The value of pi where each step in s pays beta KL(pi(.|s) || ref(.|s)) less.
    Raises ValueError as `policy_value`, unless beta > 0, and where pi does what ref never does.
    """
    pi, ref = _table(mdp, "pi", pi), _table(mdp, "ref", ref)
    _check_beta(beta)
    for s, a in np.argwhere((pi > 0) & (ref == 0) & ~mdp.terminal[:, None])[:1]:
        raise ValueError(
            f"pi[{s}, {a}] is {pi[s, a]:.12g}, but ref[{s}, {a}] is 0: the divergence is infinite"
        )
    ratio = np.where(pi > 0, pi, 1.0) / np.where(pi > 0, np.where(ref > 0, ref, 1.0), 1.0)
    price = np.where(mdp.terminal, 0.0, beta * (pi * np.log(ratio)).sum(axis=1))[:, None, None]
    return policy_value(_with_price(mdp, price), pi)


def soft_optimal_value(mdp: MDP | SparseMDP, ref: Any, beta: float) -> Array:
    """V*(s) = beta log sum_a ref(a|s) exp(Q*(s, a) / beta),   Q* = mdp.lookahead(V*).   (S, A) -> (S,)

    By policy iteration with exact solves: pi is the best answer to the soft values of the last one. Values
    only rise, and twice as many digits are right after each round; rounding ends it.
    A tree of tokens that pays at its leaves has V*(root) = beta log Z of its leaves.
    Raises ValueError as `soft_value`; with gamma = 1 also where a loop pays more than ref can leave.
    """
    pi = ref = _table(mdp, "ref", ref)
    V = soft_value(mdp, pi, ref, beta)
    while True:
        pi = soft_optimal_policy(mdp, V, ref, beta)
        pi = np.where(pi > ROUNDING, pi, 0.0)  # so a loop that is hardly ever left counts as one without end
        V, before = soft_value(mdp, pi, ref, beta), V
        if V.sum() <= before.sum():
            return before


def soft_optimal_policy(mdp: MDP | SparseMDP, V: Array, ref: Any, beta: float) -> Array:
    """pi(a|s) = ref(a|s) exp(Q(s, a) / beta) / Z(s),   Q = mdp.lookahead(V).   (S,), (S, A) -> (S, A)"""
    with np.errstate(divide="ignore"):
        log_ref = np.log(_table(mdp, "ref", ref))
    return np.asarray(np.exp(kl_optimal_policy(log_ref, mdp.lookahead(V), beta)[0]))


def _with_price(mdp: MDP | SparseMDP, price: Array) -> MDP | SparseMDP:
    """The same process, where a step in s pays price[s] less.   (S, 1, 1)"""
    if isinstance(mdp, MDP):
        return MDP(mdp.P, mdp.R - price, mdp.gamma, mdp.start, mdp.terminal)
    return SparseMDP(mdp.succ, mdp.prob, mdp.reward - price, mdp.gamma, mdp.start, mdp.terminal)


# ---------------------------------------------------------------- what is refused


def _distributions(**logs: Any) -> list[Array]:
    """The arrays in float64, all of the first one's shape; ValueError where one does not sum to 1."""
    arrays = {name: np.asarray(x, float) for name, x in logs.items()}
    model, shape = next(iter(arrays)), next(iter(arrays.values())).shape
    for name, x in arrays.items():
        if x.shape != shape or x.ndim == 0:
            raise ValueError(f"{name} has shape {x.shape}; it must be (..., Y), like {model}, {shape}")
        total = np.exp(x).sum(axis=-1)
        for i in np.argwhere(~(np.abs(total - 1) <= TOLERANCE))[:1]:
            where = f"[{', '.join(map(str, i))}]" if len(i) else ""
            raise ValueError(f"{name}{where} has probabilities that sum to {total[tuple(i)]:.12g}, not 1")
    return list(arrays.values())


def _rewards(log_ref: Array, reward: Any, beta: float) -> Array:
    """Rewards in float64; ValueError unless they are finite, one for each y, and beta > 0."""
    _check_beta(beta)
    r = np.asarray(reward, float)
    if r.shape != log_ref.shape:
        raise ValueError(f"reward has shape {r.shape}; it must be {log_ref.shape}, like the reference")
    for i in np.argwhere(~np.isfinite(r))[:1]:
        raise ValueError(f"reward[{', '.join(map(str, i))}] is {r[tuple(i)]}; it must be a finite number")
    return r


def _check_beta(beta: Any) -> None:
    if not is_number(beta) or not 0 < beta < inf:
        raise ValueError(f"beta is {beta!r}; it must be a finite number > 0")


def _table(mdp: MDP | SparseMDP, name: str, pi: Any) -> Array:
    """A policy as probabilities (S, A); ValueError if it is none, or an action a state."""
    table = check_policy(mdp, pi, name)
    if table.ndim == 1:
        raise ValueError(
            f"{name} has shape {table.shape}; it must be probabilities, {(len(table), mdp.n_actions)}"
        )
    return table.astype(float)
