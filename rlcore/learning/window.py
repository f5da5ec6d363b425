"""The last n steps of every lane, for learners that look back n steps and choose actions on the way.

    window = Window(n, runs)
    ...
    window.push(i, s, a, reward, s_next, a_next)          after every step of the lanes i
    for j, m in window.due(lanes):                        lanes i[j] have a window of m steps that ends now
        state, action, reward, next_state, next_action = window.last(i[j], m)

All lanes step together, so one ring of n slots serves them all. While an episode runs, each step completes
one window of n steps. When it ends, the n - 1 windows that it leaves behind, of n - 1, n - 2, ..., 1 steps,
are completed at once.

Letters: n steps, N lanes that are left, J of them.
Left out: learners with a fixed policy; those look ahead on a tape (`tapes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rlcore.learning.lanes import Lanes
from rlcore.numerics import Array
from rlcore.problems.doors import check_count


class Window:
    """A ring of n slots a lane. Raises ValueError unless n is a whole number >= 1."""

    def __init__(self, n: int, runs: int) -> None:
        check_count("n", n, 1)
        self.n, self.runs = n, runs
        self.ring: list[Array] = []
        self.pushed = 0

    def push(self, i: Array, *columns: Any) -> None:
        """Keep one step of the lanes i: each column (N,)."""
        if not self.ring:
            self.ring = [np.zeros((self.n, self.runs), np.asarray(c).dtype) for c in columns]
        for table, column in zip(self.ring, columns):
            table[self.pushed % self.n, i] = column
        self.pushed += 1

    def due(self, lanes: Lanes) -> Iterator[tuple[Array, int]]:
        """Which lanes have a window that ends with this step, and how long it is, longest first.

        -> j (J,) places among the lanes, m
        """
        longest = np.minimum(lanes.clock, self.n)
        for m in range(int(longest.max()), 0, -1) if lanes.done.any() else (self.n,):
            j = np.flatnonzero((longest >= m) & (lanes.done | (m == self.n)))
            if len(j):
                yield j, m

    def last(self, i: Array, m: int) -> list[Array]:
        """The last m steps of the lanes i, the oldest first.   -> each column (m, J)"""
        slots = np.arange(self.pushed - m, self.pushed) % self.n
        return [table[slots[:, None], i] for table in self.ring]
