"""Layers: known values, calls that overlap, number types, first parameters. Gradients: test_gradients."""

import numpy as np
import pytest

from rlcore.nn.layers import (
    copy,
    embedding,
    fan_in_uniform,
    flat,
    layer_norm,
    linear,
    mlp,
    mlp_params,
    orthogonal,
    relu,
    scaled,
    tanh,
    unflat,
)


def test_linear_by_hand():
    W, b = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]]), np.array([10.0, 20.0, 30.0])
    y, back = linear(W, b, np.array([[1.0, 1.0], [2.0, 0.0]]))
    np.testing.assert_array_equal(y, [[11, 21, 33], [12, 24, 30]])
    dW, db, dx = back(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_array_equal(dW, [[1, 2, 0], [1, 0, 0]])
    np.testing.assert_array_equal(db, [1, 1, 0])
    np.testing.assert_array_equal(dx, [[1, 0], [2, -1]])


def test_relu_at_zero_has_gradient_zero():
    y, back = relu(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(y, [0, 0, 2])
    np.testing.assert_array_equal(back(np.ones(3)), [0, 0, 1])


def test_embedding_takes_rows_and_adds_up_what_comes_back():
    W = np.arange(8.0).reshape(4, 2)
    y, back = embedding(W, [3, 0, 3])
    np.testing.assert_array_equal(y, [[6, 7], [0, 1], [6, 7]])
    np.testing.assert_array_equal(
        back(np.array([[1.0, 2], [10, 20], [100, 200]])), [[10, 20], [0, 0], [0, 0], [101, 202]]
    )
    y[:] = 0
    assert W[3, 0] == 6  # y is no view of the table


def test_embedding_is_linear_on_one_hot_features():
    rng = np.random.default_rng(3)
    W, index, dy = rng.standard_normal((5, 3)), rng.integers(5, size=(4, 6)), rng.standard_normal((4, 6, 3))
    (y, back), (expected, linear_back) = embedding(W, index), linear(W, np.zeros(3), np.eye(5)[index])
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(back(dy), linear_back(dy)[0], rtol=0, atol=1e-14)


def test_layer_norm_by_hand():
    """Mean 3, variance 4; the second row is 10 times the first plus 7, so it is normed to the same."""
    x = np.array([[1.0, 5.0, 1.0, 5.0], [17.0, 57.0, 17.0, 57.0]])
    y, _ = layer_norm(np.array([1.0, 1, 2, 2]), np.array([0.0, 0, 0, 100]), x, eps=0.0)
    np.testing.assert_allclose(y, [[-1, 1, -2, 102]] * 2, rtol=0, atol=1e-14)
    y, _ = layer_norm(np.ones(4), np.zeros(4), x, eps=5.0)
    np.testing.assert_allclose(y[0], [-2 / 3, 2 / 3, -2 / 3, 2 / 3], rtol=0, atol=1e-14)


def test_layer_norm_sends_back_nothing_along_shift_and_scale():
    """y does not change when x is shifted or stretched, so dx is orthogonal to both directions."""
    rng = np.random.default_rng(4)
    x, dy = rng.standard_normal((6, 5)), rng.standard_normal((6, 5))
    _, back = layer_norm(rng.standard_normal(5), rng.standard_normal(5), x, eps=0.0)
    dx = back(dy)[2]
    assert np.abs(dx).max() > 0.5
    np.testing.assert_allclose(dx.sum(axis=-1), 0, rtol=0, atol=1e-13)
    np.testing.assert_allclose((dx * x).sum(axis=-1), 0, rtol=0, atol=1e-13)


def test_layer_norm_of_equal_numbers_is_the_bias():
    y, back = layer_norm(np.ones(3), np.array([1.0, 2.0, 3.0]), np.full((2, 3), 7.0))
    np.testing.assert_array_equal(y, [[1, 2, 3]] * 2)
    assert np.isfinite(back(np.ones((2, 3)))[2]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float32, np.float64, int])
def test_the_other_layers_keep_the_dtype_too(dtype, given):
    x, dy = np.arange(8).reshape(2, 4).astype(given), np.ones((2, 4), given)
    y, back = layer_norm(np.ones(4, dtype), np.zeros(4, dtype), x)
    rows, back_rows = embedding(np.ones((3, 4), dtype), [0, 2])
    assert {a.dtype for a in (y, *back(dy), rows, back_rows(dy))} == {np.dtype(dtype)}


def test_mlp_is_the_composition_of_its_layers():
    rng = np.random.default_rng(0)
    p = mlp_params([3, 5, 2], rng)
    x = rng.standard_normal((4, 3))
    expected = np.tanh(x @ p["W0"] + p["b0"]) @ p["W1"] + p["b1"]
    np.testing.assert_allclose(mlp(p, x)[0], expected, rtol=0, atol=1e-14)


def test_without_a_hidden_layer_one_hot_features_make_a_table():
    rng = np.random.default_rng(0)
    p = mlp_params([4, 3], rng)
    np.testing.assert_array_equal(mlp(p, np.eye(4))[0], p["W0"])


def test_two_calls_may_overlap():
    """A layer that kept its input in one place would mix up the two."""
    rng = np.random.default_rng(1)
    p, (x1, x2), dy = (
        mlp_params([3, 5, 5, 2], rng),
        rng.standard_normal((2, 6, 3)),
        rng.standard_normal((6, 2)),
    )
    alone = [mlp(p, x)[1](dy) for x in (x1, x2)]
    (_, back1), (_, back2) = mlp(p, x1), mlp(p, x2)
    later = [back1(dy), back2(dy)]
    again = back1(dy)
    for (dx, grads), (dx_alone, grads_alone) in zip([*later, again], [*alone, alone[0]]):
        np.testing.assert_array_equal(dx, dx_alone)
        for name in p:
            np.testing.assert_array_equal(grads[name], grads_alone[name])


@pytest.mark.parametrize("network", [mlp, scaled(mlp, [1.0, 2.0, 4.0])])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float32, np.float64, int])
def test_results_have_the_dtype_of_the_parameters(network, dtype, given):
    p = mlp_params([3, 5, 2], np.random.default_rng(0), dtype=dtype)
    y, back = network(p, np.ones((4, 3), given))
    dx, grads = back(np.ones((4, 2), given))
    assert {a.dtype for a in (y, dx, *grads.values())} == {np.dtype(dtype)}


