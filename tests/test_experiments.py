"""Curves over seeds: the mean, the interval and its coverage, seeds and sweeps on any executor, the doors."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rlcore.lab.experiments import Curve, over_seeds, sweep

POOL = partial(ProcessPoolExecutor, 2)


def draw(rng):
    return rng.random(3)


def scaled_draw(scale, rng):
    return scale * rng.random(3)


def draw_unless(flag, rng):
    """Dies where it takes the flag down. Only one process can: to look first would let two see the flag."""
    first = rng.random(3)
    try:
        Path(flag).unlink()
    except FileNotFoundError:
        return first
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def no_draw(rng):
    raise ValueError("there is nothing to draw")


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


def test_a_sweep_gives_every_setting_the_same_seeds():
    table = sweep(scaled_draw, [1.0, 2.0, 10.0], [7, 8])
    assert table.shape == (3, 2, 3)
    for i, scale in enumerate([1.0, 2.0, 10.0]):
        np.testing.assert_array_equal(table[i], over_seeds(partial(scaled_draw, scale), [7, 8]))
    assert sweep(lambda setting, rng: setting, "ab", range(2)).tolist() == [["a", "a"], ["b", "b"]]


def test_processes_give_the_same_numbers(tmp_path):
    """Also where one of them is killed on the way; what a run raises comes back as it is."""
    np.testing.assert_array_equal(over_seeds(draw, range(5)), over_seeds(draw, range(5), POOL))
    settings = [1.0, 2.0]
    np.testing.assert_array_equal(
        sweep(scaled_draw, settings, [3, 4]), sweep(scaled_draw, settings, [3, 4], POOL)
    )
    flag = tmp_path / "flag"
    flag.touch()
    run = partial(draw_unless, str(flag))
    np.testing.assert_array_equal(over_seeds(run, range(5), POOL), over_seeds(draw, range(5)))
    assert not flag.exists()
    with pytest.raises(ValueError, match="nothing to draw"):
        over_seeds(no_draw, range(2), POOL)


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
    with pytest.raises(ValueError, match=r"run 1 has shape \(2,\), run 0 has \(1,\)"):
        sweep(lambda n, rng: np.zeros(n), [1, 2], [0])
    with pytest.raises(ValueError, match="settings is empty"):
        sweep(scaled_draw, [], [0])
    with pytest.raises(ValueError, match="seeds is empty"):
        sweep(scaled_draw, [1.0], [])
    with pytest.raises(ValueError, match="executor is 2"):
        over_seeds(draw, [0], 2)
