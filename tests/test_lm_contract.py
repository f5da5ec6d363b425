"""One contract: every stage of alignment trains every kind of model.

What is tried to learn better (trie, bigram, network, transformer) and by what (demonstrations, pairs, groups,
rewards) are independent of each other, so all combinations are run: the objective rises, the reference stays,
pads push nothing, and a model in float32 stays in float32 and does what it does in float64.
"""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lm.best_of_n import RejectionConfig, rejection_tune
from rlcore.lm.dpo import DPOConfig, pair_gradient, reference_logp, train_dpo
from rlcore.lm.evaluate import near_reference, responses
from rlcore.lm.grpo import (
    DAPO,
    DR_GRPO,
    GRPO,
    GSPO,
    RLOO,
    Groups,
    by_k2,
    group_gradient,
    grpo,
    of_means,
    of_sums,
    sum_over_batch,
)
from rlcore.lm.models import bigram, mlp_model, token_logp, transformer_model, trie
from rlcore.lm.priced import Said
from rlcore.lm.raters import Pairs, compare
from rlcore.lm.rlhf import RLHFConfig, RLOOConfig, policy_gradient, rlhf, rloo
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.sampling import sample
from rlcore.lm.sft import SFTConfig, sequence_nll, sft
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

TASK = preference_task()
TOY, TREE, REF = TASK.language, Tree(TASK.language), reference(TASK.language)
REWARD, LOG_REF = TASK.table(TREE), responses(REF, TREE)
JUDGE = near_reference(TREE, LOG_REF, REWARD, 0.2)
V = kl_optimal_policy(LOG_REF, REWARD, 0.2)[1].mean()  # 1.3205
X = np.arange(1200) % 3
SAID = sample(REF, X, np.random.default_rng(0))[0]
PAIRS = compare(REF, TASK.reward, X, np.random.default_rng(1))

KINDS = {
    "trie": lambda rng, dtype: trie(TOY, dtype),
    "bigram": lambda rng, dtype: bigram(TOY, dtype),
    "mlp": lambda rng, dtype: mlp_model(TOY, rng, dtype=dtype),
    "transformer": lambda rng, dtype: transformer_model(TOY, rng, dtype=dtype),
}
KIND = pytest.mark.parametrize("kind", KINDS)
DTYPE = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def fresh(kind, dtype=np.float64):
    """A first model: near the uniform one, whatever its kind."""
    return KINDS[kind](np.random.default_rng(0), dtype)


@cache
def taught(kind, dtype):
    """Fine-tuned on 1,200 responses of the reference."""
    model = fresh(kind, dtype)
    rate = {"trie": 0.1, "bigram": 0.1}.get(kind, 0.02)
    history = sft(model, X, SAID, SFTConfig(steps=120, lr=rate), np.random.default_rng(2))
    return model, history


# ---------------------------------------------------------------- the objective rises

LR = {"trie": 0.05, "bigram": 0.05, "mlp": 0.01, "transformer": 0.01}
GROUPED = {"GRPO": GRPO, "Dr. GRPO": DR_GRPO, "DAPO": DAPO, "GSPO": GSPO, "RLOO": RLOO}
LEAST = {  # J afterwards: less than in any of 24 runs, of each kind, type and of three seeds
    "dpo": 1.0,
    "rlhf": 1.17,
    "rloo": 1.17,
    "rrhf": 0.9,
    "rejection": 0.95,
    "GRPO": 1.0,
    "Dr. GRPO": 1.1,
    "DAPO": 0.95,
    "GSPO": 1.0,
    "RLOO": 1.15,
}


def train(stage, model, ref, lr, rng):
    """A short run of a stage; ref stays."""
    reward = TASK.reward
    if stage == "dpo":
        train_dpo(model, ref, PAIRS, DPOConfig(steps=120, lr=lr), rng)
    elif stage == "rlhf":
        cfg = RLHFConfig(updates=30, batch=96, lr=lr, critic_lr=0.01)
        rlhf(model, mlp_model(TOY, rng), ref, reward, cfg, rng)
    elif stage == "rloo":
        rloo(model, ref, reward, RLOOConfig(updates=60, prompts=12, lr=lr), rng)
    elif stage == "rrhf":
        train_rrhf(model, ref, reward, RRHFConfig(steps=80, prompts=12, lr=lr), rng)
    elif stage == "rejection":
        cfg = RejectionConfig(batch=600, sft=SFTConfig(steps=80, lr=lr))
        rejection_tune(model, reward, cfg, rng)
    else:
        cfg = replace(GROUPED[stage], iterations=60, prompts=12, lr=lr)
        grpo(model, ref, reward, cfg, rng)


def check(stage, kind, dtype, seed):
    ref = taught(kind, dtype)[0]
    kept = {key: array.copy() for key, array in ref.params.items()}
    model, rng = ref.frozen(), np.random.default_rng(seed)
    before = JUDGE(model)
    assert before["performance"] < 0.55
    train(stage, model, ref, LR[kind], rng)
    after = JUDGE(model)
    assert LEAST[stage] < after["performance"] < V
    assert after["exact_reward"] > before["exact_reward"] + 0.3
    for key, array in model.params.items():
        assert array.dtype == dtype
        np.testing.assert_array_equal(ref.params[key], kept[key])


