"""Off-policy prediction with linear functions: where the semi-gradient fails, and what does not.

The walker acts by b, the values asked for are those of pi; rho = pi(a | s) / b(a | s) corrects the action.
Nothing corrects *where* b walks, and with bootstrapping and features that share weights the semi-gradient
may then grow without bound. A gradient of the projected Bellman error cannot: it needs a second weight
vector v, which estimates the expected TD error as a linear function of x.

    off_policy_td    w <- w + alpha rho delta x                                  may diverge
    gtd2             w <- w + alpha rho (x - gamma x') (v . x)                   true gradient
    tdc              w <- w + alpha rho (delta x - gamma x' (v . x))             the same one, arranged otherwise
    both             v <- v + beta rho (delta - v . x) x,     delta = r + gamma w . x' - w . x
    expected_td, expected_tdc    the same steps in expectation: no samples, no noise

They walk steps, not episodes: an end is a step to a new start, and a time limit stops nobody.

Letters: S states, A actions, N runs in lock-step, D features, K active features.
Left out: emphatic weightings, eligibility traces, control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.features import Features, check_features
from rlcore.learning.lanes import check_gamma, check_rate, table_policy, tabular
from rlcore.learning.progress import Progress
from rlcore.learning.weights import add, first_w, value
from rlcore.numerics import Array, categorical
from rlcore.problems.doors import check_count, check_rng
from rlcore.problems.mdp import MDP, SparseMDP
from rlcore.problems.structure import chain


@dataclass(frozen=True, eq=False)
class OffPolicy:
    """Weights of v(s) = w . x(s), and those of the expected TD error."""

    w: Array  # (runs, D)
    v: Array  # (runs, D)  zeros for off_policy_td
    trace: Array  # (steps // every, runs, D)  w after every, 2 every, ... steps


Update = Callable[[Array, Array, Array, Array, Array, Array, Array], None]


def off_policy_td(
    env: Any,
    pi: Any,
    b: Any,
    features: Features,
    *,
    steps: int,
    alpha: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
    every: int = 1,
) -> OffPolicy:
    """The semi-gradient, corrected for actions only: w <- w + alpha rho delta x.

    [eq:off-policy-td]  Sutton & Barto, section 11.1.   pi, b: (S,) int or (S, A); every: steps between two
    rows of the trace. Raises ValueError where pi may take an action that b never takes.
    """
    alpha = check_rate("alpha", alpha, runs)

    def update(w: Array, v: Array, x: Array, x_next: Array, delta: Array, rho: Array, keep: Array) -> None:
        add(w, np.arange(runs), x, alpha * rho * delta)

    return _walk(env, pi, b, features, update, steps, gamma, rng, runs, w0, every)


def gtd2(
    env: Any,
    pi: Any,
    b: Any,
    features: Features,
    *,
    steps: int,
    alpha: Any,
    beta: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
    every: int = 1,
) -> OffPolicy:
    """A stochastic gradient of the projected Bellman error: w <- w + alpha rho (x - gamma x') (v . x).

    Sutton et al. (2009); Sutton & Barto, section 11.7.   Arguments as `off_policy_td`, and beta,
    the step size of v.
    """
    alpha, beta = check_rate("alpha", alpha, runs), check_rate("beta", beta, runs)
    i = np.arange(runs)

    def update(w: Array, v: Array, x: Array, x_next: Array, delta: Array, rho: Array, keep: Array) -> None:
        known = value(v, i, x)  # (N,)
        add(w, i, x, alpha * rho * known)
        add(w, i, x_next, -alpha * rho * keep * known)
        add(v, i, x, beta * rho * (delta - known))

    return _walk(env, pi, b, features, update, steps, gamma, rng, runs, w0, every)


def tdc(
    env: Any,
    pi: Any,
    b: Any,
    features: Features,
    *,
    steps: int,
    alpha: Any,
    beta: Any,
    gamma: float,
    rng: Generator,
    runs: int = 1,
    w0: Any = None,
    every: int = 1,
) -> OffPolicy:
    """TD with gradient correction: w <- w + alpha rho (delta x - gamma x' (v . x)).

    [eq:tdc]  Sutton et al. (2009); Sutton & Barto, section 11.7.   Arguments as `gtd2`.
    """
    alpha, beta = check_rate("alpha", alpha, runs), check_rate("beta", beta, runs)
    i = np.arange(runs)

    def update(w: Array, v: Array, x: Array, x_next: Array, delta: Array, rho: Array, keep: Array) -> None:
        known = value(v, i, x)  # (N,)
        add(w, i, x, alpha * rho * delta)
        add(w, i, x_next, -alpha * rho * keep * known)
        add(v, i, x, beta * rho * (delta - known))

    return _walk(env, pi, b, features, update, steps, gamma, rng, runs, w0, every)


def _walk(
    env: Any,
    pi: Any,
    b: Any,
    features: Features,
    update: Update,
    steps: int,
    gamma: float,
    rng: Generator,
    runs: int,
    w0: Any,
    every: int,
) -> OffPolicy:
    """Act by b, and call `update` after every step; keep = gamma, or 0 where the step terminated."""
    check_features(features)
    env = tabular(env)
    if getattr(env, "live", False):
        raise ValueError("env is live and stops at its time limit; a walk of steps needs one that goes on")
    pi, b = table_policy(env, pi), table_policy(env, b, "b")
    check_gamma(gamma)
    check_rng(rng)
    for name, n in (("steps", steps), ("runs", runs), ("every", every)):
        check_count(name, n, 1)
    for s, a in np.argwhere((pi > 0) & (b == 0))[:1]:
        raise ValueError(f"b[{s}, {a}] is 0, but pi[{s}, {a}] is {pi[s, a]:g}: b must try all that pi may do")
    w = first_w(w0, (runs, features.n))
    v, i, trace = np.zeros_like(w), np.arange(runs), np.zeros((steps // every, *w.shape))
    bar = Progress("steps", steps)
    s = env.reset(rng, runs)
    x = features(s)
    for t in range(1, steps + 1):
        a = categorical(b[s], rng)
        s_next, reward, terminated = env.step(s, a, rng)
        x_next, keep = features(s_next), gamma * ~terminated
        delta = reward + keep * value(w, i, x_next) - value(w, i, x)
        update(w, v, x, x_next, delta, pi[s, a] / b[s, a], keep)
        if terminated.any():
            s_next[terminated] = env.reset(rng, int(terminated.sum()))
            x_next = features(s_next)
        s, x = s_next, x_next
        if t % every == 0:
            trace[t // every - 1] = w
        bar(t)
    bar.close()
    return OffPolicy(w, v, trace)


# ---------------------------------------------------------------- in expectation


def expected_td(
    mdp: MDP | SparseMDP, pi: Any, X: Array, w: Array, *, alpha: float, d: Array
) -> Iterator[Array]:
    """Dynamic programming with a linear function: the mean TD update over states s ~ d.   -> w_0, w_1, ...

        w <- w + alpha sum_s d(s) (E_pi[r + gamma v(s')] - v(s)) x(s),        v = X w

    [eq:expected-td]  Sutton & Barto, section 11.2.   X (S, D), w (D,), d (S,) sums to 1; terminal states
    are worth 0 whatever their row of X is. With d the distribution of the walk under pi
    it converges for small alpha; with another d it may not.
    """
    P, r = chain(mdp, table_policy(mdp, pi))
    X = np.where(mdp.terminal[:, None], 0.0, X)
    while True:
        yield w
        v = X @ w
        w = w + alpha * X.T @ (d * (r + mdp.gamma * (P @ v) - v))


def expected_tdc(
    mdp: MDP | SparseMDP, pi: Any, X: Array, w: Array, *, alpha: float, beta: float, d: Array
) -> Iterator[Array]:
    """The mean update of `tdc` over states s ~ d.   -> w_0, w_1, ...;  arguments as `expected_td`

    w <- w + alpha sum_s d(s) (delta(s) x(s) - gamma E_pi[x(s')] (v . x(s)))
    v <- v + beta  sum_s d(s) (delta(s) - v . x(s)) x(s)
    """
    P, r = chain(mdp, table_policy(mdp, pi))
    X = np.where(mdp.terminal[:, None], 0.0, X)
    X_next, v = P @ X, np.zeros_like(w)  # (S, D)
    while True:
        yield w
        delta, known = r + mdp.gamma * (X_next @ w) - X @ w, X @ v
        w = w + alpha * (X.T @ (d * delta) - mdp.gamma * X_next.T @ (d * known))
        v = v + beta * X.T @ (d * (delta - known))
