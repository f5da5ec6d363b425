"""`pytest chapters/ch02_bellman` checks a student's answers; `pytest --help` lists its options under rlcore."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that `pytest chapters/...` works from anywhere

from chapters.harness.answers import Answers
from chapters.harness.kill_matrix import verdict
from chapters.harness.registry import Chapter, Exercise
from chapters.harness.runner import diagnose, explain, grade, instance_rng
from chapters.harness.student import Student


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rlcore", "exercises")
    group.addoption("--solutions", action="store_true", help="grade the reference solutions")
    group.addoption(
        "--mutants", action="store_true", help="check that each known wrong answer is caught and named"
    )
    group.addoption(
        "--answers", metavar="FILE", help="grade this file instead of exercises.py (it is run: trust it)"
    )
    group.addoption("--seed", type=int, default=0, help="draw other random instances (default 0)")


def pytest_configure(config: pytest.Config) -> None:
    if sum(bool(config.getoption(name)) for name in ("--solutions", "--mutants", "--answers")) > 1:
        raise pytest.UsageError("--solutions, --mutants and --answers exclude one another")
    if config.getoption("--seed") < 0:
        raise pytest.UsageError(f"--seed is {config.getoption('--seed')}; it must be a whole number >= 0")
    if (file := config.getoption("--answers")) and not Path(file).is_file():
        raise pytest.UsageError(f"--answers: there is no file {file}")
    config.option.reportchars = "N"  # the points table is the summary


# ---------------------------------------------------------------- a test and its answers


@pytest.fixture
def rng(request: pytest.FixtureRequest, instance: int) -> np.random.Generator:
    return instance_rng(request.function.graded, instance, request.config.getoption("--seed"))


@pytest.fixture
def student(request: pytest.FixtureRequest, instance: int) -> Student:
    chapter = Chapter(request.module.__name__.split(".")[-2])
    where = {"instance": instance, "seed": request.config.getoption("--seed")}
    if file := request.config.getoption("--answers"):
        return Student(chapter, Answers(load(Path(file))), **where)
    which = "solutions" if request.config.getoption("--solutions") else "exercises"
    try:
        return Student(chapter, Answers(chapter.module(which)), **where)
    except Exception as error:
        pytest.fail(
            f"chapters/{chapter.name}/{which}.py cannot be imported: {type(error).__name__}: {error}", False
        )


def load(path: Path) -> Any:
    """Import a file of answers by its path."""
    spec = importlib.util.spec_from_file_location("answers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        pytest.fail(f"{path} cannot be imported: {type(error).__name__}: {error}", False)
    return module


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run a graded test, and turn a wrong answer into the text for the student, without the harness's traceback."""
    test = getattr(pyfuncitem.function, "graded", None)
    if test is None:
        return None
    student = pyfuncitem.funcargs["student"]
    wrong = grade(test, student, pyfuncitem.funcargs["rng"])
    if wrong is None:
        return True
    text = explain(student.chapter, test, student, wrong, diagnose(student.chapter, student))
    not_done = isinstance(wrong.__cause__, NotImplementedError)
    pyfuncitem.status = "not done" if not_done else "failed again" if test.name in FAILED else ""
    FAILED.add(test.name)
    pytest.fail(text, pytrace=False)


FAILED: set[str] = set()  # tests that failed on an earlier instance: said once is enough


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    report.status = getattr(item, "status", "")
    return report


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """An untouched stub, and a test that fails on one more instance, count as failed but are not shown at length."""
    status = getattr(report, "status", "") if report.failed else ""
    return (status, "-" if status == "not done" else "f", status.upper()) if status else None


# ---------------------------------------------------------------- --mutants


class MutantItem(pytest.Item):
    """Passes if the graders catch a wrong answer and name it."""

    def __init__(self, *, chapter: Chapter, mutant: Any, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chapter, self.mutant, self.seed = chapter, mutant, seed

    def runtest(self) -> None:
        if said := verdict(self.chapter, self.mutant, self.seed).complaint:
            pytest.fail(said, pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"mutant {self.mutant.mutant_of}/{self.mutant.__name__}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--mutants"):
        return
    modules = {item.getparent(pytest.Module): None for item in items if hasattr(item, "callspec")}
    items[:] = [
        MutantItem.from_parent(
            module,
            name=f"{m.mutant_of}/{m.__name__}",
            chapter=chapter,
            mutant=m,
            seed=config.getoption("--seed"),
        )
        for module in modules
        if module is not None
        for chapter in [Chapter(module.path.parent.name)]
        for m in chapter.mutants()
    ]


# ---------------------------------------------------------------- points


REPORTS: dict[
    str, list[bool]
] = {}  # "chapters/ch01_mdp/test_exercises.py::test_walk" -> an entry an instance


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Several processes report everything here, tests of other folders too."""
    graded = report.nodeid.split("::")[0].endswith("/test_exercises.py")
    if graded and (report.when == "call" or report.failed):
        REPORTS.setdefault(report.nodeid.split("[")[0], []).append(report.passed)


def points(chapter: Chapter, exercise: Exercise) -> tuple[int, int, bool]:
    """Points earned, points to be had, and whether any test of the exercise ran."""
    earned, ran = 0, False
    tests = chapter.tests(exercise.number)
    for test in tests:
        passed = [
            p
            for nodeid, p in REPORTS.items()
            if nodeid.endswith(f"{chapter.name}/test_exercises.py::{test.name}")
        ]
        ran = ran or bool(passed)
        earned += test.points * (bool(passed) and all(all(p) for p in passed))
    return earned, sum(test.points for test in tests), ran


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--mutants"):
        return
    rows, got, of = [], 0, 0
    for name in dict.fromkeys(Path(nodeid.split("::")[0]).parent.name for nodeid in REPORTS):
        for e in Chapter(name).exercises:
            earned, worth, ran = points(Chapter(name), e)
            if ran:
                got, of = got + earned, of + worth
                rows.append(
                    f"  {e.number:<5} {e.function:<28} {'*' * e.stars:<4} {earned:>3} of {worth:<3} {e.goal}"
                )
    if rows:
        terminalreporter.section("points")
        for row in rows:
            terminalreporter.line(row)
        seed = config.getoption("--seed")
        terminalreporter.line(f"  {got} of {of} points (seed {seed}). This is a check, not the grade.")
        if got < of:
            terminalreporter.line(
                "  Letters above: . right, F wrong, f wrong again on another instance, - not done yet"
            )
