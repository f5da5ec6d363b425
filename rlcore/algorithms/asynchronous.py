"""What it costs not to wait: gradients of parameters that have moved on, in a simulation that is exact.

Shards that wait for each other lose time, shards that do not lose freshness: while one computes its gradient,
the others change the parameters under it.

    rounds(duration)           when the updates of shards that wait are done
    arrivals(duration)         when the gradients of shards that do not wait arrive, and how late each is
    delayed_descent(...)       w_{t+1} = w_t - lr g(w_{t-delay}): late gradients allow smaller steps only
    asynchronous_a2c(...)      actor-critic whose gradients are `delay` updates late

A gradient's delay is the number of updates between the moment its shard read the parameters and the moment it
arrives. K shards of equal speed take turns, and every gradient is K - 1 updates late.

Letters: K shards, n gradients of each, w parameters.
Left out: two processes that write at the same time, half-read parameters: here an update is whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.algorithms.distributed import SynchronousConfig, a2c_step
from rlcore.learning.on_policy import actor, explained_variance, mean_score, recent_return
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.shards import dealt, params_of
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_kind, is_number

# ---------------------------------------------------------------- time


def rounds(duration: Array) -> Array:
    """When update i is done, where all wait for the slowest:   sum_{j <= i} max_k duration[k, j].   (K, n) -> (n,)

    A round of K exponential times of mean 1 takes 1 + 1/2 + ... + 1/K on average.
    Raises ValueError unless duration is (K, n), finite and > 0.
    """
    return np.asarray(_check_duration(duration).max(axis=0).cumsum())


def arrivals(duration: Array) -> tuple[Array, Array, Array]:
    """The gradients of shards that do not wait, in the order in which they arrive.   (K, n) -> three times (K n,)

    time     when it arrives: a shard's durations, one after the other
    shard    whose it is; of two that arrive together, the lower number is first
    delay    updates by others since its shard last read the parameters

    The delays of one shard sum to what the others did between: on average they are about K - 1, whatever the
    durations, for each update makes K - 1 others' gradients one update older.
    """
    times = _check_duration(duration).cumsum(axis=1)
    K, n = times.shape
    order = np.argsort(times.T.ravel(), kind="stable")
    shard = np.tile(np.arange(K), n)[order]
    place = np.empty(K * n, int)
    place[order] = np.arange(K * n)
    before = np.concatenate([np.full((1, K), -1), place.reshape(n, K)[:-1]]).ravel()  # of the same shard
    return times.T.ravel()[order], shard, (place - before - 1)[order]


# ---------------------------------------------------------------- descent


def delayed_descent(
    gradient: Callable[[Array], Array], w: Array, *, lr: float, delay: int, steps: int
) -> Array:
    """w_{t+1} = w_t - lr gradient(w_{t-delay}), with w_0 for what was before it.   (D,) -> (steps + 1, D)

    Where the gradient has the slope h, it runs away for lr > largest_rate(delay) / h (exact/descent.py).
    Raises ValueError unless lr > 0, delay >= 0 and steps >= 1.
    """
    if not is_number(lr) or not 0 < lr < np.inf:
        raise ValueError(f"lr is {lr!r}; it must be a finite number > 0")
    check_count("delay", delay, 0)
    check_count("steps", steps, 1)
    path = [np.array(w, float)]
    for t in range(steps):
        path.append(path[t] - lr * gradient(path[max(t - delay, 0)]))
    return np.stack(path)


# ---------------------------------------------------------------- actor-critic


def asynchronous_a2c(
    env: Any, policy: Policy, value: Value, cfg: SynchronousConfig, rng: Generator, *, delay: int
) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, the rows of `actor_critic`, one a gradient

    The shards take turns. Each walks, and computes its gradient, with the parameters as they were `delay`
    updates ago (or the first ones); then the present parameters take a step along it. delay = cfg.shards - 1
    is A3C with workers of equal speed; delay = 0 is a shard after the other, and with one shard `actor_critic`.
    An update sees 1 / shards of the steps of an update of `synchronous_a2c`.
    Mnih et al. (2016), as a simulation in one process. Errors as `synchronous_a2c`; ValueError for delay < 0.
    """
    check_kind(SynchronousConfig, cfg=cfg)
    check_count("delay", delay, 0)
    nets, part = (policy, value), replace(cfg, shards=1, walkers=cfg.walkers // cfg.shards)
    shards, judge = dealt(env, nets, part, cfg.shards, rng)
    optimisers = Adam(cfg.lr), Adam(cfg.value_lr)
    past = deque([deepcopy(params_of(nets))], maxlen=delay + 1)
    history: list[dict[str, float]] = []
    bar = Progress("asynchronous_a2c", cfg.steps)
    step, score = 0, np.nan
    while step < cfg.steps and not score >= cfg.stop_at:
        k = len(history) % cfg.shards
        old = replace(policy, params=past[0][0]), replace(value, params=past[0][1])
        pair, shards[k], stats = a2c_step(old, shards[k], part)
        for params, optimiser, grads in zip(params_of(nets), optimisers, pair):
            optimiser.step(params, clip_by_norm(grads, cfg.max_norm))
        past.append(deepcopy(params_of(nets)))

        steps: Any = shards[k].steps
        step += len(steps)
        look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
        score = mean_score(judge, actor(policy, env.observe)) if look else np.nan
        row = {"step": step, "return": recent_return(shards[k].runner), "score": score, **stats}
        history.append({**row, "explained_variance": explained_variance(steps.value, steps.target)})
        bar(step)
    bar.close()
    return history


def _check_duration(duration: Array) -> Array:
    """(K, n)"""
    times = np.asarray(duration, float)
    if times.ndim != 2 or not times.size:
        raise ValueError(f"duration has shape {times.shape}; it must be (shards, gradients of each)")
    for k, i in np.argwhere(~(np.isfinite(times) & (times > 0)))[:1]:
        raise ValueError(f"duration[{k}, {i}] is {times[k, i]}; it must be a finite number > 0")
    return times
