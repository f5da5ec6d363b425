"""Exact answers about quadratics: one step with a real-valued action, old gradients, averaged parameters."""

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from rlcore.exact.descent import (
    averaging_limit,
    best_rate,
    delayed_growth,
    largest_rate,
    noise_scale,
    progress,
)
from rlcore.exact.one_step import clipped_score, likelihood_ratio, pathwise, value

# ---------------------------------------------------------------- one step


def by_quadrature(f, D):
    """E f(z), z (n, D) standard normal: twelve nodes a coordinate are exact up to degree 23."""
    node, weight = hermegauss(12)
    grid = np.stack(np.meshgrid(*[node] * D, indexing="ij"), axis=-1).reshape(-1, D)
    p = np.prod(np.stack(np.meshgrid(*[weight / weight.sum()] * D, indexing="ij"), axis=-1), axis=-1).ravel()
    return p @ f(grid)


@pytest.mark.parametrize("miss", [[0.0], [1.5], [0.5, -2.0, 1.0]])
@pytest.mark.parametrize("s", [0.1, 2.0])
def test_both_gradients_are_their_definition(miss, s):
    """To 1e-10 of the largest term, by quadrature; with no baseline, with E Q, and with any other."""
    miss, c = np.array(miss), 1.3
    D = len(miss)

    def Q(z):
        return -c / 2 * ((miss + s * z) ** 2).sum(axis=1, keepdims=True)

    assert value(miss, c, s) == pytest.approx(by_quadrature(Q, D)[0], rel=1e-12)
    for b in (0.0, value(miss, c, s), 0.7):

        def estimate(z, b=b):
            return (Q(z) - b) * z / s

        mean, variance = likelihood_ratio(miss, c, s, b)
        second = by_quadrature(lambda z, f=estimate: f(z) ** 2, D)
        scale = second.max()
        np.testing.assert_allclose(mean, by_quadrature(estimate, D), rtol=0, atol=1e-10 * max(1, scale**0.5))
        np.testing.assert_allclose(variance, second - mean**2, rtol=0, atol=1e-10 * scale)
    mean, variance = pathwise(miss, c, s)
    np.testing.assert_allclose(mean, by_quadrature(lambda z: -c * (miss + s * z), D), atol=1e-12)
    np.testing.assert_allclose(variance, c**2 * s**2)


def test_the_formulas_of_one_dimension():
    c, d, s = 2.0, 1.5, 0.3
    miss = np.array([d])
    bare = c**2 * (d**4 + 14 * d**2 * s**2 + 15 * s**4) / (4 * s**2)
    np.testing.assert_allclose(likelihood_ratio(miss, c, s)[1], [bare], rtol=1e-12)
    calm = c**2 * (2 * d**2 + 2.5 * s**2)
    np.testing.assert_allclose(likelihood_ratio(miss, c, s, value(miss, c, s))[1], [calm], rtol=1e-12)
    more = np.array([d, 0.7])
    added = likelihood_ratio(more, c, s, value(more, c, s))[1][0] - calm
    assert added == pytest.approx(c**2 * (0.7**2 + s**2 / 2), rel=1e-12)


def test_samples_agree():
    """100,000 draws: |z| <= 4 for four means and variances; a right program fails once in 4,000 seeds."""
    rng, miss, c, s = np.random.default_rng(0), np.array([1.0, -0.5]), 1.0, 0.4
    z = rng.standard_normal((100_000, 2))
    Q = -c / 2 * ((miss + s * z) ** 2).sum(axis=1, keepdims=True)
    b = value(miss, c, s)
    for sample, (mean, variance) in (
        ((Q - b) * z / s, likelihood_ratio(miss, c, s, b)),
        (-c * (miss + s * z), pathwise(miss, c, s)),
    ):
        off = sample - mean
        assert (np.abs(off.mean(axis=0)) <= 4 * np.sqrt(variance / len(z))).all()
        spread = (off**2).std(axis=0) / np.sqrt(len(z))
        assert (np.abs((off**2).mean(axis=0) - variance) <= 4 * spread).all()


