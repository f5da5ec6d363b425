"""Preference losses and group advantages: extremes, noise, shapes, number types. Gradients: test_gradients."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.special import expit

from rlcore.learning import losses, preferences
from rlcore.learning.preferences import (
    bradley_terry,
    centring,
    dpo,
    hinge,
    ipo,
    kto,
    plackett_luce,
    rrhf,
    simpo,
)
from rlcore.learning.returns import group_advantage, rloo_advantage

PAIR_LOSSES = {
    "bradley_terry": bradley_terry,
    "dpo": lambda c, r, **k: dpo(c, r, 0 * c, 0 * r, 0.5, **k),
    "ipo": lambda c, r, **k: ipo(c, r, 0 * c, 0 * r, 0.5, **k),
    "hinge": lambda c, r, **k: hinge(c, r, 0 * c, 0 * r, 0.5, **k),
    "noisy": lambda c, r, **k: bradley_terry(c, r, noise=0.1, **k),
    "simpo": lambda c, r, **k: simpo(c, r, np.full(c.shape, 2), np.full(r.shape, 3), 0.5, **k),
    "centring": centring,
    "kto": lambda c, r, **k: kto(c, r, 0 * c, 0 * r, 0.3, 0.5, **k),
}
EACH = pytest.mark.parametrize("loss", PAIR_LOSSES.values(), ids=PAIR_LOSSES)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def test_they_can_be_imported_from_losses():
    for name in ("bradley_terry", "dpo", "ipo", "rrhf"):
        assert getattr(losses, name) is getattr(preferences, name)


# ---------------------------------------------------------------- Bradley and Terry


def test_a_pair_far_apart_costs_its_distance():
    """-log sigmoid(-1000) is 1000: no overflow, no inf."""
    value, (d_chosen, d_rejected) = bradley_terry(np.array([-500.0, 500]), np.array([500.0, -500]))
    assert value == 500
    np.testing.assert_array_equal(d_chosen, [-0.5, 0])
    np.testing.assert_array_equal(d_rejected, [0.5, 0])
    noisy, (d, _) = bradley_terry(np.array([-500.0]), np.array([500.0]), noise=0.1)
    assert noisy == pytest.approx(-np.log(0.1), abs=1e-12)  # a label that must be an error costs no more
    assert abs(d[0]) < 1e-12  # and has no pull


def test_no_noise_is_the_limit_of_little():
    c, r = 3 * normal(0, 2, 20)
    plain, (d, _) = bradley_terry(c, r)
    nearly, (d_nearly, _) = bradley_terry(c, r, noise=1e-9)
    assert nearly == pytest.approx(plain, abs=1e-7)
    np.testing.assert_allclose(d_nearly, d, atol=1e-7)
    half, (d_half, _) = bradley_terry(c, r, noise=0.5)  # labels that say nothing teach nothing
    assert half == pytest.approx(np.log(2), abs=1e-12)
    np.testing.assert_allclose(d_half, 0, atol=1e-12)


def test_with_flipped_labels_one_smoothing_is_unbiased():
    """(1 - e) loss(as is) + e loss(flipped), smoothed by -e / (1 - 2 e), is the loss of the clean labels."""
    c, r, e = *normal(1, 2, 20), 0.1
    s = -e / (1 - 2 * e)
    clean, (d_clean, _) = bradley_terry(c, r)
    kept, (d_kept, _) = bradley_terry(c, r, label_smoothing=s)
    flipped, (_, d_flipped) = bradley_terry(r, c, label_smoothing=s)
    assert (1 - e) * kept + e * flipped == pytest.approx(clean, abs=1e-12)
    np.testing.assert_allclose((1 - e) * d_kept + e * d_flipped, d_clean, atol=1e-14)


@EACH
def test_weights_sum_and_a_zero_is_absent(loss):
    c, r = normal(2, 2, 6)
    w = np.array([0.5, 0.0, 2.0, 0.0, 1.0, 0.25])
    value, gradients = loss(c, r, weight=w)
    parts = [loss(c[b : b + 1], r[b : b + 1]) for b in range(6)]
    assert value == pytest.approx(sum(w[b] * parts[b][0] for b in range(6)), abs=1e-12)
    for k, gradient in enumerate(gradients):
        np.testing.assert_allclose(gradient, [w[b] * parts[b][1][k][0] for b in range(6)], atol=1e-14)


@EACH
def test_the_mean_over_any_shape(loss):
    c, r = normal(3, 2, 3, 4)
    value, gradients = loss(c, r)
    flat, flat_gradients = loss(c.ravel(), r.ravel())
    assert value == pytest.approx(flat, abs=1e-14)
    for a, b in zip(gradients, flat_gradients, strict=True):
        np.testing.assert_allclose(a.ravel(), b, atol=1e-15)


@EACH
def test_float32_in_float32_out(loss):
    c, r = normal(4, 2, 50)
    value, gradients = loss(c, r)
    single, single_gradients = loss(c.astype(np.float32), r.astype(np.float32))
    assert single == pytest.approx(value, rel=1e-5)
    for a, b in zip(single_gradients, gradients, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


# ---------------------------------------------------------------- what each one is for


def test_ipo_regresses_to_what_raters_say():
    """Where i wins with probability p, the best h is (p - 1/2) / beta; a certain one 1 / (2 beta), a tie 0."""
    beta = 0.25
    for p in (0.5, 0.8, 1.0):
        h = np.linspace(-3, 3, 6001)
        zero = 0 * h[:1]
        losses_at = [
            p * ipo(x, zero, zero, zero, beta)[0] + (1 - p) * ipo(zero, x, zero, zero, beta)[0]
            for x in h[:, None]
        ]
        assert h[np.argmin(losses_at)] == pytest.approx((p - 0.5) / beta, abs=1.1e-3)


def test_dpo_raises_certain_pairs_for_ever_and_ipo_and_hinge_do_not():
    far = np.array([1e3])
    zero = np.zeros(1)
    assert dpo(far / 100, zero, zero, zero, 0.1)[1][0][0] < -1e-2
    assert ipo(far, zero, zero, zero, 0.1)[1][0][0] > 0  # beyond the margin it pulls back
    assert hinge(far, zero, zero, zero, 0.1)[1][0][0] == 0
    assert hinge(np.array([10.0]), zero, zero, zero, 0.1)[1][0][0] == 0  # the documented branch, on the kink
    assert hinge(np.array([10.0 - 1e-9]), zero, zero, zero, 0.1)[1][0][0] == -0.1


def test_a_mean_over_tokens_is_another_loss():
    """Sums -4 and -3 with 4 and 1 tokens: by the sum the short one is likelier, by the mean the long one."""
    c, r = np.array([-4.0]), np.array([-3.0])
    assert simpo(c, r, np.array([4.0]), np.array([1.0]), 1.0)[0] == pytest.approx(-np.log(expit(2.0)))
    assert simpo(c, r, np.ones(1), np.ones(1), 1.0)[0] == pytest.approx(-np.log(expit(-1.0)))
    assert simpo(c, r, np.ones(1), np.ones(1), 2.0, 0.5)[0] == pytest.approx(-np.log(expit(-2.5)))


def test_kto_needs_no_partners():
    """Three good ones and one bad one; log 3 over ref with z = 0 at beta 1 costs 1 - 3 / 4."""
    value, (d_good, d_bad) = kto(np.full(3, np.log(3)), np.zeros(1), np.zeros(3), np.zeros(1), 0.0, 1.0)
    assert value == pytest.approx(0.25 + 0.5, abs=1e-15)
    np.testing.assert_allclose(d_good, -3 / 16 / 3, atol=1e-15)
    np.testing.assert_allclose(d_bad, 0.25, atol=1e-15)
    below = [kto(np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1), z, 1.0)[0] for z in (0.0, -5.0)]
    assert below[0] == below[1]  # an estimate below 0 counts as 0


def test_kto_measures_both_kinds_from_the_divergence():
    """z = log 2: a good one at log 6 is log 3 above it, a bad one at -log 2 is log 4 below it."""
    log = np.log
    value, (d_good, d_bad) = kto(*(np.array([x]) for x in (log(6), -log(2), 0.0, 0.0)), log(2), 1.0)
    assert value == pytest.approx(1 / 4 + 1 / 5, abs=1e-15)
    np.testing.assert_allclose(d_good, -3 / 16, atol=1e-15)
    np.testing.assert_allclose(d_bad, 4 / 25, atol=1e-15)


def test_rrhf_by_its_definition():
    score, reward = normal(5, 7, 5), np.random.default_rng(5).integers(0, 3, (7, 5))
    value, gradient = rrhf(score, reward)
    want, slope = 0.0, np.zeros((7, 5))
    for b, i, j in product(range(7), range(5), range(5)):
        if reward[b, i] < reward[b, j] and score[b, i] > score[b, j]:
            want += (score[b, i] - score[b, j]) / 7
            slope[b, i] += 1 / 7
            slope[b, j] -= 1 / 7
    assert value == pytest.approx(want, abs=1e-14)
    np.testing.assert_allclose(gradient, slope, atol=1e-15)
    assert want > 1


def test_rrhf_looks_at_the_order_alone():
    score, reward = normal(6, 2, 4, 6)
    assert rrhf(score, reward)[0] == rrhf(score, np.exp(reward))[0]
    assert rrhf(score, np.zeros((4, 6)))[0] == 0
    value, gradient = rrhf(score, score)  # in order: nothing to do
    assert value == 0
    assert not gradient.any()
    assert not rrhf(np.zeros((1, 3)), np.array([[3.0, 2.0, 1.0]]))[1].any()  # at the kink
    assert rrhf(score.astype(np.float32), reward)[1].dtype == np.float32


@pytest.mark.parametrize("shift", [0.0, 700.0])
def test_rankings_by_their_definition(shift):
    """The product of the chances to be the next, for each ranking; a pair is Bradley and Terry's."""
    r = normal(10, 3, 4)
    want = 0.0
    for row in r:
        for g in range(4):
            want -= np.log(np.exp(row[g]) / np.exp(row[g:]).sum()) / 3
    value, gradient = plackett_luce(r + shift)
    assert value == pytest.approx(want, abs=1e-11)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-12)
    pair, (d, _) = bradley_terry(r[:, 0], r[:, 1])
    value, gradient = plackett_luce(r[:, :2])
    assert value == pytest.approx(pair, abs=1e-14)
    np.testing.assert_allclose(gradient[:, 0], d, atol=1e-15)
    assert plackett_luce(r.astype(np.float32))[1].dtype == np.float32


