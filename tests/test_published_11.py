"""Numbers that stand in papers and that public code computes, recomputed: chapter 11.

Small instances whose answers were worked out with an automatic-differentiation library in float64; the six
tapes of advantages; Schulman's table of the estimators of a divergence; what they push along in a loss.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from rlcore.exact.gradients import performance
from rlcore.learning.kl import d_k1, d_k2, d_k3, d_kl, d_kl_ref, k1, k2, k3, kl
from rlcore.learning.losses import (
    PPOClip,
    clip_fraction,
    clipped_squared_error,
    clipped_surrogate,
    entropy,
    policy_gradient_loss,
    ppo_clip,
    squared_error,
    standardised,
)
from rlcore.learning.policies import log_prob
from rlcore.learning.returns import gae
from rlcore.numerics import softmax
from rlcore.problems.chains import short_corridor

# ---------------------------------------- the clipped surrogate on four samples

PI_OLD, PI_NEW = np.array([0.5, 0.2, 0.3, 0.6]), np.array([0.7, 0.1, 0.32, 0.55])
LOGP_OLD, LOGP = np.log(PI_OLD), np.log(PI_NEW)
ADVANTAGE = np.array([1.0, 1.0, -2.0, -0.5])
D_LOGP = [0.0, -0.125, 0.533333333333, 0.114583333333]


def test_ppo_loss_and_gradient():
    value, gradient = clipped_surrogate(LOGP, LOGP_OLD, ADVANTAGE, 0.2)
    assert value == pytest.approx(0.222916666666667, abs=1e-12)
    np.testing.assert_allclose(gradient, D_LOGP, rtol=0, atol=1e-12)
    value, gradient, _ = PPOClip(0.2).loss(LOGP, LOGP_OLD, k3(LOGP_OLD, LOGP), ADVANTAGE)
    assert value == pytest.approx(0.222916666666667, abs=1e-12)
    np.testing.assert_allclose(gradient, D_LOGP, rtol=0, atol=1e-12)


def test_ppo_loss_and_gradient_through_the_logits():
    """Two actions, the first one taken: d logp / d logits = (1 - p, -(1 - p))."""
    logits = np.log(np.stack([PI_NEW, 1 - PI_NEW], axis=1))
    value, gradient = ppo_clip(logits, np.zeros(4, int), LOGP_OLD, ADVANTAGE, 0.2)
    assert value == pytest.approx(0.222916666666667, abs=1e-12)
    want = np.array(D_LOGP) * (1 - PI_NEW)
    np.testing.assert_allclose(gradient, np.stack([want, -want], axis=1), rtol=0, atol=1e-12)


def test_ppo_ratios():
    """The gradient without clip is -r A / 4."""
    _, gradient = clipped_surrogate(LOGP, LOGP_OLD, ADVANTAGE, np.inf)
    ratio = -4 * gradient / ADVANTAGE
    np.testing.assert_allclose(ratio, [1.4, 0.5, 1.066666666667, 0.916666666667], rtol=0, atol=1e-12)


def test_approximate_divergences_of_old_and_new():
    means = [k(LOGP_OLD, LOGP).mean() for k in (k1, k2, k3)]
    want = [0.094786949947698, 0.075675347546417, 0.065620283281031]
    np.testing.assert_allclose(means, want, rtol=0, atol=1e-12)


def test_half_are_outside_the_band_and_a_quarter_without_gradient():
    """The second sample has r = .5 and A > 0: outside, and pushed back in."""
    assert clip_fraction(LOGP, LOGP_OLD, 0.2) == 0.5
    _, gradient = clipped_surrogate(LOGP, LOGP_OLD, ADVANTAGE, 0.2)
    assert np.mean(gradient == 0) == 0.25


def test_the_inverted_trust_region():
    """d objective / d ratio at A = -1, clip .2, ratio .5, 1, 1.5: 0, -1, -1; with max for min it is -1, -1, 0."""
    logp = np.log([0.5, 1.0, 1.5])
    _, gradient = clipped_surrogate(logp, np.zeros(3), np.full(3, -1.0), 0.2)
    np.testing.assert_allclose(-3 * gradient / np.exp(logp), [0, -1, -1], rtol=0, atol=1e-12)


def test_the_sign_of_the_gradient_of_the_logits():
    """A = 1 for the first action of two: a step downhill makes it likelier."""
    _, gradient = policy_gradient_loss(np.zeros((1, 2)), np.array([0]), np.ones(1))
    np.testing.assert_allclose(gradient, [[-0.5, 0.5]], atol=1e-15)


# ---------------------------------------- conventions: standardised advantages, value clipping


@pytest.mark.parametrize(
    ("ddof", "want"),
    [
        (1, [0.783349446346095, 0.783349446346095, -1.305582410576825, -0.261116482115365]),
        (0, [0.904534026460564, 0.904534026460564, -1.507556710767606, -0.301511342153521]),
    ],
)
def test_standardised_advantages(ddof, want):
    np.testing.assert_allclose(standardised(ADVANTAGE, ddof=ddof), want, rtol=0, atol=1e-12)


VALUE_OLD, VALUE = np.array([0.0, 1.0, 2.0, 0.5]), np.array([0.5, 1.1, 1.5, 0.5])
RETURN = np.array([1.0, 0.0, 2.0, -1.0])


def test_value_losses():
    """Half the square .495; the larger of both .54375; the clipped one alone 1.035, there without the half."""
    assert squared_error(VALUE, RETURN)[0] == pytest.approx(0.495, abs=1e-12)
    assert clipped_squared_error(VALUE, VALUE_OLD, RETURN, 0.2)[0] == pytest.approx(0.54375, abs=1e-12)
    alone, _ = clipped_squared_error(VALUE, VALUE_OLD, RETURN, 0.2, larger=False)
    assert 2 * alone == pytest.approx(1.035, abs=1e-12)


# ---------------------------------------- six tapes of advantages

REWARD, V = np.array([1.0, 0.0, -1.0, 2.0, 0.5]), np.array([0.5, 0.2, -0.3, 1.0, 0.7])
NEVER, THIRD, LAST = np.zeros(5, bool), np.arange(5) == 2, np.arange(5) == 4


@pytest.mark.parametrize(
    ("terminated", "done", "behind_the_third", "lam", "want"),
    [
        (NEVER, NEVER, 1.0, 0.8, [1.0966724096, 0.57871168, 1.456544, 1.7452, 0.16]),
        (THIRD, THIRD, 1.0, 0.8, [-0.02128, -0.974, -0.7, 1.7452, 0.16]),
        (NEVER, THIRD, 0.9, 0.8, [0.398624, -0.3908, 0.11, 1.7452, 0.16]),
        (NEVER, NEVER, 1.0, 0.0, [0.68, -0.47, 0.2, 1.63, 0.16]),
        (NEVER, NEVER, 1.0, 1.0, [1.712246, 1.14694, 1.7966, 1.774, 0.16]),
        (LAST, LAST, 1.0, 0.8, [0.999926528, 0.4443424, 1.26992, 1.486, -0.2]),
    ],
    ids=["no end", "terminated", "truncated", "lambda 0", "lambda 1", "terminated at last"],
)
def test_advantages(terminated, done, behind_the_third, lam, want):
    """gamma .9. Behind a cut stands the value of the true successor, .9, not that of the next episode's start."""
    next_value = np.array([0.2, -0.3, behind_the_third, 0.7, 0.4])
    got = gae(REWARD, V, next_value, terminated, done, gamma=0.9, lam=lam)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
    columns = gae(
        *(np.stack([x, x], axis=1) for x in (REWARD, V, next_value, terminated, done)), gamma=0.9, lam=lam
    )
    np.testing.assert_allclose(columns, np.stack([want, want], axis=1), rtol=0, atol=1e-12)