def test_the_score_of_a_clipped_action_is_not_centred():
    """By the trapezium rule on 400,000 points, to 1e-8; far from the sides it is 0."""
    a = np.linspace(-9, 9, 400_001)
    for m, s in ((0.0, 1.0), (1.5, 0.8), (-2.5, 0.5)):
        density = np.exp(-(((a - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))
        want = ((np.clip(a, -2, 2) - m) / s**2 * density).sum() * (a[1] - a[0])
        assert clipped_score(m, s, -2.0, 2.0) == pytest.approx(want, abs=1e-8)
    assert abs(clipped_score(0.5, 0.1, -2.0, 2.0)) < 1e-12
    assert clipped_score(2.0, 0.5, -2.0, 2.0) < -0.5


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), None, "1"])
def test_one_step_refuses(bad):
    with pytest.raises(ValueError, match=r"^c is "):
        likelihood_ratio(np.ones(1), bad, 1.0)
    with pytest.raises(ValueError, match=r"^s is "):
        likelihood_ratio(np.ones(1), 1.0, bad)
    with pytest.raises(ValueError, match=r"^c is "):
        pathwise(np.ones(1), bad, 1.0)
    with pytest.raises(ValueError, match=r"^s is "):
        clipped_score(0.0, bad, -1.0, 1.0)


def test_a_baseline_and_a_box_are_checked():
    with pytest.raises(ValueError, match=r"^b is nan; it must be a finite number"):
        likelihood_ratio(np.ones(1), 1.0, 1.0, float("nan"))
    for low, high in ((1.0, 1.0), (-np.inf, 1.0), (np.nan, 1.0), (0.0, np.inf)):
        with pytest.raises(ValueError, match=rf"low is {low} and high {high}; it needs finite low < high"):
            clipped_score(0.0, 1.0, low, high)


# ---------------------------------------------------------------- noisy gradients


@pytest.mark.parametrize("N", [1, 7, 100])
def test_no_step_gains_more_than_the_best(N):
    """A quadratic of curvature 3: the largest expected gain over all learning rates, beside the exact gradient's."""
    g, covariance, c = np.array([[1.0, -2.0], [0.5, 0.0]]), np.diag([4.0, 1.0, 2.0, 6.0]), 3.0
    lr = np.linspace(0, 1 / c, 100_001)

    def gain(trace):
        return (lr * (g**2).sum() - lr**2 * c / 2 * ((g**2).sum() + trace)).max()

    scale = noise_scale(g, covariance)
    assert scale == pytest.approx(13 / 5.25)
    assert progress(N, scale) == pytest.approx(gain(13 / N) / gain(0), rel=1e-8)


def test_a_batch_of_the_noise_scale_gains_half():
    np.testing.assert_allclose(progress(np.array([5, 5e9]), 5.0), [0.5, 1.0])


def test_noise_scale_refuses():
    with pytest.raises(ValueError, match=r"covariance has shape \(3, 3\); it must be \(2, 2\)"):
        noise_scale(np.ones(2), np.eye(3))
    for mean in (np.zeros(2), np.array([np.nan, 1.0])):
        with pytest.raises(ValueError, match=r"mean is .*; it must be longer than 0"):
            noise_scale(mean, np.eye(2))


# ---------------------------------------------------------------- old gradients


def descent(rate, delay, steps):
    w = [1.0] * (delay + 1)
    for _ in range(steps):
        w.append(w[-1] - rate * w[-1 - delay])
    return np.array(w)


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_the_factor_is_that_of_the_walk(delay):
    for rate in (0.05, 0.3, 0.9):
        w = np.abs(descent(rate, delay, 4000 if rate < 0.1 else 400)).clip(1e-300)
        top = [w[i : i + 100].max() for i in (100, 300)]  # an envelope: the walk may oscillate
        if min(top) > 1e-200 and max(top) < 1e200:
            assert delayed_growth(rate, delay) == pytest.approx((top[1] / top[0]) ** (1 / 200), abs=2e-2)


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 10, 40])
def test_beyond_the_largest_rate_it_runs_away(delay):
    edge = largest_rate(delay)
    assert delayed_growth(edge, delay) == pytest.approx(1, abs=1e-10)
    assert delayed_growth(0.99 * edge, delay) < 1 < delayed_growth(1.01 * edge, delay)
    assert np.abs(descent(0.97 * edge, delay, 20_000)[-200:]).max() < 0.2
    assert np.abs(descent(1.03 * edge, delay, 10_000)[-200:]).max() > 5


def test_known_edges():
    assert largest_rate(0) == 2
    assert largest_rate(1) == pytest.approx(1)
    assert largest_rate(2) == pytest.approx((np.sqrt(5) - 1) / 2)
    assert delayed_growth(0.0, 3) == 1
    assert delayed_growth(1.0, 0) == 0
    assert delayed_growth(0.25, 1) == pytest.approx(0.5, abs=1e-7)  # a double root


