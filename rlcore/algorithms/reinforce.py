"""REINFORCE: make what was done more probable, in proportion to what came of it.

    theta <- theta + lr g,    g = mean over episodes of  sum_t share_t (w_t - b(s_t)) d log pi(a_t | s_t) / dtheta

Functions in the configuration say which of its forms it is (the weights are those of learning/estimators.py):

    weight    full_return      all that the episode paid, for every step of it: G_0
              reward_to_go     what was paid from the step on: G_t
    share     alike            every step counts as much: what most programs do
              by_discount      step t counts gamma^t: with reward_to_go, the gradient of the discounted return

and so does the baseline b, a network that learns by least squares what w_t tends to be:

    None                                    no baseline
    Value({"b": np.zeros(1)}, constant)     one number for all states
    Value(mlp_params(...), mlp)             one that depends on what is seen

With full_return the weights are brought back to t = 0 already, so its share must be `alike`. The baseline is used
before it learns from the same episodes: then it changes the variance of g, not its mean.

    rng = np.random.default_rng(0)
    policy = Policy(mlp_params([4, 64, 2], rng, last_gain=0.01), mlp, Categorical())
    baseline = Value(mlp_params([4, 64, 1], rng), mlp)
    history = reinforce(CartPole(), policy, baseline, ReinforceConfig(stop_at=475), rng)

Letters: T steps, N episodes, B steps that count, D features.
Left out: updates before an episode has ended; that needs a critic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.estimators import full_return, reward_to_go
from rlcore.learning.losses import reinforce_loss, squared_error
from rlcore.learning.on_policy import (
    NO_CRITIC,
    Walks,
    actor,
    check_fit,
    check_settings,
    critic_says,
    explained_variance,
    mean_score,
    recent_return,
    whole_episodes,
)
from rlcore.learning.policies import Policy, Value
from rlcore.learning.progress import Progress
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import Params, Pullback
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.numerics import Array
from rlcore.problems.doors import check_kind

Weight: TypeAlias = Callable[..., Array]  # (walks, *, gamma) -> (T, N)
Share: TypeAlias = Callable[[Array, float], Array]  # (t (T, 1) = 0, 1, ..., gamma) -> (T, 1)


def alike(t: Array, gamma: float) -> Array:
    """Every step counts 1.   (T, 1) -> (T, 1)"""
    return np.ones(t.shape)


def by_discount(t: Array, gamma: float) -> Array:
    """Step t counts gamma^t.   (T, 1) -> (T, 1)"""
    return np.asarray(gamma**t)


def constant(params: Params, x: Array) -> tuple[Array, Pullback]:
    """A network that does not look: params["b"] (1,) for every x.   (..., D) -> (..., 1)"""

    def back(dy: Array) -> tuple[Array, Params]:
        return np.zeros_like(x), {"b": np.asarray(dy, params["b"].dtype).reshape(-1, 1).sum(axis=0)}

    return np.broadcast_to(params["b"], (*np.shape(x)[:-1], 1)), back


@dataclass(frozen=True)
class ReinforceConfig:
    """What a run of `reinforce` needs to know; the numbers suit CartPole. ValueError for one out of its range."""

    steps: int = 300_000  # of the environment, over all walkers; the last update may pass it
    episodes: int = 16  # in an update
    gamma: float = 0.99  # discount
    weight: Weight = reward_to_go  # or estimators.full_return
    share: Share = alike  # or by_discount
    lr: float = 1e-2  # of the policy's Adam
    baseline_lr: float = 1e-2  # of the baseline's
    baseline_steps: int = 10  # gradients that the baseline takes on the episodes of an update
    max_norm: float = np.inf  # longest gradient of the policy
    eval_every: int = 10  # updates between two evaluations
    eval_episodes: int = 100  # in each, with actions drawn from the policy
    stop_at: float = np.inf  # mean score of an evaluation that ends the run

    def __post_init__(self) -> None:
        check_settings(self, positive=("lr", "baseline_lr", "max_norm"))
        if self.weight is full_return and self.share is by_discount:
            raise ValueError("share is by_discount; full_return is discounted to t = 0 already: take alike")


def reinforce(
    env: Any, policy: Policy, baseline: Value | None, cfg: ReinforceConfig, rng: Generator
) -> list[dict[str, float]]:
    """Train policy.params and baseline.params in place.   -> history, a row an update

        step, episodes        so far
        return                mean return of the update's episodes
        score                 mean return of an evaluation (nan: not in this row)
        entropy               mean entropy of the policy that walked, over their steps
        explained_variance    of their weights, by the baseline before the update

    Williams (1992); Sutton & Barto, sections 13.3 and 13.4; without networks: `linear_reinforce`. Nothing comes
    after a time limit here: what counts is what an episode paid. Evaluations draw from a stream of their own.
    Raises ValueError for networks that do not fit the environment, or episodes that need not end.
    """
    check_kind(ReinforceConfig, cfg=cfg)
    runner = make_runner(env, cfg.episodes, rng)
    judge = make_runner(env, cfg.eval_episodes, rng.spawn(1)[0])
    observe, act = runner.env.observe, actor(policy, runner.env.observe)
    check_fit(runner.env, policy, observe(runner.state), baseline=baseline)
    guess = NO_CRITIC if baseline is None else baseline
    adam, adam_guess = Adam(cfg.lr), Adam(cfg.baseline_lr)
    history: list[dict[str, float]] = []
    bar = Progress("reinforce", cfg.steps)
    step, score = 0, np.nan
    while step < cfg.steps and not score >= cfg.stop_at:
        walks = whole_episodes(runner, act)
        grads, H = policy_gradient(policy, guess, walks, observe, cfg)
        adam.step(policy.params, clip_by_norm(grads, cfg.max_norm))

        x = observe(walks.state)[walks.live]  # (B, D)
        w = cfg.weight(walks, gamma=cfg.gamma)[walks.live]  # (B,)
        explained = explained_variance(critic_says(guess, x), w)
        for _ in range(cfg.baseline_steps):
            b, back = guess(x)
            adam_guess.step(guess.params, back(squared_error(b[:, 0], w)[1][:, None])[1])

        step += len(w)
        look = (len(history) + 1) % cfg.eval_every == 0 or step >= cfg.steps
        score = mean_score(judge, act) if look else np.nan
        row = {"step": step, "episodes": adam.t * cfg.episodes, "return": recent_return(runner)}
        history.append({**row, "score": score, "entropy": H, "explained_variance": explained})
        bar(step)
    bar.close()
    return history


def policy_gradient(
    policy: Policy, baseline: Value, walks: Walks, observe: Callable[[Any], Array], cfg: ReinforceConfig
) -> tuple[Params, float]:
    """-g with respect to policy.params, and the mean entropy: a sum over steps, a mean over episodes.

    advantage = share_t (w_t - b(s_t));   loss = -(1 / N) sum over what counts of advantage log pi(a|s)
    """
    live, (T, N) = walks.live, walks.live.shape
    x = observe(walks.state)  # (T, N, D)
    share = cfg.share(np.arange(T)[:, None], cfg.gamma)  # (T, 1)
    advantage = share * (cfg.weight(walks, gamma=cfg.gamma) - critic_says(baseline, x))  # (T, N)
    y, back = policy(x[live])
    logp, back_logp = policy.head.log_prob(y, walks.action[live])  # (B,)
    _, d_logp = reinforce_loss(logp, advantage[live], weight=np.full(logp.shape, 1 / N))
    return back(back_logp(d_logp))[1], float(policy.head.entropy(y)[0].mean())
