"""How a chapter declares its exercises, its grading tests, its wrong answers and its other right ones."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

CHAPTERS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Exercise:
    """One question: what is asked, how hard it is (1 to 3 stars) and what it teaches."""

    number: str  # "2.3"
    function: str  # the name that the student fills in
    stars: int
    goal: str  # what who solves it can do


@dataclass(frozen=True)
class GradedTest:
    """One graded test of an exercise, worth `points` if it passes on every instance."""

    function: Callable[..., None]  # (student, rng)
    number: str
    points: int
    instances: int

    @property
    def name(self) -> str:
        return self.function.__name__


def graded(number: str, *, points: int, instances: int = 1) -> Callable[[Any], Any]:
    """Mark a test of exercise `number`: test(student, rng), run on so many random instances."""
    if points < 1 or instances < 1:
        raise ValueError(f"exercise {number}: points and instances must be at least 1")

    def mark(function: Any) -> Any:
        import pytest  # here, so that a chapter's text can show mutants without it

        function.graded = GradedTest(function, number, points, instances)
        return pytest.mark.parametrize("instance", range(instances))(function)

    return mark


def mutant(of: str, message: str) -> Callable[[Any], Any]:
    """Mark a wrong answer to the function `of`; `message` tells a student who gave it what went wrong."""
    return _mark(mutant_of=of, message=message)


def alternative(to: str) -> Callable[[Any], Any]:
    """Mark another right answer to the function `to`: the graders must let it pass."""
    return _mark(alternative_to=to)


def _mark(**attributes: str) -> Callable[[Any], Any]:
    def mark(function: Any) -> Any:
        vars(function).update(attributes)
        return function

    return mark


@dataclass(frozen=True)
class Chapter:
    """A chapter's folder, its modules imported when asked for."""

    name: str  # "ch02_bellman"

    def module(self, which: str) -> ModuleType:
        return importlib.import_module(f"chapters.{self.name}.{which}")

    @property
    def exercises(self) -> list[Exercise]:
        found: list[Exercise] = self.module("test_exercises").EXERCISES
        return found

    def exercise(self, number: str) -> Exercise:
        for exercise in self.exercises:
            if exercise.number == number:
                return exercise
        raise ValueError(f"{self.name}: a test grades exercise {number}, which EXERCISES does not list")

    def tests(self, number: str | None = None) -> list[GradedTest]:
        tests = [t.graded for t in vars(self.module("test_exercises")).values() if hasattr(t, "graded")]
        return [t for t in tests if number in (None, t.number)]

    def mutants(self, function: str | None = None) -> list[Any]:
        found = [m for m in vars(self.module("mutants")).values() if hasattr(m, "mutant_of")]
        return [m for m in found if function in (None, m.mutant_of)]

    def alternatives(self, function: str | None = None) -> list[Any]:
        found = [m for m in vars(self.module("solutions")).values() if hasattr(m, "alternative_to")]
        return [m for m in found if function in (None, m.alternative_to)]

    def parameters(self, function: str) -> list[str]:
        """The argument names of a function, as the solution has them."""
        return list(inspect.signature(getattr(self.module("solutions"), function)).parameters)


def chapters() -> list[Chapter]:
    """Every chapter that has exercises, in order."""
    return [Chapter(path.parent.name) for path in sorted(CHAPTERS.glob("ch*/test_exercises.py"))]


def find_chapter(prefix: str) -> Chapter:
    """The chapter whose name begins with `prefix`; ValueError if there is none."""
    names = [chapter.name for chapter in chapters()]
    for name in names:
        if name == prefix or name.startswith(prefix + "_"):
            return Chapter(name)
    raise ValueError(f"there is no chapter {prefix!r}; there are {', '.join(names)}")
