"""Divergences: by hand, by enumeration, by quadrature. Gradients against differences: test_gradients."""

import numpy as np
import pytest
from scipy.special import rel_entr

from rlcore.learning import kl as divergence
from rlcore.learning.kl import d_k1, d_k2, d_k3, d_kl, gaussian_kl, k1, k2, k3, kl
from rlcore.learning.policies import log_prob
from rlcore.numerics import log_softmax

PI, REF = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])


def score(p):
    """The gradient of log p(a) with respect to the logits, a row for each action."""
    n = len(p)
    return log_prob(np.tile(np.log(p), (n, 1)), np.arange(n))[1](np.ones(n))


def test_kl_by_hand():
    """KL((1/2, 1/2) || (1/4, 3/4)) = log 2 - log(3) / 2, and in the other direction something else."""
    p, q = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    assert kl(p, q) == pytest.approx(np.log(2) - np.log(3) / 2, abs=1e-15)
    assert kl(q, p) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5), abs=1e-15)
    assert kl(p, p) == 0


def test_kl_is_scipys():
    rng = np.random.default_rng(0)
    logits, ref = 3 * rng.normal(size=(2, 4, 5, 6))
    want = rel_entr(np.exp(log_softmax(logits)), np.exp(log_softmax(ref))).sum(axis=-1)
    np.testing.assert_allclose(kl(logits, ref), want, rtol=0, atol=1e-13)
    np.testing.assert_allclose(kl(logits + 100, ref - 7), want, rtol=0, atol=1e-12)
    assert (want > 0.1).all()


def test_actions_that_do_not_exist():
    none = -np.inf
    p, q = np.array([0.0, 1.0, none]), np.array([1.0, 0.0, none])
    assert kl(p, q) == pytest.approx(kl(p[:2], q[:2]), abs=1e-15)
    np.testing.assert_allclose(d_kl(p, q)[:2], d_kl(p[:2], q[:2]), atol=1e-15)
    assert d_kl(p, q)[2] == 0
    assert kl(np.array([0.0, 0.0, 0.0]), q) == np.inf  # pi does what ref cannot
    assert np.isfinite(kl(q, np.array([0.0, 0.0, 0.0])))  # and the reverse costs no more than log 3


def test_estimators_by_hand():
    logp, ref = np.log([0.5, 0.25]), np.log([0.25, 0.5])
    log2 = np.log(2)
    np.testing.assert_allclose(k1(logp, ref), [log2, -log2], atol=1e-15)
    np.testing.assert_allclose(k2(logp, ref), [log2**2 / 2, log2**2 / 2], atol=1e-15)
    np.testing.assert_allclose(k3(logp, ref), [0.5 - 1 + log2, 2 - 1 - log2], atol=1e-15)


def test_k1_and_k3_are_unbiased_and_k2_is_not():
    logp, ref = np.log(PI), np.log(REF)
    true = kl(logp, ref)
    assert PI @ k1(logp, ref) == pytest.approx(true, abs=1e-15)
    assert PI @ k3(logp, ref) == pytest.approx(true, abs=1e-15)
    assert PI @ k2(logp, ref) - true == pytest.approx(-0.0066, abs=5e-5)
    assert (k2(logp, ref) >= 0).all()
    assert (k3(logp, ref) >= 0).all()
    assert (k1(logp, ref) < 0).any()


def test_the_other_ratio_is_another_number():
    """pi / ref in the place of ref / pi is unseen at pi = ref, and .272 where the divergence is .368."""
    p, ref = np.log([0.9, 0.1]), np.log([0.5, 0.5])
    pi = np.exp(p)
    assert [round(float(x), 3) for x in (kl(p, ref), pi @ k1(p, ref), pi @ k3(p, ref))] == [0.368] * 3
    assert pi @ k3(ref, p) == pytest.approx(0.272, abs=5e-4)
    assert pi @ k1(ref, p) == pytest.approx(-0.368, abs=5e-4)
    np.testing.assert_array_equal(k3(p, p), 0)


def test_far_from_the_reference_k3_varies_more_than_k1():
    """pi nearly dropped what ref likes: r is 32.5 once in 50 draws."""
    pi, ref = np.array([0.98, 0.02]), np.array([0.35, 0.65])
    variance = [pi @ (k - pi @ k) ** 2 for k in (f(np.log(pi), np.log(ref)) for f in (k1, k3))]
    np.testing.assert_allclose(variance, [0.398818, 14.965135], rtol=0, atol=6e-7)


def test_near_the_reference_k3_keeps_its_digits():
    """r - 1 - log r of a step of 1e-9 is 5e-19; without expm1 it would be rounding."""
    step = 1e-9
    assert k3(np.array([0.0]), np.array([step]))[0] == pytest.approx(0, abs=1e-24 + step**2)
    step = 1e-5
    want = step**2 / 2 + step**3 / 6 + step**4 / 24
    assert k3(np.array([0.0]), np.array([step]))[0] == pytest.approx(want, rel=1e-5)
    assert d_k3(np.array([0.0]), np.array([1e-12]))[0] == pytest.approx(-1e-12, rel=1e-9)


# ---------------------------------------------------------------- gradients of expectations, by enumeration


