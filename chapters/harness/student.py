"""What a grading test talks to.

    student.check("f", *args)         call f, compare with the solution's answer (or with `expected`)
    student.call("f", *args)          call f, return its answer, for tests of properties
    student.claim(condition, "...")   what must hold of the answers so far

Every call is recorded, so that a failed test can ask which known mistake gives these very answers.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chapters.harness.answers import Answers
from chapters.harness.compare import difference
from chapters.harness.registry import Chapter

SECONDS = 10.0  # what one call may take; every right answer takes milliseconds
ASK = object()  # marks "compare with the solution's answer"


@dataclass(frozen=True)
class Call:
    """One call and what came of it: an answer, or an exception."""

    function: str
    args: tuple[Any, ...]
    take: int | None
    answer: Any = None
    error: BaseException | None = None

    def repeated_by(self, answers: Answers) -> Call:
        """The same call, answered by somebody else."""
        return ask(answers, self.function, self.args, self.take)

    def same_as(self, other: Call, tol: float | None = None) -> bool:
        """Did both calls come to the same answer, or fail in the same way?"""
        if self.error is not None or other.error is not None:
            return type(self.error) is type(other.error)
        try:
            return difference(self.answer, other.answer, tol) is None
        except Exception:  # an answer that cannot even be compared is its own
            return False


class Wrong(AssertionError):
    """An answer is not right. Says how; the runner adds what was called and why it may have happened."""


def ask(answers: Answers, function: str, args: tuple[Any, ...], take: int | None) -> Call:
    """Call, and catch whatever the answer raises; an answer that takes too long is a TimeoutError."""
    try:
        with time_limit(SECONDS):
            return Call(function, args, take, answer=answers.call(function, args, take))
    except Exception as error:
        return Call(function, args, take, error=error)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after so many seconds. Without SIGALRM (Windows) there is no limit."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise TimeoutError(f"no answer after {seconds:g} seconds: does a loop never end?")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Student:
    """The answers under test, the solution's answers, and the record of calls."""

    chapter: Chapter
    answers: Answers
    calls: list[Call] = field(default_factory=list)
    tol: float | None = None  # of the last comparison
    instance: int = 0
    seed: int = 0

    def call(self, function: str, *args: Any, take: int | None = None) -> Any:
        """The answer to function(*args); with `take`, the list of the first items of an iterator."""
        self.calls.append(call := ask(self.answers, function, args, take))
        if call.error is not None:
            raise Wrong("it raised an exception") from call.error
        return call.answer

    def check(
        self,
        function: str,
        *args: Any,
        expected: Any = ASK,
        tol: float | None = None,
        take: int | None = None,
    ) -> Any:
        """Call, and compare with `expected` or, without it, with the solution's answer."""
        self.tol = tol
        answer = self.call(function, *args, take=take)
        if expected is ASK:
            expected = Answers(self.chapter.module("solutions")).call(function, args, take)
        if said := difference(answer, expected, tol):
            raise Wrong(said)
        return answer

    def claim(self, condition: Any, message: str) -> None:
        """Refuse the answers so far unless the condition holds."""
        if not condition:
            raise Wrong(message)


def show_call(chapter: Chapter, call: Call) -> str:
    """A call as the student would type it, small arrays in full."""
    names: Sequence[str] = chapter.parameters(call.function)
    lines = [f"    {name} = {show(value)}" for name, value in zip(names, call.args)]
    return f"{call.function}({', '.join(names[: len(call.args)])}) with\n" + "\n".join(lines)


def show(value: Any) -> str:
    """A value in a line or a small block; a large array by its shape and first entries."""
    if isinstance(value, np.ndarray) and value.ndim > 0:
        head = f"array of shape {value.shape}, {value.dtype}"
        if value.size > 40:
            return f"{head}, beginning {np.array2string(value.ravel()[:4], precision=4)[:-1]} ...]"
        text = np.array2string(value, precision=6, separator=", ", suppress_small=True)
        return f"{head}:\n" + "\n".join(f"        {line}" for line in text.splitlines())
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 400 else text[:400] + " ..."
