"""Hand-size instances of language-model alignment, recomputed: optima near a reference, best-of-n, divergences,
preference losses, group advantages.

Four responses with ref = (.4, .3, .2, .1) and rewards (0, 1, 2, -1); the other figures worked out in float64.
"""

import numpy as np
import pytest

from rlcore.exact.regularised import (
    best_of_n,
    best_of_n_bound,
    divergence,
    kl_optimal_policy,
    kl_ref_optimal_policy,
    regularised_performance,
)
from rlcore.learning.kl import d_k1, d_k2, d_k3, d_kl, k1, k2, k3
from rlcore.learning.losses import bradley_terry, dpo, ipo, rrhf
from rlcore.learning.preferences import hinge
from rlcore.learning.returns import group_advantage, rloo_advantage
from rlcore.lm.reward_model import maximum_likelihood
from rlcore.nn.optim import Adam

LOG_REF, REWARD = np.log([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 1.0, 2.0, -1.0])
LOG_PI = np.log([0.25, 0.25, 0.4, 0.1])


@pytest.mark.parametrize(
    ("beta", "pi", "value", "kl", "J"),
    [
        (1.0, [0.146516, 0.298703, 0.541306, 0.013475], 1.004332, 0.363508, 0.835822),
        (0.5, [0.029521, 0.163597, 0.805884, 0.000999], 1.303189, 0.942354, 0.892911),
        (0.1, [0.0, 0.0000681, 0.9999319, 0.0], 1.839063, 1.608689, 0.938582),
    ],
)
def test_the_optimum_near_the_reference(beta, pi, value, kl, J):
    best, V = kl_optimal_policy(LOG_REF, REWARD, beta)
    np.testing.assert_allclose(np.exp(best), pi, rtol=0, atol=6e-7)
    assert V == pytest.approx(value, abs=6e-7)
    assert divergence(best, LOG_REF) == pytest.approx(kl, abs=6e-7)
    assert regularised_performance(LOG_PI, LOG_REF, REWARD, beta) == pytest.approx(J, abs=6e-7)
    assert V - beta * divergence(LOG_PI, best) == pytest.approx(J, abs=6e-7)


@pytest.mark.parametrize(
    ("beta", "pi"),
    [
        (1.0, [0.170453, 0.222770, 0.576897, 0.029880]),
        (0.5, [0.093810, 0.132512, 0.757714, 0.015964]),
    ],
)
def test_the_fixed_point_of_k3_in_the_loss(beta, pi):
    np.testing.assert_allclose(np.exp(kl_ref_optimal_policy(LOG_REF, REWARD, beta)), pi, rtol=0, atol=6e-7)


def test_divergences_in_both_directions():
    assert divergence(LOG_PI, LOG_REF) == pytest.approx(0.114178, abs=6e-7)
    assert divergence(LOG_REF, LOG_PI) == pytest.approx(0.104068, abs=6e-7)


@pytest.mark.parametrize(
    ("k", "mean", "variance"),
    [(k1, 0.114178, 0.242681), (k2, 0.127859, 0.009855), (k3, 0.114178, 0.006189)],
)
def test_mean_and_variance_of_three_estimators(k, mean, variance):
    """Of one action that pi draws."""
    value, pi = k(LOG_PI, LOG_REF), np.exp(LOG_PI)
    assert pi @ value == pytest.approx(mean, abs=6e-7)
    assert pi @ (value - pi @ value) ** 2 == pytest.approx(variance, abs=6e-7)


def test_estimators_with_the_arguments_exchanged():
    """The ratio pi / ref in k3, and the sign of k1: pi still draws."""
    assert np.exp(LOG_PI) @ k3(LOG_REF, LOG_PI) == pytest.approx(0.150406, abs=6e-7)
    assert np.exp(LOG_PI) @ k1(LOG_REF, LOG_PI) == pytest.approx(-0.114178, abs=6e-7)


