"""The small array functions, at their limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rlcore.numerics import categorical, finite_difference, log_softmax, logsumexp, pick, sigmoid, softmax

examples = settings(max_examples=60, deadline=None, derandomize=True)
logits = arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1000, 1000))


# ---------------------------------------- softmax and relatives


@examples
@given(logits)
def test_softmax_rows_are_distributions(x):
    p = softmax(x)
    assert p.shape == x.shape
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1.0, rtol=0, atol=1e-14)


@examples
@given(logits, st.floats(-1000, 1000))
def test_a_constant_changes_nothing(x, c):
    np.testing.assert_allclose(softmax(x + c), softmax(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(logsumexp(x + c), logsumexp(x) + c, rtol=0, atol=1e-11)
    np.testing.assert_allclose(log_softmax(x + c), log_softmax(x), rtol=0, atol=1e-11)


def test_softmax_at_plus_and_minus_1000():
    x = np.array([[1000.0, -1000.0], [-1000.0, -1000.0], [1000.0, 1000.0], [0.0, 1000.0]])
    np.testing.assert_array_equal(softmax(x), [[1, 0], [0.5, 0.5], [0.5, 0.5], [0, 1]])
    np.testing.assert_array_equal(
        log_softmax(x)[0], [0.0, -2000.0]
    )  # the logarithm of what softmax cannot hold
    assert logsumexp(x)[1] == pytest.approx(-1000 + np.log(2), abs=1e-12)


def test_softmax_by_hand():
    x = np.log([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(softmax(x), [[0.125, 0.25, 0.625]], rtol=1e-14)
    np.testing.assert_allclose(logsumexp(x), [np.log(8.0)], rtol=1e-14)
    np.testing.assert_allclose(log_softmax(x), np.log([[0.125, 0.25, 0.625]]), rtol=1e-14)


def test_a_logit_of_minus_infinity_is_a_forbidden_choice():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(softmax(np.array([0.0, -np.inf, 0.0])), [0.5, 0.0, 0.5])


def test_logsumexp_of_nothing_possible_is_minus_infinity():
    x = np.array([[-np.inf, -np.inf], [-np.inf, 3.0]])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(logsumexp(x), [-np.inf, 3.0])


def test_logsumexp_keeps_infinity():
    assert logsumexp(np.array([0.0, np.inf])) == np.inf


def test_sigmoid():
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0.0, 0.5, 1.0])
    x = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(sigmoid(x), 1 / (1 + np.exp(-x)), rtol=1e-13)
    np.testing.assert_allclose(sigmoid(x), softmax(np.stack([x, 0 * x], axis=-1))[:, 0], rtol=1e-13)


# ---------------------------------------- sampling, picking


class Tape:
    def __init__(self, u):
        self.u = np.asarray(u, dtype=float)

    def random(self, shape):
        assert np.shape(self.u) == tuple(shape)
        return self.u


@pytest.mark.parametrize("u", [0.0, 0.25, np.nextafter(0.5, 0), 0.5, np.nextafter(1.0, 0)])
@pytest.mark.parametrize("p", [[0.0, 0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 1.0], [0.1] * 10 + [0.0], [1.0]])
def test_categorical_never_draws_what_is_impossible(p, u):
    """Also at the ends of [0, 1), and where ten times 0.1 does not add up to 1."""
    p = np.array(p)
    assert p[categorical(p, Tape(u))] > 0


def test_categorical_inverts_the_distribution_function():
    p = np.array([0.0, 0.35, 0.05, 0.6])
    u = (np.arange(20) + 0.5) / 20
    drawn = categorical(np.tile(p, (20, 1)), Tape(u))
    np.testing.assert_array_equal(np.bincount(drawn), [0, 7, 1, 12])
    assert (np.diff(drawn) >= 0).all()


def test_categorical_frequencies():
    """Chi-square with 3 degrees of freedom against its 1 - 1e-4 quantile, 21.1: one false failure in 10 000 seeds."""
    p, n = np.array([0.1, 0.2, 0.3, 0.4]), 100_000
    count = np.bincount(categorical(np.tile(p, (n, 1)), np.random.default_rng(0)), minlength=4)
    assert ((count - n * p) ** 2 / (n * p)).sum() < 21.1


def test_categorical_takes_any_leading_axes():
    p = np.array([[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_array_equal(categorical(p, np.random.default_rng(0)), [[1, 0, 1]])
    one = categorical(p[0, 0], np.random.default_rng(0))
    assert np.ndim(one) == 0
    assert one == 1


def test_categorical_uses_one_uniform_number_a_distribution():
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    categorical(np.full((2, 5, 4), 0.25), rng)
    other.random((2, 5))
    assert rng.random() == other.random()


def test_pick():
    table = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(pick(table, np.array([[2, 0], [1, 1]])), [[2.0, 3.0], [7.0, 10.0]])
    assert pick(table[0, 1], 2) == 5.0


# ---------------------------------------- finite differences


def test_finite_difference_is_exact_for_quadratics():
    rng = np.random.default_rng(0)
    A, b, x = rng.normal(size=(6, 6)), rng.normal(size=6), rng.normal(size=(2, 3))
    before = x.copy()
    gradient = finite_difference(lambda: x.ravel() @ A @ x.ravel() + b @ x.ravel(), x, eps=0.25)
    np.testing.assert_allclose(gradient.ravel(), (A + A.T) @ before.ravel() + b, rtol=0, atol=1e-12)
    assert gradient.shape == x.shape
    np.testing.assert_array_equal(x, before)


def test_finite_difference_error_is_quadratic_in_the_step():
    x = np.array([0.7])
    error = [abs(finite_difference(lambda: np.sin(x[0]), x, eps)[0] - np.cos(0.7)) for eps in (1e-2, 1e-3)]
    assert error[0] / error[1] == pytest.approx(100, rel=0.01)
    assert error[1] < 1e-6
