"""Curves over seeds: the mean, the interval and its coverage, the doors."""

import numpy as np
import pytest

from rlcore.lab.experiments import Curve, over_seeds


def test_mean_and_interval_by_hand():
    curve = Curve(x=[0, 1], y=[[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    np.testing.assert_allclose(curve.mean, [3, 2])
    half = 4.302652729911275 * 2 / np.sqrt(3)  # t quantile .975 with 2 degrees of freedom; deviation 2
    np.testing.assert_allclose(curve.interval, [[3 - half, 2], [3 + half, 2]])


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_covers_the_mean_as_often_as_it_says(level):
    """20,000 experiments of 5 seeds: the band is 4 standard errors, a false alarm in 16,000.

    The normal quantile in place of Student's would cover .878 in place of .95.
    """
    n = 20_000
    y = np.random.default_rng(0).normal(2.0, 3.0, (5, n))
    low, high = Curve(np.arange(n), y, level).interval
    covered = ((low <= 2) & (high >= 2)).mean()
    assert abs(covered - level) < 4 * np.sqrt(level * (1 - level) / n)


def test_over_seeds_gives_each_seed_its_own_generator():
    both = over_seeds(lambda rng: rng.random(3), [7, 8])
    np.testing.assert_array_equal(both[0], np.random.default_rng(7).random(3))
    np.testing.assert_array_equal(both[1], np.random.default_rng(8).random(3))


@pytest.mark.parametrize(
    ("x", "y", "level", "message"),
    [
        ([[0.0]], [[0.0]], 0.95, r"x has shape \(1, 1\)"),
        ([], np.zeros((2, 0)), 0.95, r"x has shape \(0,\)"),
        ([0.0, 1.0], [0.0, 1.0], 0.95, r"y has shape \(2,\); it must be \(seeds, 2\)"),
        ([0.0, 1.0], [[0.0]], 0.95, r"y has shape \(1, 1\)"),
        ([0.0, 1.0], [[0.0, np.nan]], 0.95, r"y\[0, 1\] is nan"),
        ([0.0, np.inf], [[0.0, 1.0]], 0.95, r"x\[1\] is inf"),
        ([0.0], [[0.0]], 1.0, "level is 1.0"),
    ],
)
def test_curve_refuses(x, y, level, message):
    with pytest.raises(ValueError, match=message):
        Curve(x, y, level)


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="one seed"):
        _ = Curve([0.0], [[1.0]]).interval


def test_over_seeds_refuses():
    with pytest.raises(ValueError, match="seeds is empty"):
        over_seeds(lambda rng: 0, [])
    lengths = iter([2, 3])
    with pytest.raises(ValueError, match=r"run 1 has shape \(3,\), run 0 has \(2,\)"):
        over_seeds(lambda rng: np.zeros(next(lengths)), [0, 1])
