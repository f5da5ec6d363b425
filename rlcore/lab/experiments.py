"""Experiments: one function over many seeds and settings, and the curve that comes of it.

    y = over_seeds(run, range(10))                                           run(rng)             -> (10, ...)
    y = sweep(run, [0.1, 0.2], range(10), partial(ProcessPoolExecutor, 4))   run(setting, rng)    -> (2, 10, ...)

Runs are tasks of learning/workers.py: they may go to other processes or to a cluster, and the numbers are the
same. For that `run` must stand in a module; in this process it may stand anywhere.

Letters: K points of a curve.
Left out: caches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.learning.progress import Progress
from rlcore.learning.workers import Factory, Workers, in_process
from rlcore.numerics import Array


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity y measured at x, once a seed.

    Raises ValueError unless x is (K,), y is (seeds, K), both are finite and not empty, and 0 < level < 1.
    """

    x: Array  # (K,)
    y: Array  # (seeds, K)
    level: float = 0.95  # how often the interval should cover the true mean

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x, float), np.asarray(self.y, float)
        if x.ndim != 1 or x.size == 0:
            raise ValueError(f"x has shape {x.shape}; it must be (K,) with K >= 1")
        if y.ndim != 2 or len(y) == 0 or y.shape[1] != x.size:
            raise ValueError(f"y has shape {y.shape}; it must be (seeds, {x.size}), a row a seed")
        for name, values in (("x", x), ("y", y)):
            for i in np.argwhere(~np.isfinite(values))[:1]:
                where = ", ".join(map(str, i))
                raise ValueError(f"{name}[{where}] is {values[tuple(i)]}; every number must be finite")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level!r}; it must be between 0 and 1")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    @property
    def mean(self) -> Array:
        """The mean over seeds.   -> (K,)"""
        return np.asarray(self.y.mean(axis=0))

    @property
    def interval(self) -> Array:
        """Student's t interval of the mean at each x, rows low and high.   -> (2, K)

            mean -+ t(level, seeds - 1) * standard deviation / sqrt(seeds)

        Each x stands for itself: the band as a whole covers less often. Raises ValueError for one seed.
        """
        from scipy.special import stdtrit

        n = len(self.y)
        if n < 2:
            raise ValueError("y has one seed; an interval needs two or more")
        half = stdtrit(n - 1, (1 + self.level) / 2) * self.y.std(axis=0, ddof=1) / np.sqrt(n)
        return np.stack([self.mean - half, self.mean + half])


def over_seeds(
    run: Callable[[Generator], Any], seeds: Iterable[int], executor: Factory = in_process
) -> Array:
    """Stack run(rng), one fresh generator a seed.   -> (seeds, ...)

    Raises ValueError for no seeds, and where two runs differ in shape; RuntimeError for a run that loses its
    worker again and again.
    """
    return _stacked("over_seeds", [(run, seed) for seed in _some("seeds", seeds)], executor)


def sweep(
    run: Callable[[Any, Generator], Any],
    settings: Iterable[Any],
    seeds: Iterable[int],
    executor: Factory = in_process,
) -> Array:
    """Stack run(setting, rng) for every setting, each with the same seeds.   -> (settings, seeds, ...)

    So two settings can be compared seed by seed. Errors as `over_seeds`.
    """
    settings, seeds = _some("settings", settings), _some("seeds", seeds)
    tasks = [(partial(run, setting), seed) for setting in settings for seed in seeds]
    results = _stacked("sweep", tasks, executor)
    return results.reshape(len(settings), len(seeds), *results.shape[1:])


def _some(name: str, several: Iterable[Any]) -> list[Any]:
    found = list(several)
    if not found:
        raise ValueError(f"{name} is empty; give at least one")
    return found


def _stacked(name: str, tasks: list[tuple[Any, int]], executor: Factory) -> Array:
    """The results of the runs, in order.   -> (tasks, ...)"""
    bar = Progress(name, len(tasks))
    with Workers(executor) as workers:
        results = workers(_run, tasks, bar)
    bar.close()
    for i, result in enumerate(results):
        if result.shape != results[0].shape:
            raise ValueError(f"run {i} has shape {result.shape}, run 0 has {results[0].shape}")
    return np.stack(results)


def _run(run: Callable[[Generator], Any], seed: int) -> Array:
    """The task: one run, on a stream of its own."""
    return np.asarray(run(np.random.default_rng(seed)))