def test_chances_of_all_rankings_sum_to_one():
    r = normal(11, 4)
    total = sum(np.exp(-plackett_luce(r[list(order)])[0]) for order in permutations(range(4)))
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", [list, np.int64, np.int8])
def test_whole_numbers_have_the_gradient_of_their_floats(kind):
    """Of either kind of ranking, and of every loss of pairs."""
    floats = np.array([[1.0, 3, 2], [-2, 0, 5]])
    whole = floats.astype(int).tolist() if kind is list else floats.astype(kind)
    for f in (plackett_luce, lambda x: rrhf(x, floats[:, ::-1])):
        (value, d), (expected, slope) = f(whole), f(floats)
        assert value == expected
        np.testing.assert_allclose(d, slope, atol=1e-12)
        assert np.abs(slope).max() > 0.1
    pair = [np.asarray(row) for row in whole]
    for loss in PAIR_LOSSES.values():
        (value, d), (expected, slope) = loss(*pair), loss(*floats)
        assert value == pytest.approx(expected, abs=1e-3 if kind is np.int8 else 1e-12)
        np.testing.assert_allclose(d, slope, atol=1e-3 if kind is np.int8 else 1e-12)


def test_centred_rewards_by_hand():
    value, (d_chosen, d_rejected) = centring(np.array([2.0, 1.0]), np.array([1.0, -1.0]))
    assert value == 4.5
    np.testing.assert_array_equal(d_chosen, [3, 0])
    np.testing.assert_array_equal(d_rejected, [3, 0])


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize("f", [group_advantage, rloo_advantage])
@pytest.mark.parametrize("value", [0, 1, 0.1, 1 / 3, 1e300])
def test_equal_rewards_say_nothing(f, value):
    """Exactly 0, though the mean of three times .1 is not .1 in binary; and no warning of 0 / 0."""
    reward = np.full((2, 3), value)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(f(reward), 0)
    assert not group_advantage(reward, eps=0.0).any()


