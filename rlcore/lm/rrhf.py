"""Ranking responses by their log-probability: RRHF, and the likelihood of the best one as its partner.

    loss = sum over i, j with r_i < r_j of max(0, p_i - p_j)  -  log pi(best | x)         p = log pi / length

For each prompt a few responses are drawn from the reference and ranked by their reward. The first part puts their
log-probabilities into the order of the rewards, and only the order counts; where it is right already it has
nothing more to say, however little the policy says any of them. The second part is supervised fine-tuning on the best
of the group. Together they come near the best of K draws; the order alone does not, and there is no KL penalty:
what holds the policy is that it is done.

The likelihood is a sum over the tokens of the best one. Some programs divide it by the width of the padded batch: then
its worth against the order depends on the longest response that happens to stand there.

Letters: B prompts, K responses of a group, L tokens of a response.
Left out: responses of other models and of people, which may stand in a group too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.random import Generator

from rlcore.learning.preferences import rrhf
from rlcore.lm.evaluate import Judge, no_judge
from rlcore.lm.models import LanguageModel, check_languages, token_logp
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.sft import sequence_nll
from rlcore.lm.tasks import Reward, ask
from rlcore.nn.layers import Params
from rlcore.nn.optim import Adam
from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_functions, check_kind, is_number


@dataclass(frozen=True)
class RRHFConfig:
    """What a run of `train_rrhf` needs to know.   ValueError for a number out of its range."""

    steps: int = 400  # gradient steps
    prompts: int = 24  # groups in each
    group: int = 4  # K responses, drawn from the reference
    rank: float = 1.0  # what the order is worth
    best: float = 1.0  # what the likelihood of the best one is worth; 0: the order alone
    length_power: float = 1.0  # p = log pi / length ** length_power; 0: the sum over tokens
    lr: float = 5e-2  # of Adam
    every: int = 10  # steps between two rows of the history

    def __post_init__(self) -> None:
        check_count("steps", self.steps, 0)
        for name, least in (("prompts", 1), ("group", 2), ("every", 1)):
            check_count(name, getattr(self, name), least)
        for name in ("rank", "best", "length_power", "lr"):
            x = getattr(self, name)
            if not is_number(x) or not 0 <= x < inf or (name == "lr" and x == 0):
                raise ValueError(
                    f"{name} is {x!r}; it must be a finite number {'> 0' if name == 'lr' else '>= 0'}"
                )


def train_rrhf(
    model: LanguageModel,
    ref: LanguageModel,
    reward: Reward,
    cfg: RRHFConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model.params in place on ranked responses of ref.   -> history, a row every `every` steps and at the end

        step                gradient steps so far
        rank, nll           both parts of the loss, before the step
        and what the judge says of the model after the step

    Yuan et al. (2023), RRHF: rank responses to align language models with human feedback.
    Raises ValueError for rewards that are no finite numbers, one a response, and where model and ref speak two
    languages.
    """
    check_kind(RRHFConfig, cfg=cfg)
    check_functions(reward=reward, judge=judge)
    check_languages(model, ref=ref)
    adam = Adam(cfg.lr)
    history: list[dict[str, float]] = []
    for step in range(1, cfg.steps + 1):
        prompt = np.repeat(draw_prompts(ref.language, cfg.prompts, rng), cfg.group)  # (B K,)
        response, _ = sample(ref, prompt, rng)
        rank_reward = ask(reward, prompt, response).reshape(cfg.prompts, cfg.group)
        row, grads = rank_gradient(model, prompt, response, rank_reward, cfg)
        adam.step(model.params, grads)
        if step % cfg.every == 0 or step == cfg.steps:
            history.append({"step": step, **row, **judge(model)})
    return history


def rank_gradient(
    model: LanguageModel, prompt: Array, response: Array, reward: Array, cfg: RRHFConfig
) -> tuple[dict[str, float], Params]:
    """The loss of groups and its gradient.   prompt (B K,), response (B K, L), reward (B, K) -> row, grads

    Of responses that are equally good, the first one drawn is the best.
    """
    logp, back = token_logp(model, prompt, response)  # (B K, L)
    counts = model.language.counts(response)
    scale = counts.sum(axis=1) ** -float(cfg.length_power)  # (B K,)
    rank, d_score = rrhf((logp.sum(axis=1) * scale).reshape(reward.shape), reward)

    chosen = np.arange(reward.shape[1]) == reward.argmax(axis=1)[:, None]  # (B, K)
    nll, d_best = sequence_nll(logp, counts, chosen.ravel() / len(reward))
    d_whole = d_score.ravel() * scale  # (B K,) each token of a response has the same part in its score
    return {"rank": rank, "nll": nll}, back(cfg.rank * d_whole[:, None] * counts + cfg.best * d_best)