@pytest.mark.parametrize("delay", [0, 1, 2, 7])
def test_no_rate_is_faster_than_the_best(delay):
    rate, factor = best_rate(delay)
    assert delayed_growth(rate, delay) == pytest.approx(factor, abs=1e-6)
    for other in np.linspace(0.01, largest_rate(delay), 300):
        assert delayed_growth(other, delay) >= factor - 1e-6


@pytest.mark.parametrize("bad", [-1, 1.5, None, float("nan"), True])
def test_a_delay_is_a_whole_number(bad):
    for f in (largest_rate, best_rate, lambda d: delayed_growth(0.1, d)):
        with pytest.raises(ValueError, match=r"^delay is .* it must be a whole number >= 0"):
            f(bad)


def test_a_rate_is_a_number():
    for bad in (float("nan"), float("inf"), None, "slow"):
        with pytest.raises(ValueError, match=r"^rate is "):
            delayed_growth(bad, 1)


# ---------------------------------------------------------------- averaged parameters


def shards(seed, K=3, D=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(K, 6, D))
    return X.transpose(0, 2, 1) @ X / 6, rng.normal(size=(K, D))


@pytest.mark.parametrize("local", [1, 2, 7])
def test_the_rounds_end_there(local):
    A, b = shards(0)
    w = np.zeros(4)
    for _ in range(60_000 // local):
        walkers = [w.copy() for _ in A]
        for k in range(len(A)):
            for _ in range(local):
                walkers[k] -= 0.1 * (A[k] @ walkers[k] - b[k])
        w = np.mean(walkers, axis=0)
    np.testing.assert_allclose(averaging_limit(A, b, lr=0.1, local=local), w, rtol=0, atol=1e-8)


def test_the_two_ends_of_local():
    A, b = shards(1)
    joined = np.linalg.solve(A.mean(axis=0), b.mean(axis=0))
    own = np.linalg.solve(A, b[..., None])[..., 0].mean(axis=0)
    assert np.abs(joined - own).max() > 0.1
    np.testing.assert_allclose(averaging_limit(A, b, lr=0.1, local=1), joined, atol=1e-10)
    np.testing.assert_allclose(averaging_limit(A, b, lr=0.1, local=10**6), own, atol=1e-10)
    small = averaging_limit(A, b, lr=1e-6, local=8)
    np.testing.assert_allclose(small, joined, atol=1e-4)  # the bias is of the order of lr (local - 1)


def test_equal_shards_lose_nothing():
    A, b = shards(2, K=1)
    want = np.linalg.solve(A[0], b[0])
    got = averaging_limit(np.repeat(A, 3, axis=0), np.repeat(b, 3, axis=0), lr=0.1, local=9)
    np.testing.assert_allclose(got, want, atol=1e-10)


def changed(x, at, number):
    x = x.copy()
    x[at] = number
    return x


def test_averaging_refuses():
    A, b = shards(0)
    with pytest.raises(ValueError, match=r"A has shape \(3, 4, 4\) and b \(3, 3\)"):
        averaging_limit(A, b[:, :3], lr=0.1, local=2)
    with pytest.raises(ValueError, match=r"A has shape \(4, 4\)"):
        averaging_limit(A[0], b[0], lr=0.1, local=2)
    with pytest.raises(ValueError, match=r"local is 0; it must be a whole number >= 1"):
        averaging_limit(A, b, lr=0.1, local=0)
    for wrong in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=rf"A\[1, 2, 0\] is {wrong}; it must be a finite number"):
            averaging_limit(changed(A, (1, 2, 0), wrong), b, lr=0.1, local=2)
        with pytest.raises(ValueError, match=rf"b\[0, 1\] is {wrong}; it must be a finite number"):
            averaging_limit(A, changed(b, (0, 1), wrong), lr=0.1, local=2)
        with pytest.raises(ValueError, match=f"lr is {wrong}; it must be a number > 0"):
            averaging_limit(A, b, lr=wrong, local=2)
    with pytest.raises(ValueError, match=r"lr is 9.0, and shard 0 runs away"):
        averaging_limit(A, b, lr=9.0, local=2)
    steepest = np.linalg.eigvalsh(A).max()
    assert np.isfinite(averaging_limit(A, b, lr=1.99 / steepest, local=2)).all()
    with pytest.raises(ValueError, match=r"runs away or stands still"):
        averaging_limit(A, b, lr=2.01 / steepest, local=2)