def test_group_advantages_by_their_definition():
    reward = normal(7, 5, 6)
    centred = reward - reward.mean(axis=1, keepdims=True)
    for ddof in (0, 1):
        want = centred / (reward.std(axis=1, ddof=ddof, keepdims=True) + 1e-4)
        np.testing.assert_allclose(group_advantage(reward, ddof=ddof), want, atol=1e-13)
    np.testing.assert_allclose(group_advantage(reward, scale=False), centred, atol=1e-14)
    for g in range(6):
        others = np.delete(reward, g, axis=1).mean(axis=1)
        np.testing.assert_allclose(rloo_advantage(reward)[:, g], reward[:, g] - others, atol=1e-14)


def test_ddof_is_a_factor():
    reward = normal(8, 5, 8)
    a, b = group_advantage(reward, eps=0.0), group_advantage(reward, eps=0.0, ddof=0)
    np.testing.assert_allclose(a, np.sqrt(7 / 8) * b, atol=1e-14)


def test_groups_keep_their_number_type():
    assert group_advantage(normal(9, 2, 4).astype(np.float32)).dtype == np.float32
    assert group_advantage(np.array([[True, False]])).dtype == np.float32
    assert rloo_advantage(np.array([[1, 0]])).dtype == np.float64
    np.testing.assert_array_equal(rloo_advantage(np.array([[1, 0]])), [[1, -1]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_reward_that_is_no_number_is_not_hidden(bad):
    """Its group is lost and says so; it does not look like a group that has nothing to say."""
    reward = np.array([[1.0, bad, 0.0, 2.0], [1.0, 0.0, 0.0, 2.0]])
    with np.errstate(invalid="ignore"):
        for f in (group_advantage, rloo_advantage):
            advantage = f(reward)
            assert np.isnan(advantage[0]).any()
            np.testing.assert_array_equal(advantage[1], f(reward[1:])[0])


def test_groups_of_one():
    np.testing.assert_array_equal(group_advantage(np.array([[3.0], [1.0]])), 0)
    with pytest.raises(ValueError, match=r"reward has shape \(2, 1\); a group needs two responses or more"):
        rloo_advantage(np.array([[3.0], [1.0]]))


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("shape", [(4, 1), (1,), (4, 4), ()])
def test_pairs_that_would_broadcast_are_refused(shape):
    a, b = np.zeros(4), np.zeros(shape)
    with pytest.raises(ValueError, match="reward_rejected has shape"):
        bradley_terry(a, b)
    for f in (dpo, ipo, hinge):
        with pytest.raises(ValueError, match="ref_rejected has shape"):
            f(a, a, a, b, 0.1)
    with pytest.raises(ValueError, match="length_chosen has shape"):
        simpo(a, a, b, a, 0.1)
    with pytest.raises(ValueError, match="ref_chosen has shape"):
        kto(a, a, b, a, 0.0, 0.1)
    with pytest.raises(ValueError, match="weight has shape"):
        bradley_terry(a, a, weight=b)
    with pytest.raises(ValueError, match="rank_reward has shape"):
        rrhf(np.zeros((4, 4)), np.zeros(4))