def test_a_value_target_of_standardised_advantages_has_the_wrong_scale():
    """The lambda-return is A + V; with A standardised first the targets are off by more than 1 here."""
    next_value = np.array([0.2, -0.3, 1.0, 0.7, 0.4])
    A = gae(REWARD, V, next_value, NEVER, NEVER, gamma=0.9, lam=1.0)
    G = np.array([2.212246, 1.34694, 1.4966, 2.774, 0.86])  # the return with .4 behind the last step
    np.testing.assert_allclose(A + V, G, rtol=0, atol=1e-12)
    assert np.abs(standardised(A) + V - G).max() > 1


# ---------------------------------------- Schulman (2020): estimators of KL(q || p), q = N(0, 1), p = N(mu, 1)


@pytest.mark.parametrize(
    ("mu", "bias", "spread"),
    [(0.1, [0, 0.0025, 0], [20, 1.41774, 1.41657]), (1.0, [0, 0.25, 0], [2, 1.73205, 1.69503])],
)
def test_schulmans_estimators(mu, bias, spread):
    """Bias and standard deviation over the true value mu^2 / 2, by Gauss-Hermite quadrature."""
    x, w = hermegauss(120)
    w = w / w.sum()
    true = mu**2 / 2
    for k, b, s in zip((k1, k2, k3), bias, spread, strict=True):
        sample = k(-(x**2) / 2, -((x - mu) ** 2) / 2)
        mean = w @ sample
        assert (mean - true) / true == pytest.approx(b, abs=1e-9)
        assert np.sqrt(w @ (sample - mean) ** 2) / true == pytest.approx(s, abs=5.1e-6)


