"""Run one graded test on one set of answers, and explain a failure.

The explanation of a wrong answer: every known mistake (mutant) of the exercise answers the same
calls; those that come to the student's answers are named. A mistake nobody foresaw gets the bare facts.
"""

from __future__ import annotations

import traceback
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chapters.harness.answers import Answers, ChangedArgument, Missing, ReusedArray, built
from chapters.harness.compare import gap
from chapters.harness.registry import Chapter, GradedTest, find_chapter
from chapters.harness.student import Call, Student, Wrong, show, show_call

HARNESS = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What a test says of the answers on one instance."""

    passed: bool
    feedback: str = ""
    mistakes: tuple[str, ...] = ()  # names of the mutants that answer as the student did
    calls: tuple[Call, ...] = ()


def instance_rng(test: GradedTest, instance: int, seed: int) -> np.random.Generator:
    """The stream an instance is drawn from: the same for every student, another for every test."""
    return np.random.default_rng([seed, zlib.crc32(test.name.encode()), instance])


def grade(test: GradedTest, student: Student, rng: np.random.Generator) -> Wrong | None:
    """What is wrong with the student's answers to one test, or None.

    An answer that the test cannot even work with, rows of different lengths say, is wrong too.
    """
    try:
        test.function(student, rng)
    except Wrong as wrong:
        return wrong
    except Exception as error:
        if not student.calls:  # nothing was asked yet: the test itself is broken
            raise
        return Wrong(f"it cannot be used: {type(error).__name__}: {error}")
    return None


def run(chapter: Chapter, test: GradedTest, answers: Answers, instance: int = 0, seed: int = 0) -> Outcome:
    """Run `test` on an instance; a wrong answer comes back as an Outcome, never as an exception."""
    student = Student(chapter, answers, instance=instance, seed=seed)
    wrong = grade(test, student, instance_rng(test, instance, seed))
    if wrong is None:
        return Outcome(True, calls=tuple(student.calls))
    mistakes = diagnose(chapter, student)
    feedback = explain(chapter, test, student, wrong, mistakes)
    return Outcome(False, feedback, tuple(m.__name__ for m in mistakes), tuple(student.calls))


def diagnose(chapter: Chapter, student: Student) -> list[Any]:
    """The mutants that answer every recorded call of their function as the student did."""
    found = []
    for mutant in chapter.mutants():
        calls = [call for call in student.calls if call.function == mutant.mutant_of]
        twin = Answers(chapter.module("solutions"), {mutant.mutant_of: mutant})
        if calls and all(call.same_as(call.repeated_by(twin), student.tol) for call in calls):
            found.append(mutant)
    return found


def explain(chapter: Chapter, test: GradedTest, student: Student, wrong: Wrong, mistakes: list[Any]) -> str:
    """The text a student reads."""
    exercise = chapter.exercise(test.number)
    call = student.calls[-1]
    lines = [f"Exercise {exercise.number}, {exercise.function}:"]
    if isinstance(call.error, NotImplementedError):
        return f"{lines[0]} not done yet ({call.error})"
    lines.append(f"  called  {show_call(chapter, call)}")
    if call.error is not None:
        lines.append(f"  raised  {type(call.error).__name__}: {call.error}")
        lines += own_lines(call.error)
    else:
        lines.append(f"  came back  {show(call.answer)}")
        lines.append(f"  but  {wrong}")
    if len(mistakes) == 1:
        lines.append(f"  This looks like a known mistake: {mistakes[0].message}")
    elif mistakes:
        lines.append("  This looks like one of these known mistakes:")
        lines += [f"  - {mutant.message}" for mutant in mistakes]
    where = f'"{chapter.name}", "{test.name}", instance={student.instance}, seed={student.seed}'
    lines.append(f"  The same arguments again: again({where}, call={len(student.calls)})")
    lines.append("  after `from chapters.harness.runner import again`")
    return "\n".join(lines)


def again(name: str, test: str, *, instance: int = 0, seed: int = 0, call: int = 1) -> list[Any]:
    """The arguments of the call-th call that a graded test makes, to try a failed call by hand.

    Raises ValueError for a chapter, test or call that does not exist.
    """
    chapter = find_chapter(name)
    for graded_test in chapter.tests():
        if graded_test.name == test:
            calls = run(chapter, graded_test, Answers(chapter.module("solutions")), instance, seed).calls
            if not 1 <= call <= len(calls):
                raise ValueError(f"call is {call}; {test} makes {len(calls)} calls")
            return [built(argument) for argument in calls[call - 1].args]
    raise ValueError(f"{chapter.name} has no graded test {test!r}")


def own_lines(error: BaseException) -> list[str]:
    """The student's own lines of a traceback, the harness's left out."""
    if isinstance(error, (Missing, ChangedArgument, ReusedArray)):
        return []
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent != HARNESS]
    return [f"    line {f.lineno} in {f.name}:  {f.line}" for f in frames[-3:]]


def distance(chapter: Chapter, calls: tuple[Call, ...]) -> float:
    """The largest difference between recorded answers and the solution's: how visible a mistake is."""
    solution = Answers(chapter.module("solutions"))
    return max(
        (
            np.inf if call.error is not None else gap(call.answer, call.repeated_by(solution).answer)
            for call in calls
        ),
        default=0.0,
    )