@DTYPE
@KIND
def test_demonstrations_teach_every_model(kind, dtype):
    """From log 5 a token to within .15 of the reference's entropy, 3.709 a response."""
    model, history = taught(kind, dtype)
    nll = [row["nll"] for row in history]
    assert nll[0] > 3.9
    assert np.mean(nll[-20:]) < 3.709 + 0.15
    assert {array.dtype for array in model.params.values()} == {np.dtype(dtype)}


LONG = [(stage, "transformer") for stage in ("rrhf", "Dr. GRPO", "DAPO", "GSPO", "RLOO")]


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        pytest.param(stage, kind, marks=pytest.mark.slow if (stage, kind) in LONG else ())
        for stage in LEAST
        for kind in KINDS
    ],
)
def test_every_stage_trains_every_model(stage, kind):
    check(stage, kind, np.float32, 0)


@pytest.mark.slow
@KIND
@pytest.mark.parametrize("stage", LEAST)
def test_three_seeds_of_every_stage(stage, kind):
    for seed in range(3):
        check(stage, kind, np.float64, seed)


# ---------------------------------------------------------------- pads push nothing, and float32 is float64 rounded

ROWS = [".", "a.", "ab.", "cab", "b.", "dd."]
PROMPT, RESPONSE = np.arange(6) % 3, TOY.batch(ROWS)
LENGTH = TOY.counts(RESPONSE).sum(axis=1)
ADVANTAGE = np.array([0.5, -1.0, 2.0, -0.3, 0.7, -2.0])


def of_sft(model, rows, L):
    x, y = PROMPT[rows], RESPONSE[rows, :L]
    logp, back = token_logp(model, x, y)
    return back(sequence_nll(logp, TOY.counts(y))[1])


def of_dpo(model, rows, L):
    """Row i against row i + 1, wherever in the batch they stand."""
    other = (rows + 1) % len(ROWS)
    pairs = Pairs(PROMPT[rows], RESPONSE[rows, :L], RESPONSE[other, :L])
    return pair_gradient(model, pairs, reference_logp(REF, pairs), DPOConfig())[1]


def of_grpo(model, rows, L, **settings):
    x, y = PROMPT[rows], RESPONSE[rows, :L]
    logp, ref = (token_logp(m, x, y)[0] for m in (model, REF))
    old = np.where(TOY.counts(y), logp - 0.05, 0.0)  # so that ratios are not 1
    A = ADVANTAGE[rows].astype(logp.dtype)
    groups = Groups(x, y, TOY.counts(y), old.astype(logp.dtype), ref.astype(logp.dtype), A, A)
    return group_gradient(model, groups, replace(GRPO, **settings))[1]


def of_rlhf(model, rows, L):
    """Each response weighs the same: the weights of `policy_gradient` are given."""
    x, y = PROMPT[rows], RESPONSE[rows, :L]
    logp, counts = token_logp(model, x, y)[0], TOY.counts(y)
    said = Said(x, y, counts, logp, token_logp(REF, x, y)[0], ADVANTAGE[rows])
    A = np.where(counts, ADVANTAGE[rows][:, None], 7.0)  # what stands on a pad is garbage
    return policy_gradient(model, said, A, RLHFConfig(normalise=lambda x: x), counts / len(rows))


LOSSES = {
    "sft": of_sft,
    "dpo": of_dpo,
    "rlhf": of_rlhf,
    "grpo": of_grpo,
    "gspo": partial(of_grpo, ratio=of_means),
    "rloo": partial(of_grpo, ratio=of_sums, weight=sum_over_batch, beta=0.0),
    "k2 of responses": partial(of_grpo, divergence_of=of_sums, estimator=by_k2),
}


@KIND
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_batch_with_pads_is_the_mean_of_its_rows_without(loss, kind):
    model = taught(kind, np.float64)[0]
    whole = loss(model, np.arange(6), 3)
    longest = np.maximum(LENGTH, np.roll(LENGTH, -1)) if loss is of_dpo else LENGTH
    alone = [loss(model, np.array([b]), longest[b]) for b in range(6)]
    assert max(np.abs(array).max() for array in whole.values()) > 0.01
    for key, array in whole.items():
        np.testing.assert_allclose(array, np.mean([g[key] for g in alone], axis=0), rtol=0, atol=1e-12)


@KIND
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_float32_is_float64_but_for_rounding(loss, kind):
    model = taught(kind, np.float64)[0]
    small = fresh(kind, np.float32)
    for key, array in small.params.items():
        array[...] = model.params[key]
    exact, rounded = loss(model, np.arange(6), 3), loss(small, np.arange(6), 3)
    size = max(float(np.abs(array).max()) for array in exact.values())
    for key, array in exact.items():
        assert rounded[key].dtype == np.float32
        np.testing.assert_allclose(rounded[key], array, rtol=0, atol=2e-5 * size)
