"""Group relative policy optimisation: its parts by hand, its gradients by enumeration, what it must not do."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rlcore.exact.regularised import divergence
from rlcore.learning.kl import d_k1, d_k2, d_k3, k1, k3
from rlcore.learning.returns import group_advantage, rloo_advantage
from rlcore.lm.evaluate import near_reference, responses, tokens
from rlcore.lm.grpo import (
    DAPO,
    DR_GRPO,
    GRPO,
    GSPO,
    RLOO,
    Groups,
    GRPOConfig,
    by_k1,
    by_k2,
    by_k3,
    draw_groups,
    group_gradient,
    grpo,
    mean_of_means,
    of_means,
    of_sums,
    of_tokens,
    over_longest,
    sum_over_batch,
    token_mean,
)
from rlcore.lm.models import bigram, mlp_model, token_logp, trie
from rlcore.lm.sft import fit_by_counting
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.optim import SGD
from rlcore.numerics import finite_difference, softmax

TASK = preference_task()
TOY = TASK.language
REF = reference(TOY)
VARIANTS = {
    "GRPO": GRPO,
    "Dr. GRPO": DR_GRPO,
    "DAPO": DAPO,
    "GSPO": GSPO,
    "RLOO": RLOO,
    "k2 of responses": replace(DR_GRPO, estimator=by_k2, divergence_of=of_sums),
    "k1 of means": replace(GSPO, estimator=by_k1, divergence_of=of_means, clip=(0.1, 0.4)),
}
UNITS, WEIGHTS = (of_tokens, of_means, of_sums), (mean_of_means, token_mean, over_longest, sum_over_batch)


def away(size, seed=0):
    """A network that is no reference."""
    return mlp_model(TOY, np.random.default_rng(seed), hidden=4, last_gain=size)


def some_groups(cfg=GRPO, seed=0):
    """Three groups that another policy drew, so that ratios are not 1."""
    cfg = replace(cfg, prompts=3, group=4)
    return draw_groups(away(3.0, 1), REF, TASK.reward, cfg, np.random.default_rng(seed))


# ---------------------------------------------------------------- weights: which mean


@pytest.mark.parametrize(
    ("weight", "want"),
    [(mean_of_means, 0.0), (token_mean, -1 / 3), (over_longest, -0.25), (sum_over_batch, -1.0)],
)
def test_four_means_of_the_same_tokens(weight, want):
    """Lengths 4 and 2, advantages 1 and -1, at most four tokens, fresh samples: four losses.   Published."""
    counts = np.arange(4) < np.array([[4], [2]])
    share = weight(counts, 4)
    assert -(share * np.array([[1.0], [-1.0]])).sum() == pytest.approx(want, abs=1e-15)
    assert not share[~counts].any()


def test_the_constant_is_the_language_s_not_the_batch_s():
    """The same response weighs the same whatever stands beside it."""
    short = np.array([[True, False, False, False]])
    both = np.array([[True, False, False, False], [True, True, True, False]])
    assert over_longest(short, 8)[0, 0] == 2 * over_longest(both, 8)[0, 0] == 1 / 8
    assert token_mean(short, 8)[0, 0] == 4 * token_mean(both, 8)[0, 0]


# ---------------------------------------------------------------- units: which ratio


def test_units_by_hand():
    """Tokens -1, -2 and a pad; a response of one token -3."""
    logp, counts = np.array([[-1.0, -2, 0], [-3, 0, 0]]), np.array([[1, 1, 0], [1, 0, 0]], bool)
    for unit, want in ((of_tokens, logp), (of_means, [[-1.5], [-3]]), (of_sums, [[-3], [-3]])):
        x, which, _ = unit(logp, counts)
        np.testing.assert_array_equal(x, want)
        np.testing.assert_array_equal(which, counts if unit is of_tokens else True)


@pytest.mark.parametrize("unit", UNITS)
def test_the_way_back_of_units(unit):
    rng, counts = np.random.default_rng(0), TOY.counts(TOY.batch(["a.", "abc", ".", "bb."]))
    logp = rng.standard_normal((4, 3)) * counts
    x, _, back = unit(logp, counts)
    d = rng.standard_normal(x.shape)
    slope = finite_difference(lambda: (d * unit(logp, counts)[0]).sum(), logp)
    np.testing.assert_allclose(back(d) * counts, slope * counts, rtol=0, atol=1e-9)


def test_one_ratio_for_a_whole_response():
    """Its tokens' ratios are 1.5 and .9: alone the first is clipped; their geometric mean, 1.16, is not."""
    response = TOY.batch(["a."])
    counts, model = TOY.counts(response), trie(TOY)
    logp = token_logp(model, np.zeros(1, int), response)[0]
    old = logp - np.where(counts, np.log([[1.5, 0.9, 1.0]]), 0)
    groups = Groups(np.zeros(1, int), response, counts, old, logp, np.ones(1), np.ones(1))
    row, grads = group_gradient(model, groups, replace(GRPO, beta=0.0))
    assert row["clip_fraction"] == 0.5  # of two tokens; the pad is none
    assert not grads["theta"][0, 0].any()  # the first token's row
    assert grads["theta"][0, 1, 4] == pytest.approx(-0.9 / 2 * 0.8, abs=1e-12)
    row, grads = group_gradient(model, groups, replace(GSPO, beta=0.0))
    ratio = np.sqrt(1.5 * 0.9)
    assert row["loss"] == pytest.approx(-ratio, abs=1e-12)
    assert grads["theta"][0, 0, 0] == pytest.approx(-ratio / 2 * 0.8, abs=1e-12)
    assert grads["theta"][0, 1, 4] == pytest.approx(-ratio / 2 * 0.8, abs=1e-12)
    row, _ = group_gradient(model, groups, replace(GSPO, beta=0.0, ratio=of_sums, clip=np.inf))
    assert row["loss"] == pytest.approx(-1.35, abs=1e-12)


