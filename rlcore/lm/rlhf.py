"""Reinforcement learning from human feedback: PPO on a language model, near where it came from.

    J(pi) = E r(x, y) - beta KL(pi || ref)

A response is an episode: a token is an action, each token has its price, and the score comes with the last one
(`lm.priced`). The rewards of a response sum to J on average, so whoever does reinforcement learning on them climbs
J. All else is as on CartPole: `gae`, `clipped_surrogate`, `squared_error`, `Adam` and `clip_by_norm` are the same
functions.

    rlhf    advantages of tokens from a critic, several steps on the same responses: PPO
    rloo    no critic: how much better a response did than the others to its prompt, one step

    model, critic = as_trie(ref, tree), trie(language)
    history = rlhf(model, critic, ref, task.reward, RLHFConfig(), rng, near_reference(tree, log_ref, reward, 0.2))

The same price in other places is another matter. Put into the loss, k1 pushes nowhere on average. One number for
all responses to a prompt is a baseline: it pushes nowhere either. With its sign turned, the reward is higher on
average, and J is lower.

Letters: X prompts, B responses, L tokens of a response, P prompts of an update, G responses to each.
Left out: minibatches, bodies that policy and critic share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.losses import (
    Clip,
    PPOClip,
    clip_fraction,
    clipped_surrogate,
    reinforce_loss,
    squared_error,
    standardised,
)
from rlcore.learning.on_policy import explained_variance
from rlcore.learning.returns import gae, rloo_advantage
from rlcore.lm.evaluate import Judge, no_judge
from rlcore.lm.models import Back, LanguageModel, check_languages, sequence_logp, token_logp
from rlcore.lm.priced import KLPrice, Said, report, speak, token_reward
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import Reward
from rlcore.nn.layers import Params
from rlcore.nn.optim import Adam, clip_by_norm
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_functions, check_kind, check_probability, is_number

# ---------------------------------------------------------------- PPO


@dataclass(frozen=True)
class RLHFConfig:
    """What a run of `rlhf` needs to know; the numbers suit a trie of three tokens. ValueError out of range."""

    updates: int = 150  # times that new responses are drawn
    batch: int = 192  # responses in each
    epochs: int = 4  # gradients on the same responses
    price: KLPrice = field(default_factory=KLPrice)  # beta, fixed or following a target
    lam: float = 0.95  # of the advantages: 0 trusts the critic, 1 the score; there is no discount
    clip: Clip = 0.2  # of the ratio: epsilon, or (low, high)
    normalise: Callable[[Array], Array] = standardised  # advantages of the tokens that count; or as_they_are
    lr: float = 5e-2  # of the policy's Adam
    critic_lr: float = 1e-1  # of the critic's
    max_norm: float = 1.0  # longest gradient, of policy and critic each
    every: int = 10  # updates between two rows of the history

    def __post_init__(self) -> None:
        PPOClip(self.clip)  # refuses what is no clip
        check_probability("lam", self.lam)
        if not callable(self.normalise):
            raise ValueError(f"normalise is {self.normalise!r}; it must be a function")
        check_numbers(self, counts=("batch", "epochs", "every"), positive=("lr", "critic_lr", "max_norm"))
        self.price.check(self.batch)


def rlhf(
    model: LanguageModel,
    critic: LanguageModel,
    ref: LanguageModel,
    reward: Reward,
    cfg: RLHFConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model.params and critic.params in place.   -> history, a row every `every` updates and one at the end

        responses             drawn so far
        reward, kl, length, entropy       see `report`
        J                     reward - beta kl
        beta                  the price of this update
        clip_fraction         tokens whose ratio left the clip's range, after the last epoch
        explained_variance    of the critic's targets, by the critic as it was before
        and what the judge says of the model after the update

    The critic is a model of its own, of which the first output is read as V(x, prefix).
    Raises ValueError where models speak different languages, or critic or ref is the model itself.
    Ziegler et al. (2019); Ouyang et al. (2022).
    """
    check_kind(RLHFConfig, cfg=cfg)
    check_functions(reward=reward, judge=judge)
    check_languages(model, critic=critic, ref=ref)
    price, adam, adam_critic = cfg.price, Adam(cfg.lr), Adam(cfg.critic_lr)
    history: list[dict[str, float]] = []
    for update in range(1, cfg.updates + 1):
        said = speak(model, ref, reward, draw_prompts(model.language, cfg.batch, rng), rng)
        v, _ = state_value(critic, said)  # (B, L)
        advantage = token_advantage(said, token_reward(said, price), v, cfg.lam)
        target = advantage + v
        for _ in range(cfg.epochs):
            grads = policy_gradient(model, said, advantage, cfg)
            adam.step(model.params, clip_by_norm(grads, cfg.max_norm))
            grads = value_gradient(critic, said, target)
            adam_critic.step(critic.params, clip_by_norm(grads, cfg.max_norm))

        if update % cfg.every == 0 or update == cfg.updates:
            logp, counts = token_logp(model, said.prompt, said.response)[0], said.counts
            row = report(said, price) | {
                "clip_fraction": clip_fraction(logp[counts], said.logp[counts], cfg.clip),
                "explained_variance": explained_variance(v[counts], target[counts]),
            }
            history.append({"responses": update * cfg.batch, **row, **judge(model)})
        price = price.adapted(float(said.kl.mean()), cfg.batch)
    return history


