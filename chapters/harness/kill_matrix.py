"""Which test catches which wrong answer.   python -m chapters.harness.kill_matrix

    X   the test fails and the feedback names this very mistake
    x   the test fails, without naming it
    .   the test passes

A mutant must have an X, and its answer must be at least 1e-3 away from the right one there, so that
no tolerance can hide it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chapters.harness.answers import Answers
from chapters.harness.registry import CHAPTERS, Chapter, chapters, find_chapter
from chapters.harness.runner import distance, run

VISIBLE = 1e-3
PUBLISHED = CHAPTERS / "KILL_MATRIX.md"


@dataclass(frozen=True)
class Verdict:
    """What the tests of an exercise say of a mutant: a mark a test, and the largest distance of its answers."""

    marks: dict[str, str]
    distance: float
    complaint: str  # empty if the mutant is caught, named and visible


def verdict(chapter: Chapter, mutant: Any, seed: int = 0) -> Verdict:
    """Grade a mutant as if a student had handed it in."""
    answers = Answers(chapter.module("solutions"), {mutant.mutant_of: mutant})
    numbers = [e.number for e in chapter.exercises if e.function == mutant.mutant_of]
    marks, far = {}, 0.0
    for test in (t for number in numbers for t in chapter.tests(number)):
        outcomes = [run(chapter, test, answers, i, seed) for i in range(test.instances)]
        failed = [o for o in outcomes if not o.passed]
        named = [o for o in failed if mutant.__name__ in o.mistakes]
        far = max([far, *(distance(chapter, o.calls) for o in named)])
        marks[test.name] = "X" if named else "x" if failed else "."
    name = f"{chapter.name}: mutant {mutant.__name__} of {mutant.mutant_of}"
    complaint = ""
    if not numbers:
        complaint = f"{name}: no exercise asks for that function"
    elif "X" not in marks.values():
        caught = "is caught, but not named" if "x" in marks.values() else "passes every test"
        complaint = f"{name} {caught}"
    elif far < VISIBLE:
        complaint = f"{name} differs from the solution by {far:.1e} only; choose instances that show 1e-3"
    return Verdict(marks, far, complaint)


def matrix(chapter: Chapter, verdicts: dict[Any, Verdict]) -> str:
    """The chapter's kill matrix as a Markdown table."""
    lines = [
        f"## {chapter.name}",
        "",
        "| exercise | wrong answer | caught by | not caught by |",
        "|---|---|---|---|",
    ]
    for exercise in chapter.exercises:
        for mutant in chapter.mutants(exercise.function):
            marks = verdicts[mutant].marks
            caught = ", ".join(f"{name} ({mark})" for name, mark in marks.items() if mark != ".")
            missed = ", ".join(name for name, mark in marks.items() if mark == ".")
            lines.append(
                f"| {exercise.number} {exercise.function} | {mutant.__name__} | {caught} | {missed} |"
            )
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    try:
        chosen = [find_chapter(name) for name in arguments] or chapters()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    verdicts = {mutant: verdict(chapter, mutant) for chapter in chosen for mutant in chapter.mutants()}
    text = "\n".join(matrix(chapter, verdicts) for chapter in chosen)
    complaints = [v.complaint for v in verdicts.values() if v.complaint]
    print(text)
    print("\n".join(complaints) or f"{len(verdicts)} mutants, each caught and named.")
    if not arguments and not complaints:
        Path(PUBLISHED).write_text(f"# Kill matrix\n\n{__doc__}\n{text}", encoding="utf-8", newline="\n")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
