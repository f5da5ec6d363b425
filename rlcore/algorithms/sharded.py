"""Learning from data on several machines: logistic regression on shards of documents.

    p(y = 1 | x) = sigmoid(w . x)
    loss(w)      = mean of log(1 + exp(-(2 y - 1) w . x)) + l2 |w|^2 / 2

Each shard keeps its documents; what travels is w. A round sends it out and brings an answer of every shard back:

    local = 1      w <- mean_k (w - lr g_k(w)) = w - lr mean_k g_k(w)      gradient averaging: full-batch descent
    local > 1      w <- mean_k (w after `local` steps on shard k)          parameter averaging

With shards of one size mean_k g_k is the gradient of the joined data, so the first ends at its optimum. The
second makes more of a round, and ends elsewhere: where the shards' journeys cancel, which for many local steps
is the mean of the shards' own optima. The more alike the shards, the less it matters.

    x, y = documents(800, rng)
    run = averaged_descent(alike(x, y, 4, rng), lr=2.0, local=10, rounds=50)

Letters: K shards, B documents of a shard, V words of the vocabulary (the features), w weights (V,).
Left out: a bias (a document has one more feature, which is 1), minibatches, shards of unequal size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.workers import Factory, Workers, in_process
from rlcore.numerics import Array, sigmoid
from rlcore.problems.doors import called, check_count, check_rng, is_number

Data: TypeAlias = tuple[Array, Array]  # x (B, V) float, y (B,) of 0 and 1

# ---------------------------------------------------------------- documents, and how they are dealt out


def documents(
    n: int, rng: Generator, *, vocabulary: int = 20, length: int = 15, contrast: float = 0.7
) -> Data:
    """Bags of words of two kinds, equally many of each.   -> x (n, V), y (n,)

    A document is `length` words drawn from its kind's distribution, and x the share of each word; the last
    feature is 1. Words' log-probabilities are standard normal, moved by +- contrast times another for kinds 1, 0.
    Raises ValueError unless n is even, counts are whole and vocabulary >= 2, contrast finite.
    """
    check_rng(rng)
    for name, count, least in (("n", n, 2), ("vocabulary", vocabulary, 2), ("length", length, 1)):
        check_count(name, count, least)
    if n % 2:
        raise ValueError(f"n is {n}; it must be even: half of the documents are of each kind")
    if not is_number(contrast) or not np.isfinite(contrast):
        raise ValueError(f"contrast is {contrast!r}; it must be a finite number")
    common, special = rng.standard_normal((2, vocabulary - 1))
    y = np.arange(n) % 2
    p = np.exp(common + contrast * np.outer([-1, 1], special))
    words = rng.multinomial(length, (p / p.sum(axis=1, keepdims=True))[y])
    return np.concatenate([words / length, np.ones((n, 1))], axis=1), y


def alike(x: Array, y: Array, shards: int, rng: Generator) -> list[Data]:
    """Deal documents out at random: every shard sees the same mixture.   ValueError unless shards divides them."""
    _check_documents(x, y, rng)
    return _dealt(x, y, shards, rng.permutation(len(y)))


def skewed(x: Array, y: Array, shards: int, rng: Generator) -> list[Data]:
    """Deal them out by kind: the first shards see kind 0 only, the last ones kind 1.   ValueError likewise."""
    _check_documents(x, y, rng)
    order = rng.permutation(len(y))
    return _dealt(x, y, shards, order[np.argsort(y[order], kind="stable")])


def _dealt(x: Array, y: Array, shards: int, order: Array) -> list[Data]:
    check_count("shards", shards, 1)
    if len(y) % shards:
        raise ValueError(f"{len(y)} documents cannot be dealt out to {shards} shards of one size")
    return [(x[part], y[part]) for part in order.reshape(shards, -1)]


def joined(shards: Sequence[Data]) -> Data:
    """All documents in one place."""
    return np.concatenate([x for x, _ in shards]), np.concatenate([y for _, y in shards])


# ---------------------------------------------------------------- one shard


def loss(w: Array, data: Data, l2: float) -> tuple[float, Array]:
    """Mean log loss with its penalty, and the gradient.   (V,) -> number, (V,)

    gradient = x^T (sigmoid(x w) - y) / B + l2 w
    """
    x, y = data
    z = x @ w
    value = np.logaddexp(0.0, z).mean() - (y * z).mean() + l2 * (w @ w) / 2
    return float(value), x.T @ (sigmoid(z) - y) / len(y) + l2 * w


def hessian(w: Array, data: Data, l2: float) -> Array:
    """x^T diag(p (1 - p)) x / B + l2 I,   p = sigmoid(x w).   (V,) -> (V, V)"""
    x, _ = data
    p = sigmoid(x @ w)
    return np.asarray((x.T * (p * (1 - p))) @ x / len(x) + l2 * np.eye(len(w)))


def optimum(data: Data, l2: float) -> Array:
    """Where the gradient is 0, by Newton's method; the loss is convex and, with l2 > 0, has one.   -> (V,)"""
    return _newton(lambda w: (loss(w, data, l2)[1], hessian(w, data, l2)), data[0].shape[1])


def local_steps(w: Array, data: Data, lr: float, l2: float, local: int) -> Array:
    """Descent on one shard alone: the task that a worker gets.   (V,) -> (V,)"""
    for _ in range(local):
        w = w - lr * loss(w, data, l2)[1]
    return w


# ---------------------------------------------------------------- all shards


