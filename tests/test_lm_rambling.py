"""Talk that is worth nothing: what a loss that divides by lengths makes of it, exactly and from samples. Published."""

from dataclasses import replace

import numpy as np
import pytest

from rlcore.lm.grpo import DAPO, DR_GRPO, GRPO, grpo, over_longest
from rlcore.lm.language import Language
from rlcore.lm.models import token_logp
from rlcore.lm.rambling import everything, rambler, rambling
from rlcore.lm.sampling import sample
from rlcore.nn.optim import SGD, Adam
from rlcore.numerics import finite_difference

TASK = rambling()
LANGUAGE = TASK.language
X, Y = everything(LANGUAGE)
REWARD = TASK.reward(X, Y)
COUNTS = LANGUAGE.counts(Y)
LENGTH = COUNTS.sum(axis=1)


def summary(model):
    """P(right), E[length | wrong], E[length | right]"""
    p = np.exp(token_logp(model, X, Y)[0].sum(axis=1))
    right, wrong = p * REWARD, p * (1 - REWARD)
    return np.array([right.sum(), wrong @ LENGTH / wrong.sum(), right @ LENGTH / right.sum()])


def test_everything_that_can_be_said():
    assert len(set(LANGUAGE.texts(Y))) == len(Y) == 48
    assert LANGUAGE.texts(Y[:12:11]) == ["a.", "a-----------"]
    assert REWARD.sum() == 12
    logp, _ = token_logp(rambler(LANGUAGE), X, Y)
    assert np.exp(logp.sum(axis=1)).sum() == pytest.approx(1, abs=1e-13)
    np.testing.assert_allclose(summary(rambler(LANGUAGE)), [0.25, 4.5998, 4.5998], rtol=0, atol=6e-5)


def test_sizes():
    """Six tokens to choose from, eleven places to stop in; the shortest language has room for one."""
    model = rambler(LANGUAGE)
    assert model(X, Y)[0].shape == (48, 12, 6)
    assert {key: array.shape for key, array in model.params.items()} == {"answer": (4,), "stop": (2, 11)}
    shortest = rambling(2).language
    x, y = everything(shortest)
    assert shortest.texts(y) == ["a.", "a-", "b.", "b-", "c.", "c-", "d.", "d-"]
    assert rambler(shortest)(x, y)[0].shape == (8, 2, 6)


def test_what_is_said_can_be_said():
    response, logp = sample(rambler(LANGUAGE), np.zeros(500, int), np.random.default_rng(0))
    assert set(LANGUAGE.texts(response)) <= set(LANGUAGE.texts(Y))
    assert np.isfinite(logp).all()


def test_the_gradient():
    rng, model = np.random.default_rng(0), rambler(LANGUAGE)
    for array in model.params.values():
        array += rng.standard_normal(array.shape)
    weight = rng.standard_normal(Y.shape)
    _, back = token_logp(model, X, Y)
    grads = back(weight)
    for key, array in model.params.items():
        slope = finite_difference(lambda: (weight * token_logp(model, X, Y)[0]).sum(), array)
        np.testing.assert_allclose(grads[key], slope, rtol=0, atol=1e-8)


# ---------------------------------------------------------------- groups without end: the exact mean of the push

SHARES = {  # what a token of each response weighs, p (N,) being how often the responses come up
    "GRPO": lambda p: COUNTS / LENGTH[:, None],
    "Dr. GRPO": lambda p: COUNTS / LANGUAGE.length,
    "DAPO": lambda p: COUNTS / (p @ LENGTH),
}


def expected_push(model, share):
    """Ascent direction, with the advantage (r - mean) / std of an infinite group."""
    logp, back = token_logp(model, X, Y)
    p = np.exp(logp.sum(axis=1))
    mean = p @ REWARD
    A = (REWARD - mean) / np.sqrt(mean * (1 - mean))
    return back((p * A)[:, None] * share(p))


