"""Features: each against its definition by loops, both forms against each other, and what the doors refuse."""

from itertools import product

import numpy as np
import pytest

from rlcore.learning.features import (
    Aggregation,
    Fourier,
    Polynomial,
    Rows,
    Tiles,
    dense,
    equal_groups,
    feature_matrix,
    one_hot,
)
from rlcore.learning.weights import add, first_w, value

PLANE = Tiles((-1.2, -0.07), (0.5, 0.07), 8, 8)
LINE = Tiles(1, 1000, 5, 50)
POINTS = np.random.default_rng(0).uniform([-1.2, -0.07], [0.5, 0.07], (200, 2))


# ---------------------------------------------------------------- tables


def test_one_hot_is_a_table():
    np.testing.assert_array_equal(feature_matrix(one_hot(4), np.arange(4)), np.eye(4))


def test_equal_groups_of_the_big_walk():
    group = equal_groups(1002, 10).group
    np.testing.assert_array_equal(group[1:1001], np.repeat(np.arange(10), 100))
    assert (group[0], group[1001]) == (0, 9)


def test_rows_are_looked_up():
    X = np.arange(6.0).reshape(3, 2)
    assert Rows(X).n == 2
    np.testing.assert_array_equal(Rows(X)(np.array([[2, 0]])), X[[[2, 0]]])


# ---------------------------------------------------------------- bases, against their definitions


@pytest.mark.parametrize("order", [0, 1, 3])
def test_polynomial_and_fourier_in_two_directions(order):
    low, high, s = np.array([-1.0, 2.0]), np.array([3.0, 2.5]), np.array([0.4, 2.1])
    u = (s - low) / (high - low)
    powers = list(product(range(order + 1), repeat=2))
    x = Polynomial(low, high, order)(s)
    np.testing.assert_allclose(x, [u[0] ** i * u[1] ** j for i, j in powers], rtol=1e-14)
    x = Fourier(low, high, order)(s)
    np.testing.assert_allclose(x, [np.cos(np.pi * (i * u[0] + j * u[1])) for i, j in powers], atol=1e-14)
    assert Fourier(low, high, order).n == len(powers)


def test_bases_of_a_number():
    np.testing.assert_allclose(Polynomial(0, 10, 3)(5), [1, 0.5, 0.25, 0.125], rtol=1e-15)
    np.testing.assert_allclose(Fourier(0, 10, 2)(5), [1, 0, -1], atol=1e-15)


@pytest.mark.parametrize("features", [Polynomial((0, 0), (1, 2), 2), Fourier((0, 0), (1, 2), 2), PLANE])
def test_leading_axes_and_the_edge_of_the_box(features):
    s = np.random.default_rng(1).uniform(features.low, features.high, (3, 4, 2))
    x = features(s)
    assert x.shape[:2] == (3, 4)
    for i, j in np.ndindex(3, 4):
        np.testing.assert_array_equal(features(s[i, j]), x[i, j])
    np.testing.assert_array_equal(features(features.high + 5.0), features(features.high))
    np.testing.assert_array_equal(features(features.low - 5.0), features(features.low))


# ---------------------------------------------------------------- tiles


def test_tiles_by_loops():
    """Every index from floor and displacement, one tiling and direction at a time."""
    for s in POINTS[:50]:
        expected = []
        for t in range(8):
            u = [8 * (s[0] + 1.2) / 1.7, 8 * (s[1] + 0.07) / 0.14]
            row, column = (int(np.floor(u[j] + (t * (2 * j + 1) % 8) / 8)) for j in range(2))
            expected.append(t * 81 + row * 9 + column)
        assert PLANE(s).tolist() == expected


def test_tiles_of_another_number_in_each_direction():
    """2 x 5 x 3 tiles: cells counted row by row, the last direction the fastest."""
    tiles, n, T = Tiles((0, 0, -1), (1, 2, 1), (2, 5, 3), 16), (2, 5, 3), 16
    assert tiles.n == T * 3 * 6 * 4
    for s in np.random.default_rng(4).uniform((0, 0, -1), (1, 2, 1), (20, 3)):
        u = n * np.array([s[0], s[1] / 2, (s[2] + 1) / 2])
        for t, index in enumerate(tiles(s)):
            i, j, k = (int(np.floor(u[d] + t * (2 * d + 1) % T / T)) for d in range(3))
            assert index == t * 72 + i * 24 + j * 4 + k