def test_what_the_estimators_push_along_in_a_loss():
    """sum_a pi(a) dk(a)/dlogp dlogp(a)/dlogits: nothing, grad KL(pi || ref), grad KL(ref || pi)."""
    rng = np.random.default_rng(1)
    for pi, ref in [(PI, REF), *rng.dirichlet(np.ones(4), (5, 2))]:
        logp, logr = np.log(pi), np.log(ref)
        np.testing.assert_allclose((pi * d_k1(logp, logr)) @ score(pi), 0, atol=1e-14)
        np.testing.assert_allclose((pi * d_k2(logp, logr)) @ score(pi), d_kl(logp, logr), atol=1e-13)
        backward = divergence.d_kl_ref(logr, logp)
        np.testing.assert_allclose((pi * d_k3(logp, logr)) @ score(pi), backward, atol=1e-13)
        assert np.abs(backward).max() > 1e-2


def test_where_each_estimator_pushes_three_actions():
    """Figures to three digits; the last row is k3 with pi / ref in the place of ref / pi."""
    logp, ref = np.log(PI), np.log(REF)
    pushes = [
        (d_k1(logp, ref), (0.0, 0.0, 0.0)),
        (d_k2(logp, ref), (0.360, -0.150, -0.211)),
        (d_k3(logp, ref), (0.400, 0.0, -0.400)),
        (np.expm1(logp - ref), (0.528, -0.336, -0.192)),
    ]
    for d, want in pushes:
        np.testing.assert_allclose((PI * d) @ score(PI), want, rtol=0, atol=6e-4)


def test_as_a_cost_in_the_reward_k1_pushes_along_the_gradient_of_kl():
    """sum_a pi(a) k1(a) score(a): the actions are drawn anew, so the estimate is a reward like any other."""
    logp, ref = np.log(PI), np.log(REF)
    np.testing.assert_allclose((PI * k1(logp, ref)) @ score(PI), d_kl(logp, ref), atol=1e-14)


@pytest.mark.parametrize(("k", "d_k"), [(k1, d_k1), (k3, d_k3)])
def test_both_parts_together_are_the_gradient_of_kl(k, d_k):
    """d/dtheta of E[k]: through the samples and through k itself; both values are unbiased."""
    logp, ref = np.log(PI), np.log(REF)
    both = (PI * (k(logp, ref) + d_k(logp, ref))) @ score(PI)
    np.testing.assert_allclose(both, d_kl(logp, ref), atol=1e-14)


# ---------------------------------------------------------------- Gaussians


def test_gaussian_kl_is_the_integral():
    """By the trapezoid rule over one coordinate, then the sum over two."""
    x = np.linspace(-30, 30, 200_001)

    def integral(m, s, m_ref, s_ref):
        logp = -(((x - m) / s) ** 2) / 2 - np.log(s)
        logr = -(((x - m_ref) / s_ref) ** 2) / 2 - np.log(s_ref)
        return np.sum(np.exp(logp) / np.sqrt(2 * np.pi) * (logp - logr)) * (x[1] - x[0])

    mean, log_std = np.array([0.5, -1.0]), np.array([0.2, -0.4])
    mean_ref, log_std_ref = np.array([-0.3, 0.8]), np.array([0.6, 0.1])
    want = sum(integral(*z) for z in zip(mean, np.exp(log_std), mean_ref, np.exp(log_std_ref), strict=True))
    assert gaussian_kl(mean, log_std, mean_ref, log_std_ref) == pytest.approx(want, abs=1e-9)
    assert gaussian_kl(mean, log_std, mean, log_std) == pytest.approx(0, abs=1e-15)


# ---------------------------------------------------------------- number types and bad input


def test_float32_in_float32_out():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 5, 4)).astype(np.float32)
    for f in (kl, d_kl, divergence.d_kl_ref, k1, k2, k3, d_k1, d_k2, d_k3):
        assert f(x, y).dtype == np.float32
        np.testing.assert_allclose(f(x, y), f(x.astype(float), y.astype(float)), rtol=1e-4, atol=1e-5)
    arrays = rng.normal(size=(4, 5, 3)).astype(np.float32)
    assert gaussian_kl(*arrays).dtype == np.float32
    assert [g.dtype for g in divergence.d_gaussian_kl_ref(*arrays)] == [np.float32, np.float32]


@pytest.mark.parametrize("f", [kl, d_kl, divergence.d_kl_ref])
def test_logits_that_would_broadcast_are_refused(f):
    with pytest.raises(ValueError, match=r"logits_ref has shape \(4, 1\); it must be \(4, 3\)"):
        f(np.zeros((4, 3)), np.zeros((4, 1)))


@pytest.mark.parametrize("f", [k1, k2, k3, d_k1, d_k2, d_k3])
@pytest.mark.parametrize("shape", [(4, 1), (1,), (4, 4)])
def test_samples_that_would_broadcast_are_refused(f, shape):
    with pytest.raises(ValueError, match=r"logp_ref has shape .*; it must be \(4,\), the shape of logp"):
        f(np.zeros(4), np.zeros(shape))


@pytest.mark.parametrize("f", [gaussian_kl, divergence.d_gaussian_kl_ref])
def test_gaussians_that_would_broadcast_are_refused(f):
    with pytest.raises(ValueError, match=r"mean_ref has shape \(5, 1\); it must be \(5, 3\)"):
        f(np.zeros((5, 3)), np.zeros((5, 3)), np.zeros((5, 1)), np.zeros((5, 3)))