def test_k3_is_not_always_the_calmer_one():
    """What ref likes a thousand times as much as pi: a rare sample, and a huge one. Variances by hand, 3 arms."""
    pi, ref = np.array([0.5, 0.499, 0.001]), np.array([0.05, 0.05, 0.9])
    spread = []
    for k in (k1, k3):
        x = k(np.log(pi), np.log(ref))
        spread.append(pi @ (x - pi @ x) ** 2)
    ratio = ref / pi
    three = ratio - 1 - np.log(ratio)
    np.testing.assert_allclose(spread[1], pi @ three**2 - (pi @ three) ** 2, rtol=1e-12)
    assert spread[1] > 100 * spread[0]


# fmt: off
KL_IN_THE_LOSS = [  # expected gradient with respect to the logits; pi (.6, .3, .1), ref (.2, .3, .5)
    (d_k1, (0, 0, 0)), (d_k2, (0.360, -0.150, -0.211)), (d_k3, (0.400, 0, -0.400)),
    (lambda logp, ref: -1 + np.exp(logp - ref), (0.528, -0.336, -0.192)),  # k3 with pi / ref
]
# fmt: on


@pytest.mark.parametrize(("slope", "want"), KL_IN_THE_LOSS, ids=["k1", "k2", "k3", "k3 the wrong way round"])
def test_an_unbiased_value_is_no_unbiased_gradient(slope, want):
    pi, logp, ref = np.array([0.6, 0.3, 0.1]), np.log([0.6, 0.3, 0.1]), np.log([0.2, 0.3, 0.5])
    push = pi * slope(logp, ref)
    np.testing.assert_allclose(push - pi * push.sum(), want, rtol=0, atol=6e-4)
    np.testing.assert_allclose(d_kl(logp, ref), KL_IN_THE_LOSS[1][1], rtol=0, atol=6e-4)


@pytest.mark.parametrize(
    ("n", "pi", "kl", "bound"),
    [
        (2, [0.24, 0.39, 0.36, 0.01], 0.168301, 0.193147),
        (4, [0.0624, 0.3471, 0.5904, 0.0001], 0.573092, 0.636294),
    ],
)
def test_the_best_of_n(n, pi, kl, bound):
    best = best_of_n(LOG_REF, REWARD, n)
    np.testing.assert_allclose(np.exp(best), pi, rtol=0, atol=1e-14)
    assert divergence(best, LOG_REF) == pytest.approx(kl, abs=6e-7)
    assert best_of_n_bound(n) == pytest.approx(bound, abs=6e-7)


# ---------------------------------------- preference losses on three pairs: log-probabilities of whole responses

PAIRS = tuple(
    np.array(x) for x in ([-2.0, -5, -1], [-3.0, -4, -6], [-2.5, -4.5, -2], [-2.8, -4.2, -5])
)  # chosen, rejected, and both of ref


def each(loss, *arguments):
    """The loss of every pair by itself."""
    return [loss(*(x[b : b + 1] for x in PAIRS), *arguments)[0] for b in range(3)]


@pytest.mark.parametrize(
    ("loss", "arguments", "want"),
    [
        (dpo, (0.1,), [0.658760, 0.728760, 0.598139]),
        (dpo, (0.1, 0.1), [0.665760, 0.721760, 0.618139]),
        (dpo, (0.1, -0.1 / 0.8), [0.650010, 0.737510, 0.573139]),
        (hinge, (0.1,), [0.93, 1.07, 0.8]),
        (ipo, (0.1,), [18.49, 32.49, 9.0]),
    ],
    ids=["dpo", "conservative", "robust", "hinge", "ipo"],
)
def test_losses_on_three_pairs(loss, arguments, want):
    """Robust DPO is DPO with the smoothing -e / (1 - 2 e)."""
    np.testing.assert_allclose(each(loss, *arguments), want, rtol=0, atol=6e-7)


def test_dpo_and_its_gradient():
    value, (d_chosen, d_rejected) = dpo(*PAIRS, 0.1)
    assert value == pytest.approx(0.661886, abs=6e-7)
    np.testing.assert_allclose(d_chosen, [-0.016084, -0.017250, -0.015006], rtol=0, atol=6e-7)
    np.testing.assert_array_equal(d_rejected, -d_chosen)


