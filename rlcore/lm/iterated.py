"""RLHF in rounds: ask about what the policy says now, correct the reward model, train the policy, ask again.

A reward model was taught on what the reference says. PPO goes where the model's numbers are highest, and its
errors are there too: the learned reward rises, the gold one, which the raters go by, rises less, stops or falls.
The cure is to ask about just those responses. It has two limits. What the features do not show, no comparison can
teach. And in a language so small that the reference says everything now and then, rounds come near what as many
comparisons of the reference's responses, asked for at once, mend, and do not pass it.

How often a reward model agrees with raters on the new responses says little of it: they are nearly equally good,
and who knows the reward hardly does better than a coin.

    model, critic = as_trie(ref, tree), trie(language)
    learned = mlp_reward(letter_counts(4, 3), 8, rng)
    history = iterated_rlhf(model, critic, ref, learned, task.reward, IteratedConfig(), rng)

One round is RLHF as it is told: comparisons, reward model, PPO.

Letters: B responses.
Left out: choosing which pairs to ask about; here they are whatever the policy says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.random import Generator

from rlcore.lm.evaluate import Judge, no_judge
from rlcore.lm.models import LanguageModel, check_languages
from rlcore.lm.priced import speak
from rlcore.lm.raters import Pairs, compare, preference
from rlcore.lm.reward_model import RewardModel, RewardModelConfig, comparison_gradient, fit_reward_model
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import Reward
from rlcore.problems.doors import check_count, check_functions, check_kind


@dataclass(frozen=True)
class IteratedConfig:
    """What a run of `iterated_rlhf` needs to know.   ValueError for a number out of its range."""

    rounds: int = 5  # of comparisons, reward model, PPO
    pairs: int = 1_000  # comparisons in each
    tau: float = 1.0  # how unsure raters are
    noise: float = 0.0  # how often they err
    fit: RewardModelConfig = field(
        default_factory=lambda: RewardModelConfig(steps=300)
    )  # on all pairs so far
    rlhf: RLHFConfig = field(default_factory=lambda: RLHFConfig(updates=60))  # of a round
    audit: int = 3_000  # responses that a row's means are taken over

    def __post_init__(self) -> None:
        check_count("rounds", self.rounds, 0)
        check_count("pairs", self.pairs, 1)
        check_count("audit", self.audit, 1)
        preference(np.zeros(1), tau=self.tau, noise=self.noise)  # refuses what is no rater
        if not isinstance(self.fit, RewardModelConfig):
            raise ValueError(f"fit is {self.fit!r}; it must be RewardModelConfig(...)")
        if not isinstance(self.rlhf, RLHFConfig):
            raise ValueError(f"rlhf is {self.rlhf!r}; it must be RLHFConfig(...)")


def iterated_rlhf(
    model: LanguageModel,
    critic: LanguageModel,
    ref: LanguageModel,
    learned: RewardModel,
    gold: Reward,
    cfg: IteratedConfig,
    rng: Generator,
    judge: Judge = no_judge,
) -> list[dict[str, float]]:
    """Train model, critic and learned in place; raters go by gold.   -> history, a row a round

        round, pairs         comparisons so far
        agreement            how often the reward model of the round before prefers what was chosen now
        learned, gold, kl    see `audit`
        and what the judge says of the model after the round

    Policy, critic and reward model go on from where they were; the reference stays. Pairs are kept.
    Christiano et al. (2017); Bai et al. (2022).   Raises ValueError as `rlhf`.
    """
    check_kind(IteratedConfig, cfg=cfg)
    check_kind(RewardModel, learned=learned)
    check_functions(gold=gold, judge=judge)
    check_languages(model, critic=critic, ref=ref)
    history: list[dict[str, float]] = []
    pairs: Pairs | None = None
    for number in range(1, cfg.rounds + 1):
        prompt = draw_prompts(model.language, cfg.pairs, rng)
        new = compare(model, gold, prompt, rng, tau=cfg.tau, noise=cfg.noise)
        _, agreed, _ = comparison_gradient(learned, new, cfg.fit)
        pairs = new if pairs is None else together(pairs, new)
        fit_reward_model(learned, pairs, cfg.fit, rng)
        rlhf(model, critic, ref, learned.reward, cfg.rlhf, rng)

        row = {"round": number, "pairs": len(pairs), "agreement": agreed}
        history.append({**row, **audit(model, ref, learned.reward, gold, cfg.audit, rng), **judge(model)})
    return history


def together(first: Pairs, second: Pairs) -> Pairs:
    """The comparisons of both."""
    return Pairs(*(np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Pairs)))


def audit(
    model: LanguageModel, ref: LanguageModel, learned: Reward, gold: Reward, n: int, rng: Generator
) -> dict[str, float]:
    """What two rewards say of n responses of the model, and how far from the reference they are.

    learned, gold    the mean reward of model's responses less that of ref's to the same prompts
    kl               log model - log ref, an estimate of KL(model || ref)

    A learned reward is known up to c(x), so only such differences mean something, and both are on one scale.
    """
    prompt = draw_prompts(model.language, n, rng)
    ours, theirs = speak(model, ref, gold, prompt, rng), speak(ref, ref, gold, prompt, rng)

    def lead(reward: Reward) -> float:
        return float(np.mean(reward(prompt, ours.response)) - np.mean(reward(prompt, theirs.response)))

    return {"learned": lead(learned), "gold": lead(gold), "kl": float(ours.kl.mean())}
