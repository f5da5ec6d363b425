"""Deep deterministic policy gradient: Q-learning where actions are real numbers.

DQN takes the largest of A numbers. A real-valued action has no such list, so a second network learns where
the largest one is: the actor mu climbs the critic Q.

    critic    minimise  mean of (Q(s, a) - target)^2 / 2,    target = r + gamma (1 - terminated) Q'(s', mu'(s'))
    actor     maximise  mean of Q(s, mu(s));                 its gradient is  dmu/dtheta * dQ/da  at a = mu(s)

Q' and mu' are slow copies: after each gradient they move a little towards the networks. As mu makes no choice
by chance, noise is added when it walks. Both learn from a memory of old steps, because neither gradient asks
who chose the action. A step that the time limit cut has a successor like any other.

    rng = np.random.default_rng(0)
    actor = Actor(mlp_params([3, 64, 64, 1], rng, last_gain=0.01), mlp, Pendulum.actions)
    critic = Value(mlp_params([4, 64, 64, 1], rng), mlp)          it sees (x, a): 3 features and 1 action
    history = ddpg(Pendulum(), actor, critic, DDPGConfig(), rng)

Letters: B batch, D numbers in an action, N walkers, x features of a state, u numbers from -1 to 1.
Left out: noise with a memory, two critics that check each other (TD3), an entropy to be kept up (SAC).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.losses import squared_error
from rlcore.learning.on_policy import check_settings
from rlcore.learning.policies import Value
from rlcore.learning.progress import Progress
from rlcore.learning.replay import Batch, ReplayBuffer
from rlcore.learning.rollout import Act, Runner, evaluate, make_runner
from rlcore.nn.layers import Forward, Params, Pullback, blend, copy, tanh
from rlcore.nn.optim import Adam
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind
from rlcore.problems.env import Box


@dataclass(frozen=True, eq=False)
class Actor:
    """mu(x), a network whose answers stay inside a Box: `action, back = actor(x)`.

        mu = centre + reach tanh(y),    centre and reach: the middle of the box, and half its width

    Learners change the arrays of `params` in place. Raises ValueError for a box that is none or has no bounds.
    """

    params: Params
    forward: Forward  # (params, x (B, n_features)) -> (y (B, D), back)
    box: Box

    def __post_init__(self) -> None:
        if not isinstance(self.box, Box):
            raise ValueError(f"box is {self.box!r}; it must be a Box: real-valued actions")
        for d, (low, high) in enumerate(zip(self.box.low, self.box.high)):
            if not -np.inf < low < high < np.inf:
                raise ValueError(
                    f"box goes from {low} to {high} in coordinate {d}; it needs finite low < high"
                )

    @property
    def reach(self) -> Array:
        """Half the width of the box.   -> (D,)"""
        return np.asarray((self.box.high - self.box.low) / 2)

    def spread(self, u: Array) -> Array:
        """centre + reach u: from -1 .. 1 to the box.   (..., D) -> (..., D)"""
        return np.asarray((self.box.high + self.box.low) / 2 + self.reach * u)

    def clip(self, action: Array) -> Array:
        """The nearest action inside the box.   (..., D) -> (..., D)"""
        return np.clip(action, self.box.low, self.box.high)

    def __call__(self, x: Array) -> tuple[Array, Pullback]:
        y, back = self.forward(self.params, x)
        u, back_u = tanh(y)
        return self.spread(u), lambda d_action: back(back_u(self.reach * d_action))


@dataclass(frozen=True)
class DDPGConfig:
    """What a run of `ddpg` needs to know; the numbers suit the pendulum. ValueError for one out of its range."""

    steps: int = 30_000  # of the environment, over all walkers
    gamma: float = 0.98  # discount
    lr: float = 5e-4  # of the actor's Adam
    critic_lr: float = 2e-3  # of the critic's
    batch: int = 64  # steps in a gradient
    capacity: int = 100_000  # steps in the memory
    warmup: int = 1_000  # steps with actions anywhere in the box, before the first gradient
    walkers: int = 16  # in lock-step
    collect: int = 8  # steps of each walker between two phases of learning
    updates: int = 64  # gradients of each network in a phase
    blend: float = 0.01  # how far the slow copies then move
    noise: float = 0.2  # standard deviation of what is added to an action; 1 is half the width of the box
    eval_every: int = 2_000  # steps between two evaluations
    eval_episodes: int = 64  # in each, without noise
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_settings(self, positive=("lr", "critic_lr"), least_0=("noise",), part=("blend",))
        if self.warmup > self.capacity:
            raise ValueError(f"warmup is {self.warmup}, more than the memory holds: capacity {self.capacity}")


def ddpg(env: Any, actor: Actor, critic: Value, cfg: DDPGConfig, rng: Generator) -> list[dict[str, float]]:
    """Train actor.params and critic.params in place.   -> history, a row an evaluation, one before any learning

    The critic maps features and action, side by side (B, n_features + D), to (B, 1). A row holds
        step, updates     environment steps, and gradients of each network so far
        loss              the critic's mean loss since the last row (nan before the first gradient)
        score             mean return of episodes without noise
        value, q          their mean discounted return, and what the critic promised at their starts

    Lillicrap et al. (2016), with N walkers instead of one, and Gaussian noise instead of one with a memory.
    Evaluations draw from a stream of their own. The defaults multiply matrices that linear algebra leaves to one
    thread; for larger ones, say it to be faster: OMP_NUM_THREADS=1.
    Raises ValueError for networks that do not fit the environment, or episodes that need not end.
    """
    check_kind(DDPGConfig, cfg=cfg)
    runner = make_runner(env, cfg.walkers, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe = runner.env.observe
    check_networks(runner.env, actor, critic, observe(runner.state))
    slow_actor = Actor(copy(actor.params), actor.forward, actor.box)
    slow_critic = Value(copy(critic.params), critic.forward)
    memory, adam, adam_critic = ReplayBuffer(cfg.capacity), Adam(cfg.lr), Adam(cfg.critic_lr)
    history: list[dict[str, float]] = []
    bar = Progress("ddpg", cfg.steps)
    step = 0
    losses: list[float] = []
    while True:
        if step >= min(cfg.steps, cfg.eval_every * len(history)):
            row = {"step": step, "updates": adam.t, "loss": float(np.mean(losses)) if losses else np.nan}
            history.append({**row, **assess(judge, actor, critic, cfg.gamma)})
            losses.clear()
            if step >= cfg.steps or history[-1]["score"] >= cfg.stop_at:
                bar.close()
                return history
        ready = len(memory) >= cfg.warmup
        act = noisy(actor, observe, cfg.noise) if ready else anywhere(actor)
        memory.add(runner.collect(act, cfg.collect))
        step += cfg.walkers * cfg.collect
        bar(step)
        for _ in range(cfg.updates if ready else 0):
            batch = memory.sample(cfg.batch, rng)
            loss, grads = critic_gradient(critic, slow_actor, slow_critic, batch, observe, cfg.gamma)
            adam_critic.step(critic.params, grads)
            adam.step(actor.params, actor_gradient(actor, critic, observe(batch.state))[1])
            blend(slow_critic.params, critic.params, cfg.blend)
            blend(slow_actor.params, actor.params, cfg.blend)
            losses.append(loss)


def judged(critic: Value, x: Array, action: Array) -> tuple[Array, Callable[[Array], tuple[Array, Params]]]:
    """Q(s, a), features and action side by side.   (B, n), (B, D) -> (B,);   back: (B,) -> d_action, grads"""
    Q, back = critic(np.concatenate([x, action], axis=-1))

    def pullback(d_Q: Array) -> tuple[Array, Params]:
        d_input, grads = back(d_Q[..., None])
        return d_input[..., x.shape[-1] :], grads

    return Q[..., 0], pullback


def critic_gradient(
    critic: Value,
    slow_actor: Actor,
    slow_critic: Value,
    batch: Batch,
    observe: Callable[[Any], Array],
    gamma: float,
) -> tuple[float, Params]:
    """The critic's loss on a batch, and its gradient; the target is a constant.

        target = r + gamma (1 - terminated) Q'(s', mu'(s')),     mean of (Q(s, a) - target)^2 / 2

    One step of Q-learning, with mu'(s') for the best action. Lillicrap et al. (2016), Algorithm 1.
    [eq:ddpg-critic]
    """
    x_next = observe(batch.next_state)
    next_value, _ = judged(slow_critic, x_next, slow_actor(x_next)[0])
    target = batch.reward + gamma * ~batch.terminated * next_value  # (B,)
    Q, back = judged(critic, observe(batch.state), batch.action)
    loss, d_Q = squared_error(Q, target)
    return loss, back(d_Q)[1]


def actor_gradient(actor: Actor, critic: Value, x: Array) -> tuple[float, Params]:
    """-mean(Q(s, mu(s))) and its gradient: through the critic to the action, through the actor to its parameters.

        d/dtheta = -mean of  dmu(s)/dtheta * dQ(s, a)/da  at a = mu(s)          the critic stands still

    The deterministic policy gradient, Silver et al. (2014); states count as often as the memory shows them.
    [eq:deterministic-gradient]
    """
    action, back_actor = actor(x)
    Q, back_critic = judged(critic, x, action)
    d_action, _ = back_critic(np.full_like(Q, -1 / len(Q)))
    return -float(Q.mean()), back_actor(d_action)[1]


# ---------------------------------------------------------------- walking


def noisy(actor: Actor, observe: Callable[[Any], Array], noise: float) -> Act:
    """mu(s) + noise * reach * a standard normal, cut to the box; what is remembered is what was done.

    Nobody asks for log-probabilities: nan.
    """

    def act(state: Array, rng: Generator) -> tuple[Array, Array]:
        action, _ = actor(observe(state))
        action = actor.clip(action + noise * actor.reach * rng.standard_normal(action.shape))
        return action, np.full(len(action), np.nan)

    return act


def anywhere(actor: Actor) -> Act:
    """Actions uniform in the box, whatever the state."""

    def act(state: Array, rng: Generator) -> tuple[Array, Array]:
        u = rng.uniform(-1.0, 1.0, (len(state), len(actor.reach)))
        return actor.spread(u), np.full(len(state), np.nan)

    return act


def assess(judge: Runner, actor: Actor, critic: Value, gamma: float) -> dict[str, float]:
    """One episode of every walker without noise: what it scored, what that was worth, what the critic promised."""
    judge.restart()
    x = judge.env.observe(judge.state)
    promised, _ = judged(critic, x, actor(x)[0])
    score, value = evaluate(judge, noisy(actor, judge.env.observe, 0.0), gamma)
    return {"score": float(score.mean()), "value": float(value.mean()), "q": float(promised.mean())}


# ---------------------------------------------------------------- doors


def check_networks(env: Any, actor: Actor, critic: Value, x: Array) -> None:
    """Raise ValueError unless both networks take features x (N, n_features), and the actor's box is that of env."""
    check_kind(Actor, actor=actor)
    check_kind(Value, critic=critic)
    if not isinstance(env.actions, Box):
        raise ValueError(f"env has numbered actions, {env.actions}; ddpg needs real-valued ones, a Box")
    for side in ("low", "high"):
        mine, wanted = getattr(actor.box, side), getattr(env.actions, side)
        if not np.array_equal(mine, wanted):
            raise ValueError(f"actor.box.{side} is {mine}; that of env.actions is {wanted}")
    try:
        action, D = actor(x)[0], len(env.actions.low)
    except ValueError as error:
        raise ValueError(f"actor does not take features of shape {x.shape}: {error}") from None
    if action.shape != (len(x), D):
        raise ValueError(f"actor gives shape {action.shape} for {len(x)} states; it must be {(len(x), D)}")
    seen = np.concatenate([x, action], axis=-1)
    try:
        shape = critic(seen)[0].shape
    except ValueError as error:
        raise ValueError(f"critic does not take features and actions, {seen.shape}: {error}") from None
    if shape != (len(x), 1):
        raise ValueError(f"critic gives shape {shape} for {len(x)} states; it must be {(len(x), 1)}")
