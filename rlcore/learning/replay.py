"""A memory of single steps, from which a learner draws at random.

Neighbouring steps of a walk resemble each other, and a gradient from them alone points where the walker
happens to be. A batch drawn from a long memory mixes times and walkers, and lets a step be used again.

Letters: B batch, T steps, N walkers.
Left out: priorities, several steps at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rlcore.learning.rollout import Rollout
from rlcore.numerics import Array
from rlcore.problems.doors import check_count


@dataclass(frozen=True, eq=False)
class Batch:
    """Steps that need not follow each other."""

    state: Array  # (B, ...)
    action: Array  # (B,) or (B, D)
    reward: Array  # (B,)
    next_state: Array  # (B, ...)  the true successor, never a reset state
    terminated: Array  # (B,) bool: only here is next_state worth 0


FIELDS = ("state", "action", "reward", "next_state", "terminated")


class ReplayBuffer:
    """The last `capacity` steps, in a ring: a new step takes the place of the oldest.

    The first `add` fixes shapes and dtypes, and allocates. ValueError unless capacity is a whole number >= 1.
    """

    def __init__(self, capacity: int) -> None:
        check_count("capacity", capacity, 1)
        self.capacity = capacity
        self.ring: dict[str, Array] = {}
        self.added = 0  # steps ever added; the next one goes to place added % capacity

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, rollout: Rollout) -> None:
        """Store T * N steps, oldest first.   Raises ValueError where shape or dtype is not the first's."""
        rows = {name: _steps(getattr(rollout, name)) for name in FIELDS}
        if not self.ring:
            self.ring = {name: np.empty((self.capacity, *x.shape[1:]), x.dtype) for name, x in rows.items()}
        for name, x in rows.items():
            kept = self.ring[name]
            if x.shape[1:] != kept.shape[1:] or x.dtype != kept.dtype:
                raise ValueError(
                    f"{name} is {x.dtype} of shape {x.shape[1:]} a step; the memory holds {kept.dtype} of "
                    f"shape {kept.shape[1:]}"
                )
        n = len(rows["reward"])
        new = np.arange(max(0, n - self.capacity), n)  # of more than fit, the last ones
        place = (self.added + new) % self.capacity
        for name, x in rows.items():
            self.ring[name][place] = x[new]
        self.added += n

    def sample(self, batch: int, rng: Generator) -> Batch:
        """Draw steps uniformly, with replacement.   Raises ValueError from an empty memory."""
        check_count("batch", batch, 1)
        if not self.added:
            raise ValueError("the memory is empty; add a rollout first")
        i = rng.integers(len(self), size=batch)
        return Batch(*(self.ring[name][i] for name in FIELDS))


def _steps(x: Array) -> Array:
    """(T, N, ...) -> (T * N, ...)"""
    return x.reshape(-1, *x.shape[2:])
