"""Where answers come from: `Answers.call(name, args)` and nothing else.

Arguments are plain data (numbers, strings, lists, arrays). What plain data cannot say is described
and built on the other side: `Rng(seed)` becomes a generator, `take=n` turns an iterator into the
list of its first n items.
"""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rng:
    """Describes `np.random.default_rng(seed)`: each call gets a fresh one."""

    seed: int

    def __repr__(self) -> str:
        return f"np.random.default_rng({self.seed})"


class Missing(Exception):
    """The function asked for is not there."""


class ChangedArgument(Exception):
    """The function wrote into one of its arguments."""


class ReusedArray(Exception):
    """The items of an iterator are one array, overwritten again and again."""


@dataclass(frozen=True)
class Answers:
    """The functions of a module, some of them replaced."""

    module: ModuleType
    replaced: Mapping[str, Callable[..., Any]] | None = None

    def call(self, name: str, args: tuple[Any, ...], take: int | None = None) -> Any:
        """Call a function with copies of the arguments; refuse one that changes them."""
        function = (self.replaced or {}).get(name) or getattr(self.module, name, None)
        if not callable(function):
            raise Missing(f"{name} is not defined in {self.module.__name__}")
        given = [built(a) for a in args]
        answer = function(*given)
        if take is not None:
            answer = list(first_items(name, answer, take))
        for i, (before, after) in enumerate(zip(args, given)):
            if not _unchanged(before, after):
                argument = list(inspect.signature(function).parameters)[i]
                raise ChangedArgument(f"{name} changed its argument {argument}; work on a copy")
        return answer


def first_items(name: str, iterator: Any, take: int) -> Iterator[Any]:
    """Copies of the first items of an iterator; refuse one that hands out the same array twice."""
    before = None
    for item in itertools.islice(iterator, take):
        if isinstance(item, np.ndarray) and before is not None and np.may_share_memory(item, before):
            raise ReusedArray(
                f"{name} yields the same array again and again; list() of it would hold one table only"
            )
        before = item
        yield copy.deepcopy(item)


def built(argument: Any) -> Any:
    """What the function gets: a copy of plain data, or the thing that a description describes."""
    return np.random.default_rng(argument.seed) if isinstance(argument, Rng) else copy.deepcopy(argument)


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, Rng):
        return True
    if isinstance(before, np.ndarray):
        same = before.shape == after.shape and before.dtype == after.dtype
        return bool(same and before.tobytes() == after.tobytes())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    return bool(before == after)
