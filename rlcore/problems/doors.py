"""What the constructors of small problems ask of their numbers.

Left out: arrays; `mdp` checks those, with the place of the first wrong entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator


def is_number(x: Any) -> bool:
    """Whether x is one real number, of Python or NumPy; True and False are not."""
    return isinstance(x, (int, float, np.integer, np.floating)) and not isinstance(x, bool)


def check_probability(name: str, p: Any) -> None:
    """Raise ValueError unless 0 <= p <= 1."""
    if not is_number(p) or not 0 <= p <= 1:
        raise ValueError(f"{name} is {p!r}; it must be a probability, from 0 to 1")


def check_count(name: str, n: Any, least: int, most: int | None = None) -> None:
    """Raise ValueError unless n is a whole number from least to most."""
    whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if not whole or n < least or (most is not None and n > most):
        room = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} is {n!r}; it must be a whole number {room}")


def check_rng(rng: Any) -> None:
    """Raise ValueError unless rng is NumPy's Generator."""
    if not isinstance(rng, Generator):
        raise ValueError(f"rng is {type(rng).__name__}; it must be a Generator: numpy.random.default_rng(0)")
