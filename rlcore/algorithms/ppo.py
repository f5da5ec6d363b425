"""Proximal policy optimisation: several steps on the same experience, and none of them too far.

    loss = surrogate(r, A) - c_H H(pi) + l(V(s) - target)        r = pi(a|s) / pi_old(a|s)

    PPOClip(0.2)                  the push ends where r has gone far enough in the direction of A
    PPOPenalty(beta)              a price on KL(old || new)
    PPOPenalty(beta, target)      a price that follows what the divergence has been

The policy that walked is `old`; while the epochs go on, it stands still in `steps.logp` and `steps.y`. Without
a critic (value=None) the advantage of a step is its return, over whole episodes: the pure policy-gradient version.

    rng = np.random.default_rng(0)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    value = Value(mlp_params([4, 64, 64, 1], rng, **init), mlp)
    history = ppo(CartPole(), policy, value, PPOConfig(stop_at=475), rng)

Letters: T steps, N walkers, B steps in a minibatch.
Left out: networks that policy and critic share, scaling of observations and rewards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.losses import (
    PPOClip,
    PPOPenalty,
    average,
    clip_fraction,
    squared_error,
    standardised,
)
from rlcore.learning.on_policy import (
    NO_CRITIC,
    Steps,
    actor,
    check_factor,
    check_fit,
    check_settings,
    explained_variance,
    fixed_steps,
    judged,
    mean_score,
    minibatches,
    recent_return,
    whole_episodes,
)
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.returns import gae
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import Params
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind

Surrogate: TypeAlias = PPOClip | PPOPenalty
Schedule: TypeAlias = Callable[[float], float]  # part of the run that is left, 1 to 0 -> factor
ValueLoss: TypeAlias = Callable[[Array, Array, Array], tuple[float, Array]]  # (value, value_old, target)


def constant(left: float) -> float:
    """The schedule that changes nothing."""
    return 1.0


def linear(left: float) -> float:
    """The schedule that falls to 0 in a straight line."""
    return left


def plain_error(value: Array, value_old: Array, target: Array) -> tuple[float, Array]:
    """Half the mean square, wherever the value was before.   partial(clipped_squared_error, clip=...) looks."""
    return squared_error(value, target)


def as_they_are(advantage: Array) -> Array:
    """Advantages that nobody scales."""
    return advantage


@dataclass(frozen=True)
class PPOConfig:
    """What a run of `ppo` needs to know; the numbers suit CartPole. ValueError for one out of its range."""

    steps: int = 40_000  # of the environment, over all walkers
    walkers: int = 16  # in lock-step
    T: int = 32  # steps of each between two updates; without a critic, one whole episode instead
    gamma: float = 0.99  # discount
    lam: float = 0.9  # of the advantages: 0 trusts the critic, 1 the rewards
    surrogate: Surrogate = field(default_factory=PPOClip)  # or PPOPenalty
    epochs: int = 3  # how often an update goes through its steps
    minibatch: int = 64  # steps in a gradient, or a few more
    normalise: Callable[[Array], Array] = standardised  # advantages of a minibatch; or as_they_are
    entropy: float = 0.0  # c_H: what a nat of entropy is worth
    value_loss: ValueLoss = plain_error  # or partial(clipped_squared_error, clip=0.2)
    kl_stop: float = np.inf  # mean KL(old || new) of an epoch after which no other one follows
    lr: float = 7e-3  # of Adam
    lr_schedule: Schedule = linear  # or constant
    clip_schedule: Schedule = linear  # of PPOClip; or constant
    max_norm: float = 0.5  # longest gradient, of policy and critic each
    eval_every: int = 2  # updates between two evaluations
    eval_episodes: int = 100  # in each, with actions drawn from the policy
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_settings(self, positive=("lr", "max_norm", "kl_stop"), least_0=("entropy",), part=("lam",))
        if not isinstance(self.surrogate, (PPOClip, PPOPenalty)):
            raise ValueError(f"surrogate is {self.surrogate!r}; it must be PPOClip(...) or PPOPenalty(...)")


def ppo(
    env: Any, policy: Policy, value: Value | None, cfg: PPOConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, a row an update

        step, updates          environment steps and gradients so far
        return                 mean return of the episodes that ended since the row before (nan: none)
        score                  mean return of an evaluation (nan: not in this row)
        kl, clip_fraction, zero_gradient, entropy, explained_variance         see `report`
        beta                   the penalty's price in this update (nan: a clip has none)

    Schulman, Wolski, Dhariwal, Radford & Klimov (2017), Algorithm 1. Evaluations draw from a stream of their
    own. Matrices as small as these are fastest on one thread: OMP_NUM_THREADS=1.
    Raises ValueError for networks that do not fit the environment, or episodes that need not end.
    """
    check_kind(PPOConfig, cfg=cfg)
    runner = make_runner(env, cfg.walkers, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe, act = runner.env.observe, actor(policy, runner.env.observe)
    check_fit(runner.env, policy, observe(runner.state), value=value)
    walk, critic, lam = (whole_episodes, NO_CRITIC, 1.0) if value is None else (fixed_steps, value, cfg.lam)
    surrogate, adam, adam_critic = cfg.surrogate, Adam(cfg.lr, eps=1e-5), Adam(cfg.lr, eps=1e-5)
    history: list[dict[str, float]] = []
    bar = Progress("ppo", cfg.steps)
    step, score = 0, np.nan
    while step < cfg.steps and not score >= cfg.stop_at:
        left = 1 - step / cfg.steps
        adam.lr = adam_critic.lr = cfg.lr * check_factor("lr_schedule", cfg.lr_schedule(left))
        now = shrunk(surrogate, check_factor("clip_schedule", cfg.clip_schedule(left)))

        walks = walk(runner, act, cfg.T)
        steps = judged(walks, policy, critic, observe, partial(gae, lam=lam), cfg.gamma)
        for _ in range(cfg.epochs):
            kl = 0.0
            for batch in minibatches(steps, cfg.minibatch, rng):
                grads, divergence = policy_gradient(policy, batch, now, cfg)
                adam.step(policy.params, clip_by_norm(grads, cfg.max_norm))
                grads = value_gradient(critic, batch, cfg)
                adam_critic.step(critic.params, clip_by_norm(grads, cfg.max_norm))
                kl += divergence * len(batch) / len(steps)
            if kl > cfg.kl_stop:
                break

        step += len(steps)
        row = report(policy, steps, now)
        surrogate = surrogate.adapted(row["kl"])
        look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
        score = mean_score(judge, act) if look else np.nan
        history.append(
            {"step": step, "updates": adam.t, "return": recent_return(runner), "score": score, **row}
        )
        bar(step)
    bar.close()
    return history


def policy_gradient(
    policy: Policy, batch: Steps, surrogate: Surrogate, cfg: PPOConfig
) -> tuple[Params, float]:
    """The gradient of surrogate - c_H H with respect to policy.params, and the batch's mean KL(old || new).

    All three parts are functions of what the network says, y (B, Y); they meet there and go back together.
    The critic's part of the loss is in `value_gradient`.   [eq:total-loss]
    """
    y, back = policy(batch.x)
    logp, back_logp = policy.head.log_prob(y, batch.action)  # (B,)
    divergence, back_kl = policy.head.kl(batch.y, y)  # (B,)
    _, d_logp, d_kl = surrogate.loss(logp, batch.logp, divergence, cfg.normalise(batch.advantage))
    d_y = back_logp(d_logp)
    if d_kl.any():  # a clip puts no price on the divergence
        d_y = d_y + back_kl(d_kl)
    if cfg.entropy:
        H, back_H = policy.head.entropy(y)  # (B,)
        d_y = d_y - cfg.entropy * back_H(average(H)[1])
    return back(d_y)[1], float(divergence.sum() / len(batch))


def value_gradient(value: Value, batch: Steps, cfg: PPOConfig) -> Params:
    """The gradient of the critic's loss with respect to value.params."""
    v, back = value(batch.x)  # (B, 1)
    _, d_v = cfg.value_loss(v[:, 0], batch.value, batch.target)
    return back(d_v[:, None])[1]


def shrunk(surrogate: Surrogate, factor: float) -> Surrogate:
    """A surrogate whose clip is that much smaller; a penalty has none, and stays.   factor > 0"""
    if isinstance(surrogate, PPOPenalty):
        return surrogate
    clip = surrogate.clip
    return replace(
        surrogate, clip=(factor * clip[0], factor * clip[1]) if isinstance(clip, tuple) else factor * clip
    )


def report(policy: Policy, steps: Steps, surrogate: Surrogate) -> dict[str, float]:
    """What an update did, on all of its steps.

    kl                    mean KL(old || new), exact over the actions
    clip_fraction         steps whose ratio left the clip's range, on either side
    zero_gradient         steps that push no more, as they have gone far enough in their own direction
    entropy               mean entropy of the new policy
    explained_variance    of the targets, by the critic as it was before
    """
    y = policy(steps.x)[0]
    logp, divergence = policy.head.log_prob(y, steps.action)[0], policy.head.kl(steps.y, y)[0]
    _, d_logp, _ = surrogate.loss(logp, steps.logp, divergence, steps.advantage)
    return {
        "kl": float(divergence.mean()),
        "clip_fraction": clip_fraction(logp, steps.logp, getattr(surrogate, "clip", np.inf)),
        "zero_gradient": float(np.mean(d_logp == 0)),
        "entropy": float(policy.head.entropy(y)[0].mean()),
        "explained_variance": explained_variance(steps.value, steps.target),
        "beta": getattr(surrogate, "beta", np.nan),
    }
