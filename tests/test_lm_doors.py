"""What every driver of the language model refuses: responses that are none, pairs, prompts, weights, generators.

A row of settings of each configuration stands with its own file; here are the doors that all of them share.
"""

import numpy as np
import pytest

from rlcore.lm.best_of_n import RejectionConfig, best_of, rejection_tune
from rlcore.lm.dpo import DPOConfig, train_dpo, train_dpo_on_all_pairs
from rlcore.lm.evaluate import as_trie, responses
from rlcore.lm.grpo import GRPOConfig, grpo
from rlcore.lm.iterated import IteratedConfig, iterated_rlhf
from rlcore.lm.models import bigram, mlp_model, transformer_model, trie
from rlcore.lm.population import pair_weights
from rlcore.lm.raters import Pairs, compare
from rlcore.lm.reward_model import (
    RewardModelConfig,
    fit_reward_model,
    letter_counts,
    linear_reward,
    mlp_reward,
)
from rlcore.lm.rlhf import RLHFConfig, RLOOConfig, rlhf, rloo
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.sampling import draw_prompts, sample
from rlcore.lm.sft import SFTConfig, fit_by_counting, sft
from rlcore.lm.tasks import features, preference_task, reference
from rlcore.lm.tree import Tree

TASK = preference_task()
TOY, TREE, REF = TASK.language, Tree(TASK.language), reference(TASK.language)
WEIGHT = pair_weights(responses(REF, TREE), TASK.table(TREE))
X, Y = np.arange(3), TOY.batch(["aa.", "b.", "abc"])
END, PAD = TOY.eos, TOY.pad


def start():
    return as_trie(REF, TREE)


def fresh():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- responses and pairs

WRONG = {  # response (3, 3): what the message says of it
    "float": (Y.astype(float), r"float64 \(3, 3\); it must be int"),
    "nan": (np.full((3, 3), np.nan), "float64"),
    "no rows": (Y[0], r"\(3,\)|shapes"),
    "too long": (np.hstack([Y, Y]), r"\(3, 6\); it must be int \(B, L\), L at most 3"),
    "no token": (np.where(Y == 0, 9, Y), r"\[0, 0\] is 9; a token of a response is 0 to 4, or 6 for a pad"),
    "below 0": (np.where(Y == 2, -1, Y), r"\[2, 2\] is -1"),
    "BOS": (np.where(Y == 2, TOY.bos, Y), r"\[2, 2\] is 5"),
    "all pads": (np.where([[0], [1], [0]], PAD, Y), r"\[1\] is \[6, 6, 6\], no whole response"),
    "a hole": (np.array([[0, 0, END], [1, END, PAD], [0, PAD, END]]), r"\[2\] is \[0, 6, 4\]"),
    "talk behind the end": (np.array([[0, END, 1]] * 3), r"\[0\] is \[0, 4, 1\]"),
    "two ends": (np.array([[0, END, END]] * 3), r"\[0\] is \[0, 4, 4\]"),
    "unfinished": (np.array([[0, 0, END], [1, 2, PAD], [0, 1, 2]]), r"\[1\] is \[1, 2, 6\]"),
    "cut short": (np.array([[0, END], [0, 1], [END, PAD]]), r"\[1\] is \[0, 1\]"),
}
RESPONSE = pytest.mark.parametrize(("response", "message"), WRONG.values(), ids=WRONG)


@RESPONSE
def test_demonstrations_that_are_no_responses(response, message):
    with pytest.raises(ValueError, match=message):
        sft(start(), X, response, SFTConfig(steps=1), fresh())
    with pytest.raises(ValueError, match=message):
        fit_by_counting(bigram(TOY), X, response)


@RESPONSE
@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_comparisons_of_what_are_no_responses(response, message, side):
    def compared():
        pairs = Pairs(X, **({"chosen": Y, "rejected": Y} | {side: response}))
        return train_dpo(start(), REF, pairs, DPOConfig(steps=1), fresh())

    with pytest.raises(ValueError, match=f"{message}|must be .B,., .B, L., .B, L."):
        compared()


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected"),
    [(X, Y, Y[:, :2]), (X, Y, Y[:2]), (X[:2], Y, Y), (X[:, None], Y, Y), (X, Y[:, 0], Y[:, 0]), (X, Y, None)],
)
def test_comparisons_whose_sides_do_not_fit(prompt, chosen, rejected):
    with pytest.raises(ValueError, match="prompt, chosen and rejected have shapes"):
        Pairs(prompt, chosen, rejected)


def test_what_is_a_response():
    """All of the tree; without the pads that no row needs; and none at all."""
    TOY.check("response", TREE.response)
    TOY.check("response", TOY.batch(["a.", "b.", "."])[:, :2])
    TOY.check("response", Y[:0])


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (X + 1, r"prompt\[2\] is 3; prompts are 0 to 2"),
        (X - 1, r"prompt\[0\] is -1"),
        (X.astype(float), r"prompt is float64 \(3,\)"),
        (np.full(3, np.nan), "prompt is float64"),
        (X > 0, "prompt is bool"),
        (X[:0], "shape"),
        (X[:, None], "shape"),
    ],
)
def test_prompts_that_are_none(prompt, message):
    with pytest.raises(ValueError, match=message):
        train_dpo(start(), REF, Pairs(prompt, Y, Y), DPOConfig(steps=1), fresh())
    with pytest.raises(ValueError, match=message):
        sft(start(), prompt, Y, SFTConfig(steps=1), fresh())


