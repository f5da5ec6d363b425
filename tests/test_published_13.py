"""Hand-size instances of language-model alignment, recomputed: optima near a reference, best-of-n, divergences.

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