# ---------------------------------------- what an estimator in the loss pushes along, by enumeration


def test_expected_gradients_in_the_loss():
    """pi = (.6, .3, .1), ref = (.2, .3, .5); with respect to the logits, the actions drawn from pi."""
    pi, logp, ref = np.array([0.6, 0.3, 0.1]), np.log([0.6, 0.3, 0.1]), np.log([0.2, 0.3, 0.5])
    _, back = log_prob(np.tile(logp, (3, 1)), np.arange(3))

    def push(d):
        return back(pi * d).sum(axis=0)

    np.testing.assert_allclose(push(d_k1(logp, ref)), 0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(push(d_k2(logp, ref)), d_kl(logp, ref), rtol=0, atol=1e-14)
    np.testing.assert_allclose(push(d_k3(logp, ref)), d_kl_ref(ref, logp), rtol=0, atol=1e-14)
    np.testing.assert_allclose(d_kl(logp, ref), [0.360, -0.150, -0.211], rtol=0, atol=6e-4)
    np.testing.assert_allclose(d_kl_ref(ref, logp), [0.4, 0, -0.4], rtol=0, atol=1e-14)
    wrong = push(-d_k3(-logp, -ref))  # k3 with pi / ref in the place of ref / pi
    np.testing.assert_allclose(wrong, [0.528, -0.336, -0.192], rtol=0, atol=5.1e-4)


def test_the_estimators_under_a_policy_of_four_actions():
    """Means and variances by enumeration, and the two wrong ones."""
    ref, pol = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.25, 0.25, 0.4, 0.1])
    p, r = np.log(pol), np.log(ref)
    assert kl(p, r) == pytest.approx(0.11417757571405557, abs=1e-14)
    assert kl(r, p) == pytest.approx(0.10406848262449159, abs=1e-14)
    moments = {
        k1: (0.11417757571405554, 0.24268082716532516),
        k2: (0.12785867298063205, 0.009854625306457105),
        k3: (0.11417757571405557, 0.006188710488230938),
    }
    for k, (mean, variance) in moments.items():
        sample = k(p, r)
        assert pol @ sample == pytest.approx(mean, abs=1e-14)
        assert pol @ (sample - mean) ** 2 == pytest.approx(variance, abs=1e-14)
    assert pol @ k3(r, p) == pytest.approx(0.1504057576192778, abs=1e-14)
    assert pol @ k1(r, p) == pytest.approx(-0.11417757571405554, abs=1e-14)


# ---------------------------------------- the chapter's own numbers, from elsewhere