def test_every_tiling_has_one_active_tile_and_its_own_weights():
    x = PLANE(POINTS)
    assert x.shape == (200, 8)
    assert PLANE.n == 8 * 81
    np.testing.assert_array_equal(x // 81, np.tile(np.arange(8), (200, 1)))
    np.testing.assert_array_equal(dense(x, PLANE.n).sum(axis=1), 8)


def test_tiles_see_finer_than_a_tile():
    """50 tilings of width 200: the picture changes every 4 states, and then in one tiling."""
    x = LINE(np.linspace(1, 1000, 4001))
    changed = (x[1:] != x[:-1]).sum(axis=1)
    assert set(np.unique(changed)) == {0, 1}
    assert changed.sum() == 250  # 5 tiles, 50 parts each
    shared = (LINE(500) == LINE(np.array([500, 520, 600, 690, 720]))).sum(axis=1)
    assert (np.diff(shared) < 0).all()
    assert shared[-1] == 0


def test_displacements_are_odd_so_tilings_differ_in_every_direction():
    """(1, 3): no two tilings have the same shift in any direction."""
    for j in range(2):
        assert len(np.unique(PLANE.shift[:, j])) == 8


# ---------------------------------------------------------------- linear functions, both forms


def test_value_and_add_read_both_forms():
    rng = np.random.default_rng(2)
    x, w, row = PLANE(POINTS[:5]), rng.normal(size=(7, PLANE.n)), np.array([6, 0, 3, 2, 5])
    full, step = dense(x, PLANE.n), rng.normal(size=5)
    np.testing.assert_allclose(value(w, row, x), (w[row] * full).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(value(w, row, full), value(w, row, x), rtol=1e-12)
    one, other, by_hand = w.copy(), w.copy(), w.copy()
    add(one, row, x, step)
    add(other, row, full, step)
    for n in range(5):
        by_hand[row[n]] += step[n] * full[n]
    np.testing.assert_allclose(one, by_hand, rtol=1e-15)
    np.testing.assert_allclose(other, by_hand, rtol=1e-15)
    assert not np.allclose(one, w)


def test_value_of_all_actions_at_once():
    rng = np.random.default_rng(3)
    w, x = rng.normal(size=(6, PLANE.n)), PLANE(POINTS[:2])  # 2 lanes of 3 actions
    row = np.array([[0, 1, 2], [3, 4, 5]])
    Q = value(w, row, x[:, None])
    for n, a in np.ndindex(2, 3):
        assert Q[n, a] == pytest.approx(w[row[n, a], x[n]].sum(), abs=1e-12)


# ---------------------------------------------------------------- the doors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Aggregation([0, -1]), r"group\[1\] is -1"),
        (lambda: Aggregation([0.5, 1.0]), "group is float64"),
        (lambda: Aggregation([]), "group is float64"),
        (lambda: Aggregation([[0]]), r"group is int64 \(1, 1\)"),
        (lambda: one_hot(0), "n_states is 0"),
        (lambda: equal_groups(12, 11), "groups is 11; it must be a whole number from 1 to 10"),
        (lambda: Rows([1.0]), r"X is float64 \(1,\)"),
        (lambda: Rows([[1.0, np.nan]]), r"X\[0, 1\] is nan"),
        (lambda: Rows([["a"]]), r"X is <U1 \(1, 1\); it must be real"),
        (lambda: Fourier([], [], 3), r"low is \[\]; it must be a number, or a vector"),
        (lambda: Fourier([[0]], [[1]], 3), r"low is \[\[0\]\]; it must be a number, or a vector"),
        (lambda: Polynomial(1, 1, 3), r"low\[0\] is 1, high\[0\] 1"),
        (lambda: Fourier((0, 0), 1, 3), r"low has shape \(2,\) and high \(\)"),
        (lambda: Fourier(0, np.inf, 3), r"high\[0\] is inf"),
        (lambda: Fourier("a", 1, 3), "low is 'a'"),
        (lambda: Polynomial(0, 1, -1), "order is -1"),
        (lambda: Polynomial(0, 1, 2.0), "order is 2.0"),
        (lambda: Tiles(0, 1, 0, 8), r"tiles\[0\] is 0"),
        (lambda: Tiles((0, 0), (1, 1), (4, 2.5), 8), r"tiles\[0\] is 4.0"),
        (lambda: Tiles((0, 0), (1, 1), (4, 4, 4), 8), r"tiles has shape \(3,\)"),
        (lambda: Tiles(0, 1, 4, 0), "tilings is 0"),
        (lambda: Tiles(0, np.nan, 4, 8), r"high\[0\] is nan"),
        (
            lambda: first_w(np.zeros(3), (2, 4)),
            r"w0 has shape \(3,\); it must be a number, \(4,\) or \(2, 4\)",
        ),
        (lambda: first_w([0.0, np.nan], (1, 2)), r"w0\[0, 1\] is nan"),
        (lambda: first_w("a", (1, 2)), "w0 has shape"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()
