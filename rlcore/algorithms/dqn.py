"""Deep Q-networks: Q-learning with a network, made to hold still by two devices.

    loss = mean over a batch of  l(Q(s, a) - target),      target = r + gamma (1 - terminated) Q'(s')

A memory of old steps, from which batches are drawn, makes the data look independent; a frozen copy of the
network computes the target, so that an update does not move what it aims at. Twins, one line apart:

    DQN          Q'(s') = max_a Q_frozen(s', a)
    double DQN   Q'(s') = Q_frozen(s', argmax_a Q(s', a))      one network chooses, the other one judges

A step that the time limit cut has a successor like any other: only `terminated` makes it worth 0.

    rng = np.random.default_rng(0)
    q = Value(mlp_params([4, 64, 64, 2], rng, dtype=np.float32), scaled(partial(mlp, activation=relu), SCALE))
    history = dqn(CartPole(), q, DQNConfig(next_value=double_value, stop_at=495), rng)

Letters: B batch, A actions, N walkers, D features.
Left out: priorities, dueling heads, noisy layers, several steps, distributions of returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.lanes import check_gamma
from rlcore.learning.losses import squared_error
from rlcore.learning.policies import Value, epsilon_greedy, greedy_probabilities
from rlcore.learning.progress import Progress
from rlcore.learning.replay import Batch, ReplayBuffer
from rlcore.learning.rollout import Act, Runner, evaluate, make_runner
from rlcore.nn.layers import Params, blend, copy
from rlcore.nn.optim import Adam
from rlcore.numerics import Array, pick
from rlcore.problems.doors import check_count, check_kind, check_probability, is_number
from rlcore.problems.env import Discrete

NextValue: TypeAlias = Callable[[Value, Value, Array], Array]  # (q, frozen, x_next (B, D)) -> (B,)
Loss: TypeAlias = Callable[[Array, Array], tuple[float, Array]]


def max_value(q: Value, frozen: Value, x_next: Array) -> Array:
    """DQN: the frozen network chooses the next action and judges it.   (B, D) -> (B,)

    [eq:dqn-next]  Mnih et al. (2015).
    """
    return np.asarray(frozen(x_next)[0].max(axis=-1))


def double_value(q: Value, frozen: Value, x_next: Array) -> Array:
    """Double DQN: the learning network chooses, the frozen one judges; ties count equally.   (B, D) -> (B,)

    [eq:double-dqn-next]  van Hasselt, Guez & Silver (2016).
    """
    best = greedy_probabilities(q(x_next)[0])  # (B, A)
    return np.asarray((best * frozen(x_next)[0]).sum(axis=-1))


@dataclass(frozen=True)
class DQNConfig:
    """What a run of `dqn` needs to know. Raises ValueError for a number out of its range."""

    steps: int = 150_000  # of the environment, over all walkers
    gamma: float = 0.99  # discount
    next_value: NextValue = max_value  # or double_value
    loss: Loss = squared_error  # or huber
    lr: float = 1e-3  # of Adam
    batch: int = 256  # steps in a gradient
    capacity: int = 100_000  # steps in the memory
    warmup: int = 1_000  # steps in the memory before the first gradient
    walkers: int = 64  # in lock-step
    collect: int = 16  # steps of each walker between two phases of learning
    updates: int = 128  # gradients in a phase
    freeze: int = 50  # gradients between two updates of the frozen copy
    blend: float = 1.0  # how far the copy then moves towards the network; 1 makes it equal
    epsilon: tuple[float, float] = (1.0, 0.05)  # exploration, first and last
    explore: int = 20_000  # steps on the straight line between the two
    eval_every: int = 5_000  # steps between two evaluations
    eval_episodes: int = 100  # greedy episodes in each
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_gamma(self.gamma)
        for field in fields(self):
            if field.type == "int":
                check_count(field.name, getattr(self, field.name), 1)
        if self.warmup > self.capacity:
            raise ValueError(f"warmup is {self.warmup}, more than the memory holds: capacity {self.capacity}")
        if not is_number(self.lr) or not 0 < self.lr < np.inf:
            raise ValueError(f"lr is {self.lr!r}; it must be a finite number > 0")
        check_probability("blend", self.blend)
        if not isinstance(self.epsilon, tuple) or len(self.epsilon) != 2:
            raise ValueError(f"epsilon is {self.epsilon!r}; it must be two probabilities, (first, last)")
        for k, epsilon in enumerate(self.epsilon):
            check_probability(f"epsilon[{k}]", epsilon)
        if not is_number(self.stop_at) or np.isnan(self.stop_at):
            raise ValueError(f"stop_at is {self.stop_at!r}; it must be a number")


def dqn(env: Any, q: Value, cfg: DQNConfig, rng: Generator) -> list[dict[str, float]]:
    """Train q.params in place.   -> history, a row an evaluation, the first one before any learning

    q maps features (B, D) to action values (B, A). A row holds
        step, updates     environment steps and gradients so far
        epsilon, loss     exploration now; mean loss since the last row (nan before the first gradient)
        score             mean return of greedy episodes
        value, q          their mean discounted return, and what q promised at their starts: max_a Q(s_0, a)

    Mnih et al. (2015), with N walkers instead of one. Evaluations draw from a stream of their own. Matrices
    as small as these are fastest on one thread: OMP_NUM_THREADS=1.
    Raises ValueError for an environment with real-valued actions, a q that does not fit it, or episodes that
    need not end.
    """
    check_kind(DQNConfig, cfg=cfg)
    runner = make_runner(env, cfg.walkers, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe = runner.env.observe
    _check_fit(runner.env, q, observe(runner.state))
    frozen = Value(copy(q.params), q.forward)
    memory, adam = ReplayBuffer(cfg.capacity), Adam(cfg.lr)
    history: list[dict[str, float]] = []
    bar = Progress("dqn", cfg.steps)
    step, updates = 0, 0
    losses: list[float] = []
    while True:
        epsilon = schedule(cfg, step)
        if step >= min(cfg.steps, cfg.eval_every * len(history)):
            row = {"step": step, "updates": updates, "epsilon": epsilon, "loss": _mean(losses)}
            history.append({**row, **assess(judge, q, cfg.gamma)})
            losses.clear()
            if step >= cfg.steps or history[-1]["score"] >= cfg.stop_at:
                bar.close()
                return history
        memory.add(runner.collect(explorer(q, observe, epsilon), cfg.collect))
        step += cfg.walkers * cfg.collect
        bar(step)
        for _ in range(cfg.updates if len(memory) >= cfg.warmup else 0):
            loss, grads = td_gradient(q, frozen, memory.sample(cfg.batch, rng), observe, cfg)
            adam.step(q.params, grads)
            losses.append(loss)
            updates += 1
            if updates % cfg.freeze == 0:
                blend(frozen.params, q.params, cfg.blend)


def td_gradient(
    q: Value, frozen: Value, batch: Batch, observe: Callable[[Any], Array], cfg: DQNConfig
) -> tuple[float, Params]:
    """The loss on a batch, and its gradient with respect to q.params; the target is a constant.

        target = r + gamma (1 - terminated) next_value(s'),      mean of l(Q(s, a) - target)

    [eq:dqn-loss]  Only Q of the action that was taken gets a gradient.
    """
    next_value = cfg.next_value(q, frozen, observe(batch.next_state))
    target = batch.reward + cfg.gamma * ~batch.terminated * next_value  # (B,)
    Q, back = q(observe(batch.state))  # (B, A)
    loss, d_chosen = cfg.loss(pick(Q, batch.action), target)
    d_Q = np.zeros_like(Q)
    np.put_along_axis(d_Q, batch.action[:, None], d_chosen[:, None], axis=1)
    return loss, back(d_Q)[1]


def schedule(cfg: DQNConfig, step: int) -> float:
    """Exploration falls in a straight line from the first epsilon to the last, and stays there."""
    first, last = cfg.epsilon
    return first + (last - first) * min(1.0, step / cfg.explore)


def explorer(q: Value, observe: Callable[[Any], Array], epsilon: float) -> Act:
    """Epsilon-greedy actions of q; 0 is greedy. Nobody asks for their log-probabilities: nan."""

    def act(state: Array, rng: Generator) -> tuple[Array, Array]:
        Q, _ = q(observe(state))
        return epsilon_greedy(Q, epsilon, rng), np.full(len(Q), np.nan)

    return act


def assess(judge: Runner, q: Value, gamma: float) -> dict[str, float]:
    """One greedy episode of every walker: what it scored, what that was worth, what q had promised."""
    judge.restart()
    promised = q(judge.env.observe(judge.state))[0].max(axis=-1)
    score, value = evaluate(judge, explorer(q, judge.env.observe, 0.0), gamma)
    return {"score": float(score.mean()), "value": float(value.mean()), "q": float(promised.mean())}


def _mean(losses: list[float]) -> float:
    return float(np.mean(losses)) if losses else np.nan


def _check_fit(env: Any, q: Value, x: Array) -> None:
    check_kind(Value, q=q)
    if not isinstance(env.actions, Discrete):
        raise ValueError(f"env has real-valued actions, {env.actions}; dqn needs finitely many")
    if not np.all(getattr(env, "allowed", True)):
        raise ValueError(
            "env has states in which some actions do not exist; dqn needs all actions everywhere"
        )
    try:
        shape = q(x)[0].shape
    except ValueError as error:
        raise ValueError(f"q does not take features of shape {x.shape}: {error}") from None
    if shape != (len(x), env.actions.n):
        raise ValueError(
            f"q gives shape {shape} for {len(x)} states; it must be {(len(x), env.actions.n)}, one number an action"
        )
