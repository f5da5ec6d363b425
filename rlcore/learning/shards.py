"""Shards: walkers dealt out to places that learn together.

A shard's task is pure, (nets, shard, cfg) -> (gradients, shard, stats): it changes neither the networks nor the
shard it was given, and returns another shard. So it may run here, in a pool of processes or on a cluster, and
again when its worker died (learning/workers.py); the answer is the same.

    team = Team(shards, workers)
    gradients, stats = team.ask(task, nets, cfg)         means over the shards, summed in the order of the shards

Communication is counted as the algorithm needs it: parameters to every shard, and their gradients, or
parameters, back. What a pure task carries besides, walkers and their steps, would stay with a worker that has
a memory.

Letters: K shards, T steps, N walkers of one shard.
Left out: workers with a memory, sums that travel along a ring or a tree, shards that are late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.on_policy import Estimate, Steps, actor, check_fit, fixed_steps, judged
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import Runner, make_runner
from rlcore.learning.workers import Workers, check_travels
from rlcore.nn.layers import Params
from rlcore.problems.doors import check_kind, check_rng

Nets: TypeAlias = tuple[Policy, Value]
Pair: TypeAlias = tuple[Params, Params]  # of policy and critic: parameters, or their gradients
Stats: TypeAlias = dict[str, float]
Task: TypeAlias = Callable[[Nets, "Shard", Any], tuple[Pair, "Shard", Stats]]


@dataclass(frozen=True, eq=False)
class Shard:
    """What a shard is between two tasks."""

    runner: Runner  # its walkers, where they stand, and its random stream
    steps: Steps | None = None  # this update's experience
    batches: tuple[Steps, ...] = ()  # minibatches of this epoch that are still to come
    optimisers: tuple[Any, ...] = ()  # of its own, for steps that it takes alone


class Team:
    """The shards of a run, and the way to them: parameters go out, gradients come back, both are counted."""

    def __init__(self, shards: Sequence[Shard], workers: Workers) -> None:
        self.shards, self.workers = list(shards), workers
        self.messages = self.bytes = 0

    def ask(self, task: Task, nets: Nets, cfg: Any) -> tuple[Pair, Stats]:
        """The mean of what the shards answer, and the mean of their stats."""
        answers = self.workers(task, [(nets, shard, cfg) for shard in self.shards])
        pairs, shards, stats = zip(*answers)
        self.shards = list(shards)
        self.messages += 2 * len(shards)
        self.bytes += sum(size(params_of(nets)) + size(pair) for pair in pairs)
        of_policy, of_critic = zip(*pairs)
        return (mean(of_policy), mean(of_critic)), mean(stats)

    def steps(self) -> Steps:
        """The steps of all shards, joined in their order."""
        parts = [shard.steps for shard in self.shards]
        return Steps(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Steps)))

    def recent_return(self) -> float:
        """The mean return of the episodes that ended in the shards' last walks; nan where none did."""
        scores = [score for shard in self.shards for score in shard.runner.scores]
        return float(np.mean(scores)) if scores else np.nan

    def cost(self) -> dict[str, float]:
        """Columns of a history: what was sent so far, and how many tasks went out again."""
        return {"messages": self.messages, "bytes": self.bytes, "resubmitted": self.workers.resubmitted}


def mean(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Name by name, (part 0 + part 1 + ...) / K, in this order."""
    return {name: reduce(add, (part[name] for part in parts)) / len(parts) for name in parts[0]}


def params_of(nets: Nets) -> Pair:
    """The parameters of policy and critic."""
    return nets[0].params, nets[1].params


def size(pair: Pair) -> int:
    """The bytes of all arrays."""
    return sum(array.nbytes for params in pair for array in params.values())


def own_runner(shard: Shard) -> Runner:
    """A copy of the shard's walkers and stream, for a task to use up; the environment, which stays, is shared."""
    env = shard.runner.env
    return deepcopy(shard.runner, {id(env): env})


def walked(nets: Nets, runner: Runner, cfg: Any, estimate: Estimate, target: Estimate | None = None) -> Steps:
    """cfg.T steps of every walker, judged; runner.scores then holds this walk's episodes.   -> T N steps"""
    policy, value = nets
    observe = runner.env.observe
    runner.scores = []
    walks = fixed_steps(runner, actor(policy, observe), cfg.T)
    return judged(walks, policy, value, observe, estimate, cfg.gamma, target)


def dealt(env: Any, nets: Nets, cfg: Any, shards: int, rng: Generator) -> tuple[list[Shard], Runner]:
    """Shards of cfg.walkers walkers each, and a judge; all have streams of their own, spawned from rng.

    Raises ValueError for networks that do not fit, no critic, and what cannot be sent to another process: a
    Gymnasium environment's state, or functions that stand in no module.
    """
    check_rng(rng)
    if hasattr(env, "env_id") or hasattr(env, "observation_space"):
        raise ValueError(
            f"env is {env!r}, whose state lives in one process and cannot be sent to another; "
            "give an environment of pure functions: CartPole()"
        )
    policy, value = nets
    check_kind(Value, value=value)  # shards walk a fixed number of steps: there must be a critic
    check_travels(env=env, policy=policy, value=value, cfg=cfg)
    *streams, last = rng.spawn(shards + 1)
    runners = [make_runner(env, cfg.walkers, stream) for stream in streams]
    check_fit(env, policy, env.observe(runners[0].state), value=value)
    return [Shard(runner) for runner in runners], make_runner(env, cfg.eval_episodes, last)


def check_divides(cfg: Any, *names: str) -> None:
    """Raise ValueError unless cfg.shards divides these fields."""
    for name in names:
        total = getattr(cfg, name)
        if total % cfg.shards:
            raise ValueError(
                f"{name} is {total}; it must be a multiple of {cfg.shards}, the number of shards"
            )