def test_a_higher_ceiling():
    """Ratios 1.25 and 1.3, both good: at (.2, .28) the first still pushes, at .2 neither; the floor is the same."""
    response = TOY.batch([".", "."])
    counts, model, x = TOY.counts(response), trie(TOY), np.array([0, 1])
    logp = token_logp(model, x, response)[0]
    for A, ratios, pushed in ((1.0, (1.25, 1.3), [True, False]), (-1.0, (0.79, 0.81), [False, True])):
        old = logp - np.where(counts, np.log(ratios)[:, None], 0)
        groups = Groups(x, response, counts, old, logp, np.ones(2), np.full(2, A))
        _, grads = group_gradient(model, groups, DAPO)
        assert grads["theta"][:2, 0, 4].astype(bool).tolist() == pushed
    _, grads = group_gradient(
        model, replace(groups, advantage=np.ones(2), logp_old=logp - 0.22 * counts), GRPO
    )
    assert not grads["theta"].any()  # exp(.22) = 1.246, above 1.2; and k3 = 0, as ref is where pi is


# ---------------------------------------------------------------- the gradient


@pytest.mark.parametrize("name", VARIANTS)
def test_the_gradient(name):
    """Against differences, away from pi_old and from ref; some units are clipped and some are not."""
    cfg, model = VARIANTS[name], away(3.0)
    groups = some_groups(cfg)
    row, grads = group_gradient(model, groups, cfg)
    for key, array in model.params.items():
        slope = finite_difference(lambda: group_gradient(model, groups, cfg)[0]["loss"], array)
        np.testing.assert_allclose(grads[key], slope, rtol=0, atol=1e-7)
    assert 0 < row["clip_fraction"] <= 1
    assert max(np.abs(g).max() for g in grads.values()) > 1e-2


