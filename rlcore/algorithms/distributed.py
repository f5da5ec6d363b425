"""Data-parallel learning: the walkers are dealt out to K shards, and all learn one set of parameters.

PPO, with two ways to agree on it; both are functions, and the configuration holds one of them:

    gradients      mean over shards, then a step:   w <- step(w, mean_k g_k(w)),                  every minibatch
    parameters     steps, then mean over shards:    w <- mean_k step(... step(w, g_k(w)), ...),   once an update

The second, "distributed proximal optimisation", sends 2 messages a shard where the first sends 2 a minibatch.
After one step of gradient descent both are the same. After more they are not; nor where a step is no multiple
of the gradient, as with Adam or with clipped gradients: a mean of steps is not the step of a mean.

Synchronous advantage actor-critic: one gradient of every shard for one step. A3C is its relative whose shards
do not wait for each other (algorithms/asynchronous.py).

For a fixed number of shards the parameters are the same wherever the shards ran: here, in processes, on a
cluster (learning/workers.py). One shard is `ppo` or `actor_critic` itself, on the stream rng.spawn() gives it.

    cfg = DistributedConfig(shards=4, stop_at=475)
    history = distributed_ppo(CartPole(), policy, value, cfg, rng, executor=partial(ProcessPoolExecutor, 4))

Letters: K shards, k one of them, w parameters, g_k the gradient of shard k on its part of a minibatch.
Left out: learning without a critic, live environments of Gymnasium: where they stand cannot be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.algorithms import actor_critic as a2c
from rlcore.algorithms.ppo import PPOConfig, policy_gradient, report, shrunk, value_gradient
from rlcore.learning.on_policy import actor, check_factor, explained_variance, mean_score, minibatches
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.returns import gae
from rlcore.learning.shards import (
    Nets,
    Pair,
    Shard,
    Stats,
    Team,
    check_divides,
    dealt,
    own_runner,
    params_of,
    walked,
)
from rlcore.learning.workers import Factory, Workers, in_process
from rlcore.nn.layers import blend
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.problems.doors import check_kind

# ---------------------------------------------------------------- PPO: one shard, and two ways to agree


def shard_step(nets: Nets, shard: Shard, cfg: PPOConfig) -> tuple[Pair, Shard, Stats]:
    """The gradients of one shard's next minibatch; what it was given stays as it was.

    A shard without steps walks first; one that has used its minibatches shuffles its steps again.
    kl: the minibatch's part of the mean divergence of an epoch;   left: minibatches still to come in it.
    """
    policy, value = nets
    runner, steps, batches = shard.runner, shard.steps, shard.batches
    if steps is None or not batches:
        runner = own_runner(shard)
        steps = walked(nets, runner, cfg, partial(gae, lam=cfg.lam)) if steps is None else steps
        batches = tuple(minibatches(steps, cfg.minibatch, runner.rng))
    batch, *rest = batches
    grads, divergence = policy_gradient(policy, batch, cfg.surrogate, cfg)
    pair = grads, value_gradient(value, batch, cfg)
    stats = {"kl": divergence * len(batch) / len(steps), "left": len(rest)}
    return pair, replace(shard, runner=runner, steps=steps, batches=tuple(rest)), stats


def gradients(team: Team, nets: Nets, optimisers: tuple[Any, ...], cfg: PPOConfig) -> int:
    """An update in which the shards take every step together, along the mean of their gradients.

    The mean is clipped, not the gradients of the shards. So K shards are one with minibatches K times as large,
    where cfg.normalise leaves advantages as they are: `standardised` sees one shard's part of a minibatch.
    -> steps, one after the other
    """
    updates = 0
    for _ in range(cfg.epochs):
        kl, left = 0.0, 1.0
        while left:
            pair, stats = team.ask(shard_step, nets, cfg)
            for params, optimiser, grads in zip(params_of(nets), optimisers, pair):
                optimiser.lr = cfg.lr
                optimiser.step(params, clip_by_norm(grads, cfg.max_norm))
            kl, left, updates = kl + stats["kl"], stats["left"], updates + 1
        if kl > cfg.kl_stop:
            break
    return updates


def parameters(team: Team, nets: Nets, optimisers: tuple[Any, ...], cfg: PPOConfig) -> int:
    """An update in which every shard goes its own way, and all meet at the mean of where they got.

    A shard's optimiser keeps its moments to itself, and `optimisers` stand still.
    -> steps, one after the other
    """
    pair, stats = team.ask(local_steps, nets, cfg)
    for params, met in zip(params_of(nets), pair):
        blend(params, met, 1.0)
    return round(stats["updates"])


def local_steps(nets: Nets, shard: Shard, cfg: Any) -> tuple[Pair, Shard, Stats]:
    """What `gradients` does, in a team of one; the answer is where its parameters are then."""
    own, alone = deepcopy(nets), Team([shard], Workers(in_process))
    optimisers = deepcopy(shard.optimisers) or two_optimisers(cfg)
    updates = gradients(alone, own, optimisers, cfg)
    shard = replace(alone.shards[0], optimisers=optimisers)
    return params_of(own), shard, {"updates": updates}


Average = Callable[[Team, Nets, tuple[Any, ...], PPOConfig], int]


def adam(lr: float) -> Adam:
    """The optimiser of `ppo`."""
    return Adam(lr, eps=1e-5)


@dataclass(frozen=True)
class DistributedConfig(PPOConfig):
    """`PPOConfig` of all shards together, and how they share the work. ValueError for what does not divide.

    Each shard has walkers / shards walkers, and gives minibatch / shards steps to a gradient. `normalise` sees
    only these.
    """

    shards: int = 2  # the result depends on how many there are, not on where they run
    average: Average = gradients  # or parameters
    optimiser: Callable[[float], Any] = adam  # learning rate -> what steps; or SGD

    def __post_init__(self) -> None:
        super().__post_init__()
        check_divides(self, "walkers", "minibatch")


def two_optimisers(cfg: Any) -> tuple[Any, Any]:
    """One for the policy, one for the critic."""
    return cfg.optimiser(cfg.lr), cfg.optimiser(cfg.lr)


def distributed_ppo(
    env: Any,
    policy: Policy,
    value: Value,
    cfg: DistributedConfig,
    rng: Generator,
    *,
    executor: Factory = in_process,
    tries: int = 3,
) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, the rows of `ppo` with three columns more

        messages, bytes       to the shards and back, so far        (learning/shards.py says what counts)
        resubmitted           tasks that were lost with their worker and sent out again, so far

    executor: a factory of learning/workers.py;  tries: how often a task may be lost. The result is the same.
    Raises ValueError for what does not fit or cannot be sent, RuntimeError for a task lost `tries` times.
    """
    check_kind(DistributedConfig, cfg=cfg)
    nets, K = (policy, value), cfg.shards
    part = replace(cfg, shards=1, walkers=cfg.walkers // K, minibatch=cfg.minibatch // K)
    shards, judge = dealt(env, nets, part, K, rng)
    surrogate, optimisers = cfg.surrogate, two_optimisers(cfg)
    history: list[dict[str, float]] = []
    bar = Progress("distributed_ppo", cfg.steps)
    step, updates, score = 0, 0, np.nan
    with Workers(executor, tries) as workers:
        team = Team(shards, workers)
        while step < cfg.steps and not score >= cfg.stop_at:
            left = 1 - step / cfg.steps
            now = shrunk(surrogate, check_factor("clip_schedule", cfg.clip_schedule(left)))
            factor = check_factor("lr_schedule", cfg.lr_schedule(left))
            part = replace(part, lr=cfg.lr * factor, surrogate=now)
            updates += cfg.average(team, nets, optimisers, part)

            steps = team.steps()
            team.shards = [replace(shard, steps=None, batches=()) for shard in team.shards]
            step += len(steps)
            row = report(policy, steps, now)
            surrogate = surrogate.adapted(row["kl"])
            look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
            score = mean_score(judge, actor(policy, env.observe)) if look else np.nan
            head = {"step": step, "updates": updates, "return": team.recent_return(), "score": score}
            history.append({**head, **row, **team.cost()})
            bar(step)
    bar.close()
    return history


# ---------------------------------------------------------------- advantage actor-critic


@dataclass(frozen=True)
class SynchronousConfig(a2c.ActorCriticConfig):
    """`ActorCriticConfig` of all shards together. ValueError unless shards divides walkers."""

    shards: int = 2  # the result depends on how many there are, not on where they run

    def __post_init__(self) -> None:
        super().__post_init__()
        check_divides(self, "walkers")


def a2c_step(nets: Nets, shard: Shard, cfg: a2c.ActorCriticConfig) -> tuple[Pair, Shard, Stats]:
    """One walk of one shard, and its gradients; what it was given stays as it was."""
    policy, value = nets
    runner = own_runner(shard)
    steps = walked(nets, runner, cfg, cfg.advantage, cfg.target)
    grads, H = a2c.policy_gradient(policy, steps, cfg.entropy)
    grads_critic, loss = a2c.value_gradient(value, steps)
    shard = replace(shard, runner=runner, steps=steps)
    return (grads, grads_critic), shard, {"entropy": H, "value_loss": loss}


def synchronous_a2c(
    env: Any,
    policy: Policy,
    value: Value,
    cfg: SynchronousConfig,
    rng: Generator,
    *,
    executor: Factory = in_process,
    tries: int = 3,
) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, the rows of `actor_critic` and three columns

    All shards walk with the same parameters; the slowest of them sets the pace. The other arguments, the new
    columns and the errors are those of `distributed_ppo`.
    Mnih et al. (2016) without its asynchrony.
    """
    check_kind(SynchronousConfig, cfg=cfg)
    nets, part = (policy, value), replace(cfg, shards=1, walkers=cfg.walkers // cfg.shards)
    shards, judge = dealt(env, nets, part, cfg.shards, rng)
    optimisers = Adam(cfg.lr), Adam(cfg.value_lr)
    history: list[dict[str, float]] = []
    bar = Progress("synchronous_a2c", cfg.steps)
    step, score = 0, np.nan
    with Workers(executor, tries) as workers:
        team = Team(shards, workers)
        while step < cfg.steps and not score >= cfg.stop_at:
            pair, stats = team.ask(a2c_step, nets, part)
            for params, optimiser, grads in zip(params_of(nets), optimisers, pair):
                optimiser.step(params, clip_by_norm(grads, cfg.max_norm))

            steps = team.steps()
            team.shards = [replace(shard, steps=None) for shard in team.shards]
            step += len(steps)
            look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
            score = mean_score(judge, actor(policy, env.observe)) if look else np.nan
            row = {"step": step, "return": team.recent_return(), "score": score, **stats}
            row["explained_variance"] = explained_variance(steps.value, steps.target)
            history.append({**row, **team.cost()})
            bar(step)
    bar.close()
    return history