def test_a_response_s_own_length_moves_the_end():
    """Wrong answers stop later, right ones earlier, from the first step on; a constant or a common mean: no drift."""
    drift = expected_push(rambler(LANGUAGE), SHARES["GRPO"])["stop"]
    np.testing.assert_allclose(drift[0, :4], [-0.02404, -0.00985, -0.00467, -0.00239], rtol=0, atol=6e-6)
    np.testing.assert_allclose(drift[1], -drift[0], rtol=0, atol=1e-15)
    for name in ("Dr. GRPO", "DAPO"):
        push = expected_push(rambler(LANGUAGE), SHARES[name])
        assert np.abs(push["stop"]).max() < 1e-16
        assert push["answer"][0] > 0.03


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("GRPO", [0.9997, 5.7577, 2.9994]),
        ("Dr. GRPO", [0.9978, 4.5998, 4.5998]),
        ("DAPO", [0.9997, 4.5998, 4.5998]),
    ],
)
def test_four_hundred_steps(name, want):
    """Plain gradient steps of 1. All three learn the answer."""
    model, ascent = rambler(LANGUAGE), SGD(1.0)
    for _ in range(400):
        push = expected_push(model, SHARES[name])
        ascent.step(model.params, {key: -g for key, g in push.items()})
    np.testing.assert_allclose(summary(model), want, rtol=0, atol=6e-5)


# ---------------------------------------------------------------- groups of eight

SAMPLED = {
    "GRPO": (replace(GRPO, beta=0.0), 5.34, 0.15, 3.59, 0.06),
    "Dr. GRPO, with a spread": (replace(GRPO, beta=0.0, weight=over_longest), 4.59, 0.03, 4.60, 0.06),
    "Dr. GRPO": (replace(DR_GRPO, beta=0.0), 4.59, 0.03, 4.60, 0.06),
    "DAPO": (DAPO, 4.59, 0.15, 4.59, 0.06),
}


def sampled(cfg, seed):
    """16 groups of 8 a round, 150 rounds, plain gradient steps of 1."""
    model = rambler(LANGUAGE)
    cfg = replace(cfg, iterations=150, prompts=16, lr=1.0, optimiser=SGD, every=150)
    grpo(model, model.frozen(), TASK.reward, cfg, np.random.default_rng(seed))
    return summary(model)


@pytest.mark.parametrize("name", SAMPLED)
def test_published_lengths(name):
    """Means of five seeds, within three times the published intervals."""
    cfg, wrong, wide, right, narrow = SAMPLED[name]
    accuracy, got_wrong, got_right = np.mean([sampled(cfg, seed) for seed in range(5)], axis=0)
    assert accuracy > 0.8
    assert got_wrong == pytest.approx(wrong, abs=wide)
    assert got_right == pytest.approx(right, abs=narrow)


def test_adam_hurries_the_drift():
    """Where the gradient is small and steady, Adam takes whole steps: wrong answers run to the limit of 12."""
    lengths = {}
    for name in SHARES:
        model, optimiser = rambler(LANGUAGE), Adam(0.05)
        for _ in range(400):
            push = expected_push(model, SHARES[name])
            optimiser.step(model.params, {key: -g for key, g in push.items()})
        lengths[name] = summary(model)[1:]
    assert lengths["GRPO"][0] > 11
    assert lengths["GRPO"][1] < 2.2
    np.testing.assert_allclose([lengths["Dr. GRPO"], lengths["DAPO"]], 4.5998, rtol=0, atol=1e-3)


def test_how_readily_it_stops():
    """With probability s = sigmoid(stop) in each place: 2 + (1 - s) + ... + (1 - s)^10 tokens."""
    for stop in (-1.0, 2.0):
        go_on = 1 / (1 + np.exp(stop))
        want = 2 + (go_on ** np.arange(1, 11)).sum()
        np.testing.assert_allclose(summary(rambler(LANGUAGE, stop)), [0.25, want, want], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Language("abcd-", ("A", "B"), 12),), "must be that of rambling"),
        ((Language("ab", length=12),), "must be that of rambling"),
        ((Language("abcd-", length=1),), "must be that of rambling"),
        ((LANGUAGE, np.nan), "stop is nan"),
        ((LANGUAGE, "soon"), "stop is 'soon'"),
    ],
)
def test_ramblers_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        rambler(*arguments)


@pytest.mark.parametrize("length", [1, 0, 2.5, True])
def test_lengths_that_are_none(length):
    with pytest.raises(ValueError, match="length is"):
        rambling(length)
