"""Losses: values by hand and the shapes they refuse. Gradients: test_gradients."""

import numpy as np
import pytest

from rlcore.learning.losses import huber, squared_error


def test_squared_error_by_hand():
    value, gradient = squared_error(np.array([1.0, 2.0, -4.0]), np.array([0.0, 4.0, -4.0]))
    assert value == pytest.approx((1 + 4 + 0) / 6, abs=1e-15)
    np.testing.assert_allclose(gradient, [1 / 3, -2 / 3, 0], atol=1e-15)


def test_huber_by_hand():
    value, gradient = huber(np.array([0.5, 3.0, -5.0, 1.0]), np.zeros(4))
    assert value == pytest.approx((0.125 + 2.5 + 4.5 + 0.5) / 4, abs=1e-15)
    np.testing.assert_allclose(gradient, [0.125, 0.25, -0.25, 0.25], atol=1e-15)
    value, gradient = huber(np.array([3.0, -0.5]), np.zeros(2), delta=2.0)
    assert value == pytest.approx((2 * (3 - 1) + 0.125) / 2, abs=1e-15)
    np.testing.assert_allclose(gradient, [1.0, -0.25], atol=1e-15)


def test_huber_of_small_errors_is_the_squared_error():
    x = np.random.default_rng(0).uniform(-1, 1, 50)
    (a, da), (b, db) = huber(x, np.zeros(50)), squared_error(x, np.zeros(50))
    assert a == pytest.approx(b, abs=1e-15)
    np.testing.assert_allclose(da, db, atol=1e-17)


def test_huber_fits_the_median_of_large_errors_and_squared_error_the_mean():
    """One fall worth 0 among nine states worth 100: where the gradient vanishes."""
    target = np.append(np.full(9, 100.0), 0.0)
    assert squared_error(np.full(10, 90.0), target)[1].sum() == pytest.approx(0, abs=1e-14)
    at = 100 - 1 / 9  # nine errors of -1/9 balance one that counts as 1
    assert huber(np.full(10, at), target)[1].sum() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("loss", [squared_error, huber])
@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((3,), (1,)), ((2, 3), (3,))])
def test_what_would_be_broadcast_is_refused(loss, shapes):
    prediction, target = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r"prediction has shape .* and target .*; they must be equal"):
        loss(prediction, target)
