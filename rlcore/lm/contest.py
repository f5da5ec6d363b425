"""A contest: several ways to the best policy near a reference, on one task, with one budget.

The budget is a number of responses, whoever draws them. What is not the same is what a response is asked for:

    ppo, group(...)     the reward of each, as the policy draws them; one step on them, or several
    model_then_ppo      half of them in pairs for raters; the reward model scores the other half
    direct              all of them in pairs, drawn by the reference before learning starts
    ranked              the rewards of four at a time, of which the order counts

So are gradient steps, and seconds: `Spent` says how many. No entrant was tuned for the contest.

    row = run(ENTRANTS["PPO"], preference_task(), seed=0)

Letters: X prompts, N responses.
Left out: entrants that stop when they are done; here each spends what it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.lm.dpo import DPOConfig, train_dpo
from rlcore.lm.evaluate import as_trie, near_reference, responses, win_rate
from rlcore.lm.grpo import GRPO, RLOO, GRPOConfig, by_k2, grpo, of_sums
from rlcore.lm.models import LanguageModel, trie
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import RewardModelConfig, fit_reward_model, linear_reward
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import Task, features, reference
from rlcore.lm.tree import Tree
from rlcore.problems.doors import check_count, check_kind

RESPONSES, BETA = 14_400, 0.2  # for each entrant; what a nat from the reference costs


@dataclass(frozen=True)
class Spent:
    """What a run used up."""

    responses: int  # drawn, by the policy or by the reference
    rewards: int  # numbers asked for
    answers: int  # comparisons asked for: which of two is better
    steps: int  # gradients of the policy


Entrant: TypeAlias = Callable[
    [LanguageModel, LanguageModel, Task, Generator], Spent
]  # model, ref: model learns


def ppo(model: LanguageModel, ref: LanguageModel, task: Task, rng: Generator) -> Spent:
    """A critic, a price on each token, four steps on each response."""
    cfg = RLHFConfig(updates=75, batch=RESPONSES // 75, every=75)
    rlhf(model, trie(task.language), ref, task.reward, cfg, rng)
    return Spent(RESPONSES, RESPONSES, 0, cfg.updates * cfg.epochs)


def model_then_ppo(model: LanguageModel, ref: LanguageModel, task: Task, rng: Generator) -> Spent:
    """Half of the responses in pairs for raters, a reward model of them, and PPO on what that says.

    The reward model sees the features that the hidden reward is made of: it can be right.
    """
    half = RESPONSES // 2
    learned = linear_reward(features, 4)
    pairs = compare(ref, task.reward, draw_prompts(task.language, half // 2, rng), rng)
    fit_reward_model(learned, pairs, RewardModelConfig(), rng)
    cfg = RLHFConfig(updates=40, batch=half // 40, every=40)
    rlhf(model, trie(task.language), ref, learned.reward, cfg, rng)
    return Spent(RESPONSES, 0, len(pairs), cfg.updates * cfg.epochs)


def group(cfg: GRPOConfig) -> Entrant:
    """`grpo` with some configuration.   ValueError unless the responses of its rounds make up the budget"""
    check_kind(GRPOConfig, cfg=cfg)
    rounds, rest = divmod(RESPONSES, cfg.prompts * cfg.group)
    if rest:
        raise ValueError(
            f"cfg draws {cfg.prompts} groups of {cfg.group} a round; that must divide {RESPONSES}"
        )

    def entrant(model: LanguageModel, ref: LanguageModel, task: Task, rng: Generator) -> Spent:
        grpo(model, ref, task.reward, replace(cfg, iterations=rounds, every=rounds), rng)
        return Spent(RESPONSES, RESPONSES, 0, rounds * cfg.epochs)

    return entrant


def direct(model: LanguageModel, ref: LanguageModel, task: Task, rng: Generator) -> Spent:
    """Direct preference optimisation: pairs of the reference, read again and again."""
    cfg = DPOConfig(beta=BETA, every=800)
    pairs = compare(ref, task.reward, draw_prompts(task.language, RESPONSES // 2, rng), rng)
    train_dpo(model, ref, pairs, cfg, rng)
    return Spent(RESPONSES, 0, len(pairs), cfg.steps)


def ranked(model: LanguageModel, ref: LanguageModel, task: Task, rng: Generator) -> Spent:
    """RRHF: fours of the reference, put in order, and the best one imitated."""
    cfg = RRHFConfig()
    steps = RESPONSES // (cfg.prompts * cfg.group)
    train_rrhf(model, ref, task.reward, replace(cfg, steps=steps, every=steps), rng)
    return Spent(RESPONSES, RESPONSES, 0, steps)


WHOLE_K2 = replace(RLOO, reward_beta=0.0, beta=BETA, estimator=by_k2, divergence_of=of_sums)

ENTRANTS: dict[str, Entrant] = {
    "PPO": ppo,
    "RLOO, 4 steps": group(replace(RLOO, epochs=4)),
    "RLOO": group(RLOO),
    "no std, k2": group(WHOLE_K2),
    "GRPO": group(GRPO),
    "model, PPO": model_then_ppo,
    "DPO": direct,
    "RRHF": ranked,
}
MEASURES = ("reward", "kl", "win", "J")


def run(entrant: Entrant, task: Task, seed: int) -> dict[str, float]:
    """Train a trie from the task's reference.   -> what it is, exactly, over every response; and what it cost

    reward, kl, win, J     means over prompts: E r, KL(pi || ref), win rate against ref, E r - BETA KL
    seconds                of the processor, for training alone
    responses, rewards, answers, steps      see `Spent`

    Raises ValueError for an entrant that is no function, such as its name, and for a task without a reference.
    """
    if not callable(entrant) or isinstance(entrant, type):
        raise ValueError(f"entrant is {entrant!r}; it must be a function, such as ENTRANTS['PPO']")
    check_kind(Task, task=task)
    check_count("seed", seed, 0)
    tree, ref = Tree(task.language), reference(task.language)
    model = as_trie(ref, tree)
    began = time.process_time()
    spent = entrant(model, ref, task, np.random.default_rng(seed))
    seconds = time.process_time() - began
    return {**measure(model, task), "seconds": seconds, **asdict(spent)}


def measure(model: LanguageModel, task: Task) -> dict[str, float]:
    """The first four columns of `run`."""
    check_kind(Task, task=task)
    tree, ref = Tree(task.language), reference(task.language)
    log_ref, reward = responses(ref, tree), task.table(tree)
    said = near_reference(tree, log_ref, reward, BETA)(model)
    won = float(win_rate(responses(model, tree), log_ref, reward).mean())
    return {"reward": said["exact_reward"], "kl": said["exact_kl"], "win": won, "J": said["performance"]}
