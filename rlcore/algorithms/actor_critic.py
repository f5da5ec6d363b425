"""Actor-critic: a policy that learns from what a critic says of each step, and a critic that learns beside it.

    policy loss = -mean(A log pi(a|s)) - c_H mean H(pi)           A = advantage(...), a constant
    value loss  = mean((V(s) - target)^2) / 2                     target = V(s) + target(...), a constant

Many walkers in lock-step take a few steps each, and then policy and critic take one: advantage actor-critic,
A2C. Which estimate says how good a step was is a function in the configuration, one for each of the two:

    td                        one reward, then the critic's word: little noise, much bias
    monte_carlo               all rewards there are, the critic only behind them: much noise, little bias
    partial(gae, lam=0.95)    between them

All three come from learning/on_policy.py, and bootstrap from where a step led: V counts behind a time limit,
and is 0 where the problem ended.

    rng = np.random.default_rng(0)
    policy = Policy(mlp_params([4, 64, 2], rng, last_gain=0.01), mlp, Categorical())
    value = Value(mlp_params([4, 64, 1], rng), mlp)
    history = actor_critic(CartPole(), policy, value, ActorCriticConfig(stop_at=475), rng)

Letters: T steps, N walkers, B = T N steps of an update.
Left out: walkers that do not wait for each other (A3C).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.losses import average, reinforce_loss, squared_error
from rlcore.learning.on_policy import (
    Estimate,
    Steps,
    actor,
    check_fit,
    check_settings,
    explained_variance,
    fixed_steps,
    judged,
    mean_score,
    recent_return,
)
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.returns import gae
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import Params
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.problems.doors import check_kind

MOSTLY_REWARDS = partial(gae, lam=0.95)


@dataclass(frozen=True)
class ActorCriticConfig:
    """What a run of `actor_critic` needs to know; the numbers suit CartPole. ValueError for one out of range."""

    steps: int = 100_000  # of the environment, over all walkers
    walkers: int = 16  # in lock-step
    T: int = 8  # steps of each between two updates
    gamma: float = 0.99  # discount
    advantage: Estimate = MOSTLY_REWARDS  # or td, monte_carlo: what the policy learns from
    target: Estimate = MOSTLY_REWARDS  # or td, monte_carlo: what the critic learns from
    entropy: float = 0.0  # c_H: what a nat of entropy is worth
    lr: float = 3e-3  # of the policy's Adam
    value_lr: float = 3e-3  # of the critic's
    max_norm: float = 0.5  # longest gradient, of policy and critic each
    eval_every: int = 20  # updates between two evaluations
    eval_episodes: int = 100  # in each, with actions drawn from the policy
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_settings(self, positive=("lr", "value_lr", "max_norm"), least_0=("entropy",))


def actor_critic(
    env: Any, policy: Policy, value: Value, cfg: ActorCriticConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train policy.params and value.params in place.   -> history, a row an update

        step                  environment steps so far
        return                mean return of the episodes that ended since the row before (nan: none)
        score                 mean return of an evaluation (nan: not in this row)
        entropy               mean entropy of the policy that walked
        value_loss            of the critic on its targets, before the update
        explained_variance    of the targets, by the critic before the update

    Sutton & Barto, section 13.5; Mnih et al. (2016), with walkers that wait for each other. Evaluations draw
    from a stream of their own.
    Raises ValueError for networks that do not fit the environment, or episodes that need not end.
    """
    check_kind(ActorCriticConfig, cfg=cfg)
    check_kind(Value, value=value)
    runner = make_runner(env, cfg.walkers, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe, act = runner.env.observe, actor(policy, runner.env.observe)
    check_fit(runner.env, policy, observe(runner.state), value=value)
    adam, adam_critic = Adam(cfg.lr), Adam(cfg.value_lr)
    history: list[dict[str, float]] = []
    bar = Progress("actor_critic", cfg.steps)
    step, score = 0, np.nan
    while step < cfg.steps and not score >= cfg.stop_at:
        walks = fixed_steps(runner, act, cfg.T)
        steps = judged(walks, policy, value, observe, cfg.advantage, cfg.gamma, cfg.target)

        grads, H = policy_gradient(policy, steps, cfg.entropy)
        adam.step(policy.params, clip_by_norm(grads, cfg.max_norm))
        grads, loss = value_gradient(value, steps)
        adam_critic.step(value.params, clip_by_norm(grads, cfg.max_norm))

        step += len(steps)
        look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
        score = mean_score(judge, act) if look else np.nan
        row = {"step": step, "return": recent_return(runner), "score": score, "entropy": H}
        explained = explained_variance(steps.value, steps.target)
        history.append({**row, "value_loss": loss, "explained_variance": explained})
        bar(step)
    bar.close()
    return history


def policy_gradient(policy: Policy, steps: Steps, entropy: float) -> tuple[Params, float]:
    """The gradient of -mean(A log pi) - c_H H with respect to policy.params, and H, the mean entropy.

    [eq:actor-loss]  A is a constant here, whoever estimated it.
    """
    y, back = policy(steps.x)
    logp, back_logp = policy.head.log_prob(y, steps.action)  # (B,)
    H, back_H = policy.head.entropy(y)  # (B,)
    _, d_logp = reinforce_loss(logp, steps.advantage)
    mean_H, d_H = average(H)
    return back(back_logp(d_logp) - entropy * back_H(d_H))[1], mean_H


def value_gradient(value: Value, steps: Steps) -> tuple[Params, float]:
    """The gradient of mean((V - target)^2) / 2 with respect to value.params, and that error.

    [eq:critic-loss]  The target is a constant, though V may have had a part in it.
    """
    v, back = value(steps.x)  # (B, 1)
    loss, d_v = squared_error(v[:, 0], steps.target)
    return back(d_v[:, None])[1], loss
