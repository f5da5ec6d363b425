"""Experiments: one function over many seeds, and the curve that comes of it.

Letters: K points of a curve.
Left out: sweeps over parameters, processes and caches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

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


def over_seeds(run: Callable[[Generator], Any], seeds: Iterable[int]) -> Array:
    """Stack run(rng), one fresh generator a seed.   -> (seeds, ...)

    Raises ValueError for no seeds, and where two runs differ in shape.
    """
    results = [np.asarray(run(np.random.default_rng(seed))) for seed in seeds]
    if not results:
        raise ValueError("seeds is empty; give at least one")
    for i, result in enumerate(results):
        if result.shape != results[0].shape:
            raise ValueError(f"run {i} has shape {result.shape}, run 0 has {results[0].shape}")
    return np.stack(results)
