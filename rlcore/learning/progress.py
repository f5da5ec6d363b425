"""A bar for what takes longer than two seconds: on a terminal or in a live notebook, never in tests.

    RLCORE_PROGRESS=0 silences it, RLCORE_PROGRESS=1 insists.

Left out: nested bars and guesses of the remaining time.
"""

from __future__ import annotations

import os
import sys
import time

PATIENCE = 2.0  # seconds of silence at the start
PAUSE = 0.2  # seconds between two pictures
WIDTH = 30  # characters of a full bar


def wanted() -> bool:
    """Whether somebody is watching."""
    choice = os.environ.get("RLCORE_PROGRESS")
    if choice is not None:
        return choice != "0"
    if "CI" in os.environ or "PYTEST_CURRENT_TEST" in os.environ or a_worker():
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def a_worker() -> bool:
    """Whether another process made this one to work for it: it has the screen, and a bar of its own."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


class Progress:
    """bar = Progress("sarsa", 500);  bar(done) now and then;  bar.close() at the end."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self.next = time.monotonic() + PATIENCE if wanted() else float("inf")
        self.drawn = False

    def __call__(self, done: int) -> None:
        """Draw the bar, if it is time."""
        now = time.monotonic()
        if now >= self.next:
            self.next, self.drawn = now + PAUSE, True
            self._draw(done)

    def close(self) -> None:
        """Wipe the bar off its line."""
        if self.drawn:
            sys.stderr.write("\r" + " " * (len(self.what) + WIDTH + 9) + "\r")
            sys.stderr.flush()

    def _draw(self, done: int) -> None:
        part = min(done / self.total, 1.0)
        bar = "#" * round(part * WIDTH)
        sys.stderr.write(f"\r{self.what} [{bar:<{WIDTH}}] {part:4.0%}")
        sys.stderr.flush()