def by_the_paper(name, groups, logp):
    """The surrogate of each method, a response and a token at a time, and what it pays for the reference."""
    B, total, high = len(logp), 0.0, 1.28 if name == "DAPO" else 1.2
    price = 0.2 * (groups.logp_old - groups.logp_ref).sum(axis=1) if name == "RLOO" else 0.0
    r = (groups.reward - price).reshape(-1, 4)
    for b in range(B):
        group, T = r[b // 4], groups.counts[b].sum()
        A, log_r = r[b // 4, b % 4] - group.mean(), (logp - groups.logp_old)[b, :T]
        if name == "RLOO":
            A *= 4 / 3
        elif name != "Dr. GRPO":
            A /= group.std(ddof=1) + 1e-4
        units = {"RLOO": [log_r.sum()], "GSPO": [log_r.mean()]}.get(name, log_r)
        gains = [min(np.exp(u) * A, np.clip(np.exp(u), 0.8, high) * A) for u in units]
        log_k = (groups.logp_ref - logp)[b, :T]
        k = (np.exp(log_k) - 1 - log_k).sum()
        if name in ("GRPO", "GSPO"):
            total += -np.mean(gains) / B + 0.2 * k / T / B
        elif name == "Dr. GRPO":
            total += (-sum(gains) + 0.2 * k) / B / 3  # at most three tokens
        else:
            total -= sum(gains) / (groups.counts.sum() if name == "DAPO" else B)
    return total


@pytest.mark.parametrize("name", ["GRPO", "Dr. GRPO", "DAPO", "GSPO", "RLOO"])
def test_each_relative_is_the_one_of_its_paper(name):
    cfg, model = VARIANTS[name], away(3.0)
    groups = some_groups(cfg)
    row, _ = group_gradient(model, groups, cfg)
    logp, _ = token_logp(model, groups.prompt, groups.response)
    assert row["loss"] == pytest.approx(by_the_paper(name, groups, logp), abs=1e-13)
    assert abs(row["loss"]) > 1e-3


def test_on_fresh_samples_the_loss_is_zero_and_its_gradient_is_not():
    model = away(3.0)
    cfg = replace(GRPO, beta=0.0, prompts=3)
    groups = draw_groups(model, REF, TASK.reward, cfg, np.random.default_rng(0))
    row, grads = group_gradient(model, groups, cfg)
    assert row["loss"] == pytest.approx(0, abs=1e-12)
    assert row["clip_fraction"] == 0
    assert max(np.abs(g).max() for g in grads.values()) > 0.05


@pytest.mark.parametrize(
    "advantage", [group_advantage, partial(group_advantage, eps=0.0, ddof=0), rloo_advantage]
)
def test_groups_that_agree_push_nothing(advantage):
    """Equal rewards: exactly 0, never 0 / 0; and the history says how many were silent."""
    model = away(1.0)
    cfg = replace(GRPO, beta=0.0, advantage=advantage, prompts=3, iterations=2, every=1)
    groups = draw_groups(model, REF, lambda x, y: np.full(len(x), 0.3), cfg, np.random.default_rng(0))
    assert not groups.advantage.any()
    _, grads = group_gradient(model, groups, cfg)
    assert not any(g.any() for g in grads.values())
    history = grpo(model, REF, lambda x, y: x / 3, cfg, np.random.default_rng(0))
    assert [row["silent"] for row in history] == [1, 1]


def test_two_more_pads_change_nothing():
    """The same responses in a longer language: the same push, but for the constant 1 / longest."""
    longer = preference_task(5)
    model, wide_model = bigram(TOY), bigram(longer.language)
    for cfg in (GRPO, DAPO, GSPO, RLOO, DR_GRPO):
        groups = some_groups(cfg)
        assert not groups.counts.all()
        wide = replace(
            groups,
            response=np.pad(groups.response, ((0, 0), (0, 2)), constant_values=longer.language.pad),
            **{
                key: np.pad(getattr(groups, key), ((0, 0), (0, 2)))
                for key in ("counts", "logp_old", "logp_ref")
            },
        )
        row, grads = group_gradient(model, groups, cfg)
        wide_row, wide_grads = group_gradient(wide_model, wide, cfg)
        factor = 3 / 5 if cfg is DR_GRPO else 1
        assert wide_row["loss"] == pytest.approx(factor * row["loss"], abs=1e-13)
        assert wide_row["kl"] == pytest.approx(row["kl"], abs=1e-13)
        np.testing.assert_allclose(wide_grads["theta"], factor * grads["theta"], rtol=0, atol=1e-13)
        assert np.abs(grads["theta"]).max() > 1e-3


def test_a_price_in_the_reward():
    """RLOO: the sum of log pi_old / ref over a response is taken off its reward before it is compared."""
    cfg, model = replace(RLOO, prompts=3, group=4), away(3.0)
    groups = draw_groups(model, REF, TASK.reward, cfg, np.random.default_rng(0))
    np.testing.assert_allclose(
        groups.logp_old, token_logp(model, groups.prompt, groups.response)[0], atol=1e-13
    )
    paid = groups.reward - 0.2 * (groups.logp_old - groups.logp_ref).sum(axis=1)
    np.testing.assert_allclose(groups.advantage, rloo_advantage(paid.reshape(3, 4)).ravel(), atol=1e-13)
    np.testing.assert_array_equal(groups.reward, TASK.reward(groups.prompt, groups.response))
    assert (groups.prompt.reshape(3, 4) == groups.prompt.reshape(3, 4)[:, :1]).all()
    assert sorted(groups.prompt[::4]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("advantage", "wrong", "right"),
    [
        (group_advantage, -0.724429, 1.207381),
        (partial(group_advantage, eps=1e-6), -0.724567, 1.207612),
        (partial(group_advantage, ddof=0), -0.774437, 1.290728),
        (partial(group_advantage, scale=False), -0.375, 0.625),
        (rloo_advantage, -0.428571, 0.714286),
    ],
    ids=["n - 1, eps 1e-4", "n - 1, eps 1e-6", "n, eps 1e-4", "no scale", "leave one out"],
)
def test_conventions_of_public_code(advantage, wrong, right):
    """Three of eight are right: what each convention makes of it, through the configuration."""
    right_ones = np.array([0, 1, 1, 0, 1, 0, 0, 0.0])
    cfg = replace(GRPO, advantage=advantage, prompts=1)
    groups = draw_groups(away(1.0), REF, lambda x, y: right_ones, cfg, np.random.default_rng(0))
    np.testing.assert_allclose(groups.advantage, np.where(right_ones, right, wrong), rtol=0, atol=1e-6)


# ---------------------------------------------------------------- the divergence in the loss

SMALL = preference_task(2)
TREE = Tree(SMALL.language)
SMALL_REF = reference(SMALL.language)
LOG_REF = responses(SMALL_REF, TREE)


def expected_push(estimator, unit):
    """The mean over all responses of what the estimator pushes, through `group_gradient`; and the model."""
    model, (x, y) = trie(SMALL.language), TREE.everything()
    model.params["theta"][...] = tokens(SMALL_REF, TREE)
    model.params["theta"] += np.random.default_rng(4).normal(0, 0.5, model.params["theta"].shape)
    logp, ref = token_logp(model, x, y)[0], token_logp(SMALL_REF, x, y)[0]
    share = np.exp(logp.sum(axis=1, keepdims=True)) / 3  # how often each is drawn
    groups = Groups(x, y, SMALL.language.counts(y), logp, ref, np.zeros(len(x)), np.zeros(len(x)))
    cfg = replace(
        GRPO, beta=1.0, estimator=estimator, divergence_of=unit, weight=lambda counts, _: share * counts
    )
    row, grads = group_gradient(model, groups, cfg)
    return row["loss"], grads["theta"], model


@pytest.mark.parametrize("unit", [of_tokens, of_sums])
def test_k1_in_the_loss_pushes_nowhere(unit):
    """Its mean is the divergence, and the mean of its gradient is 0."""
    value, push, model = expected_push(by_k1, unit)
    assert value == pytest.approx(divergence(responses(model, TREE), LOG_REF).mean(), abs=1e-12)
    assert value > 0.05
    assert np.abs(push).max() < 1e-15


def test_k2_and_k3_of_whole_responses_push_along_different_divergences():
    """grad KL(pi || ref) and grad KL(ref || pi); estimates of tokens push along neither."""
    _, push2, model = expected_push(by_k2, of_sums)
    value, push3, _ = expected_push(by_k3, of_sums)
    theta = model.params["theta"]
    forward = finite_difference(lambda: divergence(responses(model, TREE), LOG_REF).mean(), theta)
    backward = finite_difference(lambda: divergence(LOG_REF, responses(model, TREE)).mean(), theta)
    np.testing.assert_allclose(push2, forward, rtol=0, atol=1e-9)
    np.testing.assert_allclose(push3, backward, rtol=0, atol=1e-9)
    assert value == pytest.approx(divergence(responses(model, TREE), LOG_REF).mean(), abs=1e-12)
    assert np.abs(expected_push(by_k2, of_tokens)[1] - forward).max() > 1e-3
    assert np.abs(expected_push(by_k3, of_tokens)[1] - backward).max() > 1e-3


def test_estimators_hold_their_slopes():
    logp, ref = np.array([-1.0, -2.0]), np.array([-1.5, -0.5])
    for by, d in ((by_k1, d_k1), (by_k2, d_k2), (by_k3, d_k3)):
        np.testing.assert_array_equal(by(logp, ref)[1], d(logp, ref))
    np.testing.assert_array_equal(by_k1(logp, ref)[0], k1(logp, ref))


def test_a_group_of_equal_samples_is_as_far_from_the_reference_as_one():
    """The fault: probabilities of the samples made to sum to 1 over the group. Then four times the same is KL 0."""
    response, model = TOY.batch(["ab."] * 4), away(3.0)
    x, counts = np.zeros(4, int), TOY.counts(response)
    logp, ref = token_logp(model, x, response)[0], token_logp(REF, x, response)[0]
    groups = Groups(x, response, counts, logp, ref, np.zeros(4), np.zeros(4))
    row, grads = group_gradient(model, groups, GRPO)
    by_hand = np.exp(ref[0] - logp[0]) - 1 - (ref[0] - logp[0])
    assert row["kl"] == pytest.approx(by_hand.sum(), abs=1e-12)
    assert row["loss"] == pytest.approx(0.2 * by_hand.mean(), abs=1e-12)
    assert row["kl"] > 0.1
    assert max(np.abs(g).max() for g in grads.values()) > 1e-2
    renormalised, of_ref = softmax(logp.sum(axis=1)), softmax(ref.sum(axis=1))
    assert k3(np.log(renormalised), np.log(of_ref)) == pytest.approx(0, abs=1e-15)


# ---------------------------------------------------------------- the loop


def test_the_history():
    tree = Tree(TOY)
    judge = near_reference(tree, responses(REF, tree), TASK.table(tree), 0.2)
    model = away(0.1)
    cfg = replace(GRPO, iterations=5, prompts=6, epochs=2, every=2)
    history = grpo(model, REF, TASK.reward, cfg, np.random.default_rng(0), judge)
    assert [row["iteration"] for row in history] == [2, 4, 5]
    assert [row["samples"] for row in history] == [96, 192, 240]
    assert {key: history[-1][key] for key in judge(model)} == judge(model)
    assert all(np.isfinite(list(row.values())).all() for row in history)
    assert all(1 <= row["length"] <= 3 and row["kl"] > 0 for row in history)
    before = model.frozen().params["W_out"]
    assert grpo(model, REF, TASK.reward, replace(cfg, iterations=0), np.random.default_rng(0)) == []
    np.testing.assert_array_equal(model.params["W_out"], before)


def test_a_round_by_hand():
    """Draw, then two steps on the same groups; the history tells of these groups and of the second step."""
    model, by_hand = away(3.0), away(3.0)
    cfg = replace(GRPO, iterations=1, prompts=3, epochs=2, optimiser=SGD, lr=3.0)
    (row,) = grpo(model, REF, TASK.reward, cfg, np.random.default_rng(0))
    groups, sgd = draw_groups(by_hand, REF, TASK.reward, cfg, np.random.default_rng(0)), SGD(3.0)
    for _ in range(2):
        last, grads = group_gradient(by_hand, groups, cfg)
        sgd.step(by_hand.params, grads)
    for key, array in by_hand.params.items():
        np.testing.assert_array_equal(model.params[key], array)
    want = {"reward": groups.reward.mean(), "length": TOY.counts(groups.response).sum() / 24, **last}
    assert {key: row[key] for key in want} == pytest.approx(want, abs=1e-14)
    assert abs(row["loss"]) > 1e-3  # of fresh samples it is 0.2 k3 alone
    assert row["clip_fraction"] > 0


def test_the_reference_stands_still_and_a_seed_is_a_run():
    ref = REF.frozen()
    runs = []
    for seed in (0, 0, 1):
        model = away(0.1)
        grpo(model, ref, TASK.reward, replace(GRPO, iterations=3, prompts=3), np.random.default_rng(seed))
        runs.append(model.params["W_out"])
    np.testing.assert_array_equal(ref.params["theta"], REF.params["theta"])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3


def test_float32_is_kept_and_the_optimiser_is_chosen():
    rng = np.random.default_rng(0)
    model = mlp_model(TOY, rng, dtype=np.float32)
    before = model.frozen().params
    cfg = replace(GRPO, iterations=1, prompts=3, optimiser=SGD, lr=0.0001)
    assert draw_groups(model, REF, TASK.reward, cfg, rng).advantage.dtype == np.float32
    grpo(model, REF, TASK.reward, cfg, rng)
    assert {p.dtype for p in model.params.values()} == {np.dtype(np.float32)}
    moved = max(np.abs(model.params[key] - before[key]).max() for key in before)
    assert 0 < moved < 1e-4  # Adam would have moved everything by lr


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"iterations": -1}, "iterations is -1"),
        ({"prompts": 0}, "prompts is 0"),
        ({"group": 1}, "group is 1; it must be a whole number >= 2"),
        ({"epochs": 0}, "epochs is 0"),
        ({"every": 2.5}, "every is 2.5"),
        ({"beta": -0.1}, "beta is -0.1"),
        ({"beta": np.nan}, "beta is nan"),
        ({"reward_beta": np.inf}, "reward_beta is inf"),
        ({"lr": 0}, "lr is 0; it must be a finite number > 0"),
        ({"clip": 0}, "clip is 0"),
        ({"clip": (0.2, np.nan)}, "clip is"),
        ({"advantage": "group"}, "advantage is 'group'; it must be a function"),
        ({"ratio": "token"}, "ratio is 'token'"),
        ({"weight": None}, "weight is None"),
        ({"estimator": 3}, "estimator is 3"),
        ({"divergence_of": "k3"}, "divergence_of is 'k3'"),
        ({"optimiser": "adam"}, "optimiser is 'adam'"),
    ],
)
def test_settings_that_are_none(settings, message):
    with pytest.raises(ValueError, match=message):
        GRPOConfig(**settings)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda x, y: np.zeros((len(x), 1)), r"reward gave shape \(192, 1\); it must be \(192,\)"),
        (lambda x, y: np.where(np.arange(192) == 7, np.inf, 0), "reward of response 7 is inf"),
    ],
)
def test_rewards_that_are_none(reward, message):
    with pytest.raises(ValueError, match=message):
        grpo(away(1.0), REF, reward, GRPO, np.random.default_rng(0))


def test_references_that_are_none():
    model = away(1.0)
    with pytest.raises(ValueError, match="ref is the model that is trained"):
        grpo(model, model, TASK.reward, GRPO, np.random.default_rng(0))
    with pytest.raises(ValueError, match="ref speaks"):
        grpo(model, SMALL_REF, TASK.reward, GRPO, np.random.default_rng(0))


def test_a_reference_that_never_says_a_response():
    """With a price it is refused: inf less inf would leave every group silent. Without one nobody asks it."""
    ref = bigram(TOY)
    fit_by_counting(ref, np.arange(3), TOY.batch(["a.", "b.", "c."]))
    for cfg in (GRPO, RLOO):
        with pytest.raises(ValueError, match="ref never says"):
            draw_groups(away(1.0), ref, TASK.reward, cfg, np.random.default_rng(0))
    free, asked = (draw_groups(away(1.0), r, TASK.reward, DAPO, np.random.default_rng(0)) for r in (ref, REF))
    np.testing.assert_array_equal(free.advantage, asked.advantage)
    assert free.advantage.any()