FIGURES = Path(__file__).parents[1] / "figures"


def test_the_surrogate_is_a_tangent_and_its_bound_holds():
    """Short corridor, gamma .9, from p = .2: L against differences of J, good to 1e-9; the bound everywhere."""
    corridor = short_corridor(gamma=0.9)

    def J(p):
        return performance(corridor, np.tile([1 - p, p], (4, 1)))

    with np.load(FIGURES / "fig_11_1_surrogate.npz") as data:
        p, L = data["p"], data["L"]
        np.testing.assert_allclose(data["J"], [J(x) for x in p], rtol=0, atol=1e-12)
        slope = (J(0.2 + 1e-5) - J(0.2 - 1e-5)) / 2e-5
        np.testing.assert_allclose(L, J(0.2) + slope * (p - 0.2), rtol=0, atol=1e-7)
        assert L[-1] > data["J"].max() + 5  # the end of the line promises what no policy can bring
        assert (data["floor"] <= data["J"] + 1e-12).all()
        assert (data["error"] > 0).all()
        assert (data["error"] < data["allowed"]).all()
        growth = np.diff(np.log(data["error"][:10])) / np.diff(np.log(data["kl"][:10]))
        np.testing.assert_allclose(growth, 1, atol=0.01)  # the error is proportional to the divergence


def test_the_figure_of_the_clip():
    """Slopes (0, -1, -1) for A = -1 at .5, 1, 1.5; with max (-1, -1, 0); for A = 1 (1, 1, 0) and (0, 1, 1)."""
    with np.load(FIGURES / "fig_11_2_clip.npz") as data:
        at = np.searchsorted(data["r"], [0.5, 1.0, 1.5])
        np.testing.assert_allclose(data["min_slope"][:, at], [[1, 1, 0], [0, -1, -1]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(data["max_slope"][:, at], [[0, 1, 1], [-1, -1, 0]], rtol=0, atol=1e-12)
        assert (data["min"] <= data["max"] + 1e-12).all()


def test_old_actions_weighed_by_the_ratio_give_new_averages_and_no_limit():
    """sum old r A = sum new A, however far the policies are apart: here the largest ratio is above 1000."""
    old, new = softmax(np.array([4.0, 0.0, -4.0])), softmax(np.array([-4.0, 0.0, 4.0]))
    A = np.array([1.0, -2.0, 0.5])
    value, _ = clipped_surrogate(np.log(new), np.log(old), A, np.inf, weight=old)
    assert -value == pytest.approx(new @ A, abs=1e-14)
    assert (new / old).max() > 1000


def test_the_ratio_belongs_to_the_state_of_its_step():
    """With the logits of one state for all steps, the loss is another one."""
    rng = np.random.default_rng(0)
    old = rng.standard_normal((5, 3))
    new, action, A = old + rng.standard_normal((5, 3)), np.array([0, 2, 1, 0, 2]), rng.standard_normal(5)
    logp_old = log_prob(old, action)[0]
    right = -np.mean(softmax(new)[np.arange(5), action] / softmax(old)[np.arange(5), action] * A)
    assert ppo_clip(new, action, logp_old, A, np.inf)[0] == pytest.approx(right, abs=1e-14)
    frozen = ppo_clip(
        np.tile(new[:1], (5, 1)), action, log_prob(np.tile(old[:1], (5, 1)), action)[0], A, np.inf
    )
    assert abs(frozen[0] - right) > 0.1


def test_the_bonus_subtracted_slows_the_decision_and_added_hurries_it():
    """c H in what is minimised: one step of gradient descent on -A r +- c H, from the same logits."""
    z = np.array([[1.0, 0.0, -0.5]])
    _, d_gain = policy_gradient_loss(z, np.array([0]), np.ones(1))
    H, dH = entropy(z)
    after = {c: entropy(z - 0.5 * (d_gain - c * dH))[0] for c in (-0.5, 0.0, 0.5)}
    assert after[-0.5] < after[0.0] - 0.01 < after[0.5] - 0.02
    assert after[0.0] < H