@dataclass(frozen=True, eq=False)
class Descent:
    """What a descent over shards did; a row a round, the first before any."""

    w: Array  # (V,)  where it got
    loss: Array  # (rounds + 1,)  on all documents
    messages: Array  # (rounds + 1,)  so far: w to every shard, and back
    bytes: Array  # (rounds + 1,)  so far


def averaged_descent(
    shards: Sequence[Data],
    *,
    lr: float,
    local: int,
    rounds: int,
    l2: float = 1e-2,
    w: Array | None = None,
    executor: Factory = in_process,
) -> Descent:
    """From w (0 unless given): `local` steps on every shard, then the mean of the weights; again, `rounds` times.

    local = 1 is gradient averaging. The mean is summed in the order of the shards, wherever they ran.
    Raises ValueError for shards of different sizes or words, y beside 0 and 1, and numbers out of range.
    """
    V = _check_shards(shards)
    _check_numbers(lr=lr, l2=l2)
    check_count("local", local, 1)
    check_count("rounds", rounds, 1)
    w = np.zeros(V) if w is None else np.array(w, float)
    if w.shape != (V,):
        raise ValueError(f"w has shape {w.shape}; it must be {(V,)}")
    everything = joined(shards)
    losses = [loss(w, everything, l2)[0]]
    with Workers(executor) as workers:
        for _ in range(rounds):
            w = sum(workers(local_steps, [(w, shard, lr, l2, local) for shard in shards])) / len(shards)
            losses.append(loss(w, everything, l2)[0])
    messages = 2 * len(shards) * np.arange(rounds + 1)
    return Descent(w, np.array(losses), messages, w.nbytes * messages)


def resting_place(shards: Sequence[Data], *, lr: float, local: int, l2: float = 1e-2) -> Array:
    """Where `averaged_descent` ends: the w that a round does not move.   -> (V,)

        mean_k (w - w_k(w)) = 0,   w_k(w) = w after `local` steps on shard k

    Newton's method; the slope of `local` steps is the product of I - lr H_k along the way. local = 1: the joint
    optimum. local to infinity: the mean of the shards' optima, for there each w_k is its own.
    Raises ValueError as `averaged_descent` does, and where lr is so large that a step overshoots.
    """
    V = _check_shards(shards)
    _check_numbers(lr=lr, l2=l2)
    check_count("local", local, 1)
    steepest = max(np.linalg.eigvalsh(x.T @ x / (4 * len(x)))[-1] + l2 for x, _ in shards)
    if lr * steepest >= 2:
        raise ValueError(f"lr is {lr}; it must be below {2 / steepest:.4g}, 2 over the steepest curvature")

    def travelled(w: Array) -> tuple[Array, Array]:
        way, slope = np.zeros(V), np.zeros((V, V))
        for shard in shards:
            here, J = w, np.eye(V)
            for _ in range(local):
                J = J - lr * hessian(here, shard, l2) @ J
                here = here - lr * loss(here, shard, l2)[1]
            way, slope = way + (w - here), slope + (np.eye(V) - J)
        return way / (lr * len(shards)), slope / (lr * len(shards))

    return _newton(travelled, V)


def _newton(residual: Callable[[Array], tuple[Array, Array]], V: int) -> Array:
    """A root of w -> (residual (V,), its slope (V, V)), from 0.

    A step is halved until the residual shrinks; where no step makes it shrink, rounding is all that is left.
    """
    w = np.zeros(V)
    r, slope = residual(w)
    while True:
        step = np.linalg.solve(slope, r)
        for part in 0.5 ** np.arange(30):
            there = residual(w - part * step)
            if np.linalg.norm(there[0]) < np.linalg.norm(r):
                break
        else:
            return w
        w, (r, slope) = w - part * step, there


# ---------------------------------------------------------------- doors


def _check_documents(x: Any, y: Any, rng: Any) -> None:
    check_rng(rng)
    if np.ndim(x) != 2 or np.ndim(y) != 1:
        raise ValueError(f"x and y have shapes {np.shape(x)} and {np.shape(y)}; they must be (B, V), (B,)")
    if len(x) != len(y):
        raise ValueError(f"x holds {len(x)} documents and y {len(y)} kinds; it must be one kind each")


def _check_shards(shards: Sequence[Data]) -> int:
    """-> V, the number of features"""
    if not isinstance(shards, Sequence) or not all(isinstance(s, tuple) and len(s) == 2 for s in shards):
        raise ValueError(f"shards is {called(shards)}; it must be a list of pairs (x, y)")
    if not len(shards):
        raise ValueError("shards is empty; give at least one (x, y)")
    for k, (x, y) in enumerate(shards):
        if np.ndim(x) != 2 or np.shape(y) != np.shape(x)[:1] or not np.size(x):
            raise ValueError(
                f"shards[{k}] has shapes {np.shape(x)} and {np.shape(y)}; they must be (B, V), (B,)"
            )
        if np.shape(x) != np.shape(shards[0][0]):
            raise ValueError(f"shards[{k}] has shape {np.shape(x)}, shards[0] has {np.shape(shards[0][0])}")
        if not np.isfinite(x).all():
            raise ValueError(f"shards[{k}] has features that are not finite")
        if not np.isin(y, (0, 1)).all():
            raise ValueError(f"shards[{k}] has kinds {np.unique(y)}; they must be 0 and 1")
    return int(np.shape(shards[0][0])[1])


def _check_numbers(**positive: Any) -> None:
    for name, number in positive.items():
        if not is_number(number) or not 0 < number < np.inf:
            raise ValueError(f"{name} is {number!r}; it must be a finite number > 0")
