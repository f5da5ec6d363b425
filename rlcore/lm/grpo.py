"""Group relative policy optimisation: the critic is the other responses to the same prompt.

    A_i  = (r_i - mean(r)) / std(r)                        of a group of G responses to one prompt
    loss = sum of weight * ( -min(ratio A, clip(ratio) A) + beta k3 )     ratio = pi / pi_old

Every token of a response has the advantage of the whole. Four things are chosen, each a function:

    advantage    (P, G) -> (P, G)   group_advantage, or partial(group_advantage, scale=False), rloo_advantage
    ratio        what it is taken of: of_tokens, of_means (a whole response, per token) or of_sums (a whole one)
    weight       what a token counts: mean_of_means, token_mean, over_longest or sum_over_batch
    estimator    of the divergence in the loss: by_k3, by_k2 or by_k1

and with them its relatives, whose names are those of the papers: DR_GRPO, DAPO, GSPO, RLOO. What papers and programs
take by default stands in `lm.conventions`.

What the loss says is no measure of progress: on fresh samples the ratio is 1, and with mean_of_means the surrogate
is 0 whatever the policy.
A group whose rewards are all equal pushes nothing. Two divisions have a side effect each: by a response's own
length, right answers get shorter and wrong ones longer; by the group's spread, prompts that are hardly ever or
nearly always answered are pushed more.

Letters: P prompts, G responses of a group, B = P G, L tokens of a response, U units that a ratio is taken of.
Left out: new groups in the place of silent ones (part of DAPO), penalties on long responses, minibatches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.learning.kl import d_k1, d_k2, d_k3, k1, k2, k3
from rlcore.learning.losses import Clip, PPOClip, clip_fraction, clipped_surrogate
from rlcore.learning.returns import group_advantage, rloo_advantage
from rlcore.lm.evaluate import Judge, no_judge
from rlcore.lm.models import LanguageModel, check_languages, token_logp
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.tasks import Reward, ask
from rlcore.nn.layers import Params
from rlcore.nn.optim import SGD, Adam
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_functions, check_kind, is_number

# ---------------------------------------------------------------- what a ratio is taken of

Unit: TypeAlias = Callable[[Array, Array], tuple[Array, Array, Callable[[Array], Array]]]
"""logp (B, L), 0 on pads, and counts (B, L) -> logp (B, U), which of them count (B, U), back to (B, L)"""


def of_tokens(logp: Array, counts: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
    """A ratio for each token: U = L."""
    return logp, counts, lambda d: d


def of_means(logp: Array, counts: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
    """One a response, the geometric mean of its tokens' ratios: U = 1.

    A mean of many tokens moves little, so the paper clips it at (3e-4, 4e-4).   Zheng et al. (2025), GSPO.
    """
    n = counts.sum(axis=1, keepdims=True, dtype=logp.dtype)
    return logp.sum(axis=1, keepdims=True) / n, np.ones_like(n, bool), lambda d: counts * (d / n)


def of_sums(logp: Array, counts: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
    """One a response, pi(y | x) / pi_old(y | x) itself: U = 1."""
    one = np.ones((len(logp), 1), bool)
    return logp.sum(axis=1, keepdims=True), one, lambda d: counts * d


# ---------------------------------------------------------------- what a token counts

Weight: TypeAlias = Callable[[Array, int], Array]  # counts (B, U), most tokens of a response -> (B, U)


def mean_of_means(counts: Array, longest: int) -> Array:
    """1 / (B length): a mean over responses, of means over their tokens. Long responses are pushed less a token.

    [eq:weights]
    """
    return np.asarray(counts / (len(counts) * counts.sum(axis=1, keepdims=True)))


def token_mean(counts: Array, longest: int) -> Array:
    """1 / (all tokens of the batch): every token counts the same.   Yu et al. (2025), DAPO."""
    return np.asarray(counts / counts.sum())


def over_longest(counts: Array, longest: int) -> Array:
    """1 / (B longest), a constant: not the longest of the batch, which changes.   Liu et al. (2025), Dr. GRPO."""
    return np.asarray(counts / (len(counts) * longest))


def sum_over_batch(counts: Array, longest: int) -> Array:
    """1 / B: a mean over responses, of sums over their tokens."""
    return np.asarray(counts / len(counts))


# ---------------------------------------------------------------- what the divergence costs, in the loss

Estimator: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]  # logp, logp_ref -> value, slope


def by_k3(logp: Array, logp_ref: Array) -> tuple[Array, Array]:
    """On average it pushes along KL(ref || pi), the other divergence, if its unit is the whole response.

    (B, U) twice -> value, slope (B, U), as the others
    """
    return k3(logp, logp_ref), d_k3(logp, logp_ref)


def by_k2(logp: Array, logp_ref: Array) -> tuple[Array, Array]:
    """On average it pushes along KL(pi || ref), if its unit is the whole response (of_sums)."""
    return k2(logp, logp_ref), d_k2(logp, logp_ref)


def by_k1(logp: Array, logp_ref: Array) -> tuple[Array, Array]:
    """On average it pushes nowhere: here to be tried, not to be used."""
    return k1(logp, logp_ref), d_k1(logp, logp_ref)


# ---------------------------------------------------------------- the configuration, and its relatives


@dataclass(frozen=True)
class GRPOConfig:
    """What a run of `grpo` needs to know.   ValueError for a number out of its range."""

    iterations: int = 300  # rounds of sampling
    prompts: int = 24  # groups in each
    group: int = 8  # G responses to a prompt
    epochs: int = 1  # gradient steps on each round; from the second one on the ratio is not 1
    clip: Clip = 0.2  # of the ratio, or (low, high)
    advantage: Callable[[Array], Array] = group_advantage  # (P, G) -> (P, G)
    ratio: Unit = of_tokens  # or of_means, of_sums
    weight: Weight = mean_of_means  # or token_mean, over_longest, sum_over_batch
    beta: float = 0.2  # what a nat from the reference costs, in the loss
    estimator: Estimator = by_k3  # of that divergence
    divergence_of: Unit = of_tokens  # what it is estimated of
    reward_beta: float = 0.0  # what a nat costs in the reward: log pi_old / ref of the response
    lr: float = 5e-2  # of the optimiser
    optimiser: Callable[[float], SGD | Adam] = Adam  # or SGD
    every: int = 10  # iterations between two rows of the history

    def __post_init__(self) -> None:
        check_count("iterations", self.iterations, 0)
        for name, least in (("prompts", 1), ("group", 2), ("epochs", 1), ("every", 1)):
            check_count(name, getattr(self, name), least)
        for name in ("beta", "reward_beta", "lr"):
            x = getattr(self, name)
            if not is_number(x) or not 0 <= x < inf or (name == "lr" and x == 0):
                room = "> 0" if name == "lr" else ">= 0"
                raise ValueError(f"{name} is {x!r}; it must be a finite number {room}")
        for name in ("advantage", "ratio", "weight", "estimator", "divergence_of", "optimiser"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be a function")
        PPOClip(self.clip)  # refuses what is no clip


# Prices, clips and rates suit the preference task; those of the papers suit models a million times as large.
GRPO = GRPOConfig()
DR_GRPO = replace(GRPO, advantage=partial(group_advantage, scale=False), weight=over_longest)
DAPO = replace(GRPO, clip=(0.2, 0.28), weight=token_mean, beta=0.0)
GSPO = replace(GRPO, ratio=of_means)
RLOO = replace(
    GRPO, advantage=rloo_advantage, ratio=of_sums, weight=sum_over_batch, beta=0.0, reward_beta=0.2
)

# ---------------------------------------------------------------- the loop


@dataclass(frozen=True, eq=False)
class Groups:
    """B = P G responses, those to one prompt side by side, and what does not change while steps are taken."""

    prompt: Array  # (B,) int
    response: Array  # (B, L) int
    counts: Array  # (B, L) bool: which tokens were chosen
    logp_old: Array  # (B, L) of the policy that drew them
    logp_ref: Array  # (B, L) of the reference
    reward: Array  # (B,) the task's
    advantage: Array  # (B,)


def grpo(
    model: LanguageModel,
    ref: LanguageModel,
    reward: Reward,
    cfg: GRPOConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model.params in place on its own responses.   -> history, a row every `every` iterations and at the end

        iteration, samples      rounds and responses so far
        reward, length          means over this round's responses
        silent                  the part of its groups that push nothing, their advantages being 0
        loss, kl, clip_fraction of its last step: see `group_gradient`
        and what the judge says of the model after it

    Shao et al. (2024), DeepSeekMath.   Raises ValueError for rewards that are no finite numbers, one a response;
    where model and ref speak two languages; and for a response that ref never gives, if the distance has a price.
    """
    check_kind(GRPOConfig, cfg=cfg)
    check_functions(reward=reward, judge=judge)
    check_languages(model, ref=ref)
    optimiser = cfg.optimiser(cfg.lr)
    history: list[dict[str, float]] = []
    for iteration in range(1, cfg.iterations + 1):
        groups = draw_groups(model, ref, reward, cfg, rng)
        for _ in range(cfg.epochs):
            row, grads = group_gradient(model, groups, cfg)
            optimiser.step(model.params, grads)
        if iteration % cfg.every == 0 or iteration == cfg.iterations:
            said = {
                "iteration": iteration,
                "samples": iteration * cfg.prompts * cfg.group,
                "reward": float(groups.reward.mean()),
                "length": float(groups.counts.sum(axis=1).mean()),
                "silent": float(np.mean(~groups.advantage.reshape(cfg.prompts, -1).any(axis=1))),
            }
            history.append({**said, **row, **judge(model)})
    return history