def test_dpo_is_bradley_terry_of_the_implicit_rewards():
    r_chosen, r_rejected = 0.1 * (PAIRS[0] - PAIRS[2]), 0.1 * (PAIRS[1] - PAIRS[3])
    np.testing.assert_allclose(r_chosen, [0.05, -0.05, 0.1], atol=1e-15)
    np.testing.assert_allclose(r_rejected, [-0.02, 0.02, -0.1], atol=1e-15)
    assert bradley_terry(r_chosen, r_rejected)[0] == pytest.approx(dpo(*PAIRS, 0.1)[0], abs=1e-15)


@pytest.mark.parametrize(
    ("wins", "strength", "nll"),
    [
        ([[0, 6, 8], [4, 0, 7], [2, 3, 0]], [0.591468, 0.149102, -0.740570], 17.848669),
        ([[0, 7], [3, 0]], [np.log(7 / 3) / 2, -np.log(7 / 3) / 2], 6.108643),
    ],
)
def test_strengths_from_a_table_of_wins(wins, strength, nll):
    """wins[i, j]: how often i won against j. The fit is centred, as only differences count."""
    wins = np.array(wins, float)
    r = {"r": np.zeros(len(wins))}
    adam = Adam(0.05)
    for _ in range(600):
        pairs = [np.ascontiguousarray(x) for x in np.broadcast_arrays(r["r"][:, None], r["r"])]
        value, (d_i, d_j) = bradley_terry(*pairs, weight=wins)
        adam.step(r, {"r": d_i.sum(axis=1) + d_j.sum(axis=0)})
    np.testing.assert_allclose(r["r"] - r["r"].mean(), strength, rtol=0, atol=1e-6)
    assert value == pytest.approx(nll, abs=1e-6)


def test_strengths_of_who_never_lost_are_infinite():
    """A wins all its games, so no finite strength is the most likely; one game lost, and there is one."""
    games = np.array([[1, -1, 0], [1, 0, -1], [0, 1, -1], [0, -1, 1]], float)[:, :2]  # the third one's is 0
    with pytest.raises(ValueError, match="no single w is the most likely"):
        maximum_likelihood(games)
    lost = np.vstack([games, [-1, 1]])
    assert np.isfinite(maximum_likelihood(lost)).all()
    assert np.isfinite(maximum_likelihood(games, ridge=0.1)).all()


# ---------------------------------------- raw rewards are no probabilities


def test_bradley_terry_is_not_a_ratio_of_rewards():
    """Rewards 2 and 1: sigmoid(1) = .7311, not 2 / 3; ten more for both changes nothing, not .5217."""
    for shift in (0.0, 10.0):
        value, _ = bradley_terry(np.array([2.0 + shift]), np.array([1.0 + shift]))
        assert np.exp(-value) == pytest.approx(0.7310586, abs=1e-7)
    value, _ = bradley_terry(np.array([2.1]), np.array([-1.0]))
    assert np.exp(-value) == pytest.approx(0.9568927, abs=1e-7)  # 2.1 / 1.1 would be 1.91


# ---------------------------------------- groups: eight responses, three of them right

RIGHT = np.array([[0, 1, 1, 0, 1, 0, 0, 0]])


@pytest.mark.parametrize(
    ("advantage", "wrong", "right"),
    [
        (group_advantage(RIGHT), -0.724429, 1.207381),
        (group_advantage(RIGHT, ddof=0), -0.774437, 1.290728),
        (group_advantage(RIGHT, scale=False), -0.375, 0.625),
        (rloo_advantage(RIGHT), -0.428571, 0.714286),
    ],
    ids=["ddof 1", "ddof 0", "no scale", "leave one out"],
)
def test_group_advantages(advantage, wrong, right):
    np.testing.assert_allclose(advantage, np.where(RIGHT, right, wrong), rtol=0, atol=6e-7)


def test_ranking_by_hand():
    """Rewards 3, 2, 1; scores -1, -.5, -2: only the second stands over the first, by .5."""
    value, gradient = rrhf(np.array([[-1.0, -0.5, -2.0]]), np.array([[3.0, 2.0, 1.0]]))
    assert value == 0.5
    np.testing.assert_array_equal(gradient, [[-1, 1, 0]])