@pytest.mark.parametrize("draw", [sample, lambda *a: compare(a[0], TASK.reward, *a[1:])])
@pytest.mark.parametrize("prompt", [[3], [-1], [0.0], [np.nan], [True], 0, None, "A", [[0], [1]]])
def test_prompts_that_nobody_can_be_asked(draw, prompt):
    with pytest.raises(ValueError, match="prompt"):
        draw(REF, prompt, fresh())


def test_no_pairs():
    none = Pairs(X, Y, Y)[:0]
    with pytest.raises(ValueError, match="pairs is empty"):
        train_dpo(start(), REF, none, DPOConfig(), fresh())
    with pytest.raises(ValueError, match="pairs is empty"):
        fit_reward_model(linear_reward(features, 4), none, RewardModelConfig(), fresh())


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (WEIGHT[:, :3], r"weight has shape \(3, 3, 85\); it must be \(3, 85, 85\)"),
        (WEIGHT[..., 0], r"weight has shape \(3, 85\)"),
        (np.where(WEIGHT == WEIGHT[1, 2, 3], np.nan, WEIGHT), r"weight\[1, 2, 3\] is nan"),
        (np.where(WEIGHT == WEIGHT[1, 2, 3], np.inf, WEIGHT), r"weight\[1, 2, 3\] is inf"),
        (-WEIGHT, r"weight\[0, 0, 0\] is -"),
    ],
)
def test_weights_of_pairs_that_are_none(weight, message):
    with pytest.raises(ValueError, match=message):
        train_dpo_on_all_pairs(start(), REF, TREE, weight, DPOConfig(steps=1))


@pytest.mark.parametrize("weight", [np.ones(2), np.ones((3, 1)), [1, 1, -1], [1, np.nan, 1]])
def test_weights_of_demonstrations_that_are_none(weight):
    with pytest.raises(ValueError, match="weight"):
        fit_by_counting(bigram(TOY), X, Y, weight)


# ---------------------------------------------------------------- rewards and generators

DRIVERS = {
    "rlhf": lambda r, rng: rlhf(start(), trie(TOY), REF, r, RLHFConfig(updates=1), rng),
    "rloo": lambda r, rng: rloo(start(), REF, r, RLOOConfig(updates=1), rng),
    "grpo": lambda r, rng: grpo(start(), REF, r, GRPOConfig(iterations=1), rng),
    "rrhf": lambda r, rng: train_rrhf(start(), REF, r, RRHFConfig(steps=1), rng),
    "best of n": lambda r, rng: best_of(REF, r, X, 2, rng),
    "rejection": lambda r, rng: rejection_tune(start(), r, RejectionConfig(batch=6), rng),
    "compare": lambda r, rng: compare(REF, r, X, rng),
    "iterated": lambda r, rng: iterated_rlhf(
        start(), trie(TOY), REF, linear_reward(features, 4), r, IteratedConfig(rounds=1, pairs=6), rng
    ),
}
OTHERS = {
    "sample": lambda r, rng: sample(REF, X, rng),
    "prompts": lambda r, rng: draw_prompts(TOY, 3, rng),
    "sft": lambda r, rng: sft(start(), X, Y, SFTConfig(steps=1), rng),
    "dpo": lambda r, rng: train_dpo(start(), REF, Pairs(X, Y, Y), DPOConfig(steps=1), rng),
    "reward model": lambda r, rng: fit_reward_model(
        linear_reward(features, 4), Pairs(X, Y, Y), RewardModelConfig(steps=1), rng
    ),
}


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=DRIVERS)
@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda x, y: np.full(len(y), np.nan), "reward of response 0 is nan"),
        (lambda x, y: np.full(len(y), -np.inf), "reward of response 0 is -inf"),
        (lambda x, y: np.ones((len(y), 1)), "reward gave shape"),
        (lambda x, y: 1.0, r"reward gave shape \(\)"),
        (lambda x, y: np.ones(0), r"reward gave shape \(0,\)"),
    ],
    ids=["nan", "inf", "column", "one number", "empty"],
)
def test_rewards_that_are_none(driver, reward, message):
    with pytest.raises(ValueError, match=message):
        driver(reward, fresh())


@pytest.mark.parametrize("name", [*DRIVERS, *OTHERS])
@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)], ids=["seed", "none", "old"])
def test_a_seed_is_no_generator(name, rng):
    with pytest.raises(ValueError, match="rng is"):
        {**DRIVERS, **OTHERS}[name](TASK.reward, rng)


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("n", [0, -1, 1.5, np.nan, None, "4", True])
def test_sizes_that_are_none(n):
    for make in (
        lambda: mlp_model(TOY, fresh(), hidden=n),
        lambda: transformer_model(TOY, fresh(), width=n),
        lambda: transformer_model(TOY, fresh(), heads=n),
        lambda: mlp_reward(features, n, fresh()),
        lambda: mlp_reward(features, 4, fresh(), hidden=n),
        lambda: linear_reward(features, n),
        lambda: letter_counts(n, 3),
        lambda: letter_counts(4, n),
        lambda: preference_task(n),
        lambda: best_of(REF, TASK.reward, X, n, fresh()),
    ):
        with pytest.raises(ValueError, match="must be"):
            make()