def draw_groups(
    model: LanguageModel, ref: LanguageModel, reward: Reward, cfg: GRPOConfig, rng: Generator
) -> Groups:
    """Speak, ask for rewards, compare within groups.

    A price in the reward is one number a response, known to the policy that spoke: no gradient flows through it.
    """
    prompt = np.repeat(draw_prompts(model.language, cfg.prompts, rng), cfg.group)  # (B,)
    response, logp_old = sample(model, prompt, rng)  # (B, L) twice
    logp_ref, _ = token_logp(ref, prompt, response)
    if cfg.beta or cfg.reward_beta:
        for b, _ in np.argwhere(np.isneginf(logp_ref))[:1]:
            raise ValueError(
                f"ref never says {model.language.decode(response[b])!r}; with beta or reward_beta > 0 it has to"
            )
    r = ask(reward, prompt, response)
    paid = r - cfg.reward_beta * k1(logp_old, logp_ref).sum(axis=1) if cfg.reward_beta else r
    advantage = cfg.advantage(paid.reshape(cfg.prompts, cfg.group)).ravel().astype(logp_old.dtype)
    counts = model.language.counts(response)
    return Groups(prompt, response, counts, logp_old, logp_ref, r, advantage)


def group_gradient(model: LanguageModel, groups: Groups, cfg: GRPOConfig) -> tuple[dict[str, float], Params]:
    """The loss of some groups and its gradient.   -> row, grads   [eq:grpo]

    loss             surrogate plus beta times the estimator
    kl               mean over responses of the sum of k3 over tokens, near KL(pi || ref) as long as pi is near pi_old
    clip_fraction    units whose ratio is outside the clip's range
    """
    longest = model.language.length
    logp, back = token_logp(model, groups.prompt, groups.response)  # (B, L)

    x, counts, back_x = cfg.ratio(logp, groups.counts)  # (B, U)
    x_old, _, _ = cfg.ratio(groups.logp_old, groups.counts)
    A = np.broadcast_to(groups.advantage[:, None], x.shape)
    loss, d_x = clipped_surrogate(x, x_old, A, cfg.clip, cfg.weight(counts, longest))
    d_logp = back_x(d_x)

    if cfg.beta:
        cost, d_cost = divergence_cost(logp, groups, cfg, longest)
        loss, d_logp = loss + cfg.beta * cost, d_logp + cfg.beta * d_cost
    row = {
        "loss": loss,
        "kl": float(k3(logp, groups.logp_ref).sum(axis=1).mean()),
        "clip_fraction": clip_fraction(x[counts], x_old[counts], cfg.clip),
    }
    return row, back(d_logp)


def divergence_cost(logp: Array, groups: Groups, cfg: GRPOConfig, longest: int) -> tuple[float, Array]:
    """The estimator's weighted sum and its gradient; the samples stay as they are.   (B, L) -> number, (B, L)"""
    x, counts, back = cfg.divergence_of(logp, groups.counts)  # (B, U)
    value, slope = cfg.estimator(x, cfg.divergence_of(groups.logp_ref, groups.counts)[0])
    weight: Any = cfg.weight(counts, longest).astype(x.dtype)
    return float((weight * value).sum()), back(weight * slope)