def token_advantage(said: Said, reward: Array, value: Array, lam: float) -> Array:
    """`gae` of tokens, without a discount: time runs down the rows there.   (B, L) twice -> (B, L)"""
    done = said.done.T  # (L, B)
    v = np.asarray(value.T, float)
    v_next = np.concatenate([v[1:], np.zeros_like(v[:1])])
    return gae(reward.T, v, v_next, done, done, gamma=1.0, lam=lam).T


def state_value(critic: LanguageModel, said: Said) -> tuple[Array, Back]:
    """V(x, prefix before each token): the first output.   -> (B, L);   back: (B, L) -> grads"""
    y, back = critic(said.prompt, said.response)  # (B, L, V)

    def pullback(d: Array) -> Params:
        whole = np.zeros_like(y)
        whole[..., 0] = d
        return back(whole)

    return y[..., 0], pullback


def policy_gradient(
    model: LanguageModel, said: Said, advantage: Array, cfg: RLHFConfig, weight: Array | None = None
) -> Params:
    """The gradient of `clipped_surrogate`, a mean over tokens unless weighted.   (B, L) -> grads"""
    counts = said.counts
    logp, back = token_logp(model, said.prompt, said.response)
    A = np.zeros_like(advantage)
    A[counts] = cfg.normalise(advantage[counts])
    share = counts / counts.sum() if weight is None else weight
    return back(clipped_surrogate(logp, said.logp, A, cfg.clip, share)[1])


def value_gradient(critic: LanguageModel, said: Said, target: Array) -> Params:
    """The gradient of half the mean square, a mean over tokens.   (B, L) -> grads"""
    v, back = state_value(critic, said)
    return back(squared_error(v, target, said.counts / said.counts.sum())[1])


# ---------------------------------------------------------------- the others as the baseline


@dataclass(frozen=True)
class RLOOConfig:
    """What a run of `rloo` needs to know.   ValueError for a number out of its range."""

    updates: int = 300  # gradient steps, each on new responses
    prompts: int = 24  # in each
    group: int = 8  # responses to each prompt, 2 or more
    price: KLPrice = field(default_factory=KLPrice)  # beta, fixed or following a target
    lr: float = 5e-2  # of Adam
    max_norm: float = 1.0  # longest gradient
    every: int = 10  # updates between two rows of the history

    def __post_init__(self) -> None:
        check_count("group", self.group, 2)
        check_numbers(self, counts=("prompts", "every"), positive=("lr", "max_norm"))
        self.price.check(self.prompts * self.group)


def rloo(
    model: LanguageModel,
    ref: LanguageModel,
    reward: Reward,
    cfg: RLOOConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """REINFORCE, leave one out: train model.params in place.   -> history, as `rlhf` without a critic's columns

        r = score - beta log(pi / ref),    A = r - mean of the others' r,    loss = -mean(A log pi(y | x))

    A whole response is one action here, and its price is paid with the score.
    Raises ValueError as `rlhf`.   Ahmadian et al. (2024).
    """
    check_kind(RLOOConfig, cfg=cfg)
    check_functions(reward=reward, judge=judge)
    check_languages(model, ref=ref)
    price, adam = cfg.price, Adam(cfg.lr)
    history: list[dict[str, float]] = []
    for update in range(1, cfg.updates + 1):
        prompt = np.repeat(draw_prompts(model.language, cfg.prompts, rng), cfg.group)
        said = speak(model, ref, reward, prompt, rng)
        r = token_reward(said, price).sum(axis=1)  # (P G,)
        advantage = rloo_advantage(r.reshape(-1, cfg.group)).ravel()
        logp, back = sequence_logp(model, said.prompt, said.response)
        grads = back(reinforce_loss(logp, advantage)[1])
        adam.step(model.params, clip_by_norm(grads, cfg.max_norm))

        if update % cfg.every == 0 or update == cfg.updates:
            row = report(said, price)
            history.append({"responses": update * len(said.prompt), **row, **judge(model)})
        price = price.adapted(float(said.kl.mean()), len(said.prompt))
    return history


# ---------------------------------------------------------------- what they share


def check_numbers(cfg: Any, *, counts: tuple[str, ...], positive: tuple[str, ...]) -> None:
    """Raise ValueError for a number out of its range: counts >= 1, updates >= 0, the positive ones > 0.

    A rate must be finite as well; a longest gradient may be inf.
    """
    check_count("updates", cfg.updates, 0)
    for name in counts:
        check_count(name, getattr(cfg, name), 1)
    for name in positive:
        x = getattr(cfg, name)
        if not is_number(x) or not x > 0 or (name.endswith("lr") and x == inf):
            raise ValueError(f"{name} is {x!r}; it must be a number > 0")
    if not isinstance(cfg.price, KLPrice):
        raise ValueError(f"price is {cfg.price!r}; it must be KLPrice(...)")
