"""What the constructors of small problems ask of their numbers, and drivers of what they are handed.

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
        raise ValueError(f"rng is {called(rng)}; it must be a Generator: numpy.random.default_rng(0)")


def check_kind(*kinds: type, **arguments: Any) -> None:
    """Raise ValueError unless each argument is of one of these classes.   check_kind(PPOConfig, cfg=cfg)"""
    for name, x in arguments.items():
        if not isinstance(x, kinds):
            wanted = " or ".join(f"{kind.__name__}(...)" for kind in kinds)
            raise ValueError(f"{name} is {called(x)}; it must be {wanted}")


def check_functions(**arguments: Any) -> None:
    """Raise ValueError unless each argument can be called; a class is called by mistake."""
    for name, f in arguments.items():
        if not callable(f) or isinstance(f, type):
            raise ValueError(f"{name} is {called(f)}; it must be a function")


def check_env(env: Any) -> None:
    """Raise ValueError unless env can be walked in: any object with these four, or a live one, whose copies have."""
    missing = [name for name in ("actions", "horizon", "reset", "step") if not hasattr(env, name)]
    if isinstance(env, type) or (missing and not getattr(env, "live", False)):
        lacks = f", which has no {missing[0]}" if missing else ""
        raise ValueError(f"env is {called(env)}{lacks}; it must be an environment, such as CartPole()")


def called(x: Any) -> str:
    """What a message calls x: by its class, for an array or a model may be long."""
    if x is None:
        return "None"
    return f"the class {x.__name__}" if isinstance(x, type) else type(x).__name__