def test_float32_is_float64_to_its_own_precision():
    rng = np.random.default_rng(0)
    p = mlp_params([3, 16, 16, 2], rng)
    x, dy = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    (y, back), (y32, back32) = mlp(p, x), mlp({k: a.astype(np.float32) for k, a in p.items()}, x)
    np.testing.assert_allclose(y32, y, rtol=0, atol=1e-5)
    for name, g in back(dy)[1].items():
        np.testing.assert_allclose(back32(dy)[1][name], g, rtol=0, atol=1e-4)


def test_flat_and_back():
    p = mlp_params([3, 5, 2], np.random.default_rng(0))
    vector = flat(p)
    assert vector.shape == (3 * 5 + 5 + 5 * 2 + 2,)
    np.testing.assert_equal(unflat(vector, p), p)
    vector[0] = 7.0
    assert p["W0"][0, 0] != 7  # a vector of its own
    assert unflat(vector, p)["W0"][0, 0] == 7
    assert flat({}).shape == (0,)


def test_scaled_divides_the_features():
    p, x = mlp_params([2, 5, 1], np.random.default_rng(0)), np.array([[3.0, 0.5]])
    np.testing.assert_array_equal(scaled(mlp, [3.0, 0.5])(p, x)[0], mlp(p, np.ones((1, 2)))[0])


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 4), (4, 6), (5, 5), (3, 1)])
def test_orthogonal(n_in, n_out):
    W = orthogonal(n_in, n_out, np.random.default_rng(0))
    assert W.shape == (n_in, n_out)
    gram = W.T @ W if n_in >= n_out else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(n_in, n_out)), rtol=0, atol=1e-14)


def test_orthogonal_has_no_preferred_sign():
    """QR alone gives W[0, 0] < 0 always. 4000 fair signs leave +-4.5 sd, 142, with probability 7e-6."""
    rng = np.random.default_rng(0)
    positive = sum(orthogonal(2, 2, rng)[0, 0] > 0 for _ in range(4000))
    assert abs(positive - 2000) < 142


def test_fan_in_uniform_fills_its_interval():
    W = fan_in_uniform(25, 4000, np.random.default_rng(0))
    assert W.shape == (25, 4000)
    assert -0.2 <= W.min() < -0.1999 < 0.1999 < W.max() < 0.2
    np.testing.assert_allclose(W.var(), 0.2**2 / 3, rtol=0.02)  # 100,000 draws: relative sd 0.003


def test_gains_and_sizes():
    plain, grown = (
        mlp_params([4, 8, 8, 2], np.random.default_rng(5), init=orthogonal, **gains)
        for gains in ({}, {"gain": 3.0, "last_gain": 0.01})
    )
    assert {k: a.shape for k, a in grown.items()} == {
        **{"W0": (4, 8), "b0": (8,), "W1": (8, 8), "b1": (8,), "W2": (8, 2), "b2": (2,)}
    }
    for name, factor in (("W0", 3.0), ("W1", 3.0), ("W2", 0.01)):
        np.testing.assert_allclose(grown[name], factor * plain[name], rtol=1e-14)
    assert not any(grown[name].any() for name in ("b0", "b1", "b2"))


def test_a_copy_is_equal_and_apart():
    p = mlp_params([2, 2], np.random.default_rng(0))
    other = copy(p)
    other["W0"] += 1
    np.testing.assert_array_equal(other["W0"], p["W0"] + 1)
    assert other.keys() == p.keys()


@pytest.mark.parametrize(
    ("sizes", "keywords", "message"),
    [
        ([4], {}, r"sizes is \[4\]"),
        ([], {}, r"sizes is \[\]"),
        ([4, 0, 2], {}, r"sizes\[1\] is 0"),
        ([4, 2.5], {}, r"sizes\[1\] is 2.5"),
        ([4, float("nan")], {}, r"sizes\[1\] is nan"),
        ([4, 2], {"dtype": int}, "dtype is int64"),
        ([4, 2], {"dtype": np.float16}, "dtype is float16"),
    ],
)
def test_first_parameters_refuse(sizes, keywords, message):
    with pytest.raises(ValueError, match=message):
        mlp_params(sizes, np.random.default_rng(0), **keywords)


def test_tanh_of_large_numbers_is_flat():
    y, back = tanh(np.array([-1e4, 0.0, 1e4]))
    np.testing.assert_array_equal(y, [-1, 0, 1])
    np.testing.assert_array_equal(back(np.ones(3)), [0, 1, 0])
