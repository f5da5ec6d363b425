"""Every chapter keeps its contract: stubs fail, solutions and other right answers pass, mistakes are caught by name.

These tests run on any copy of the book, one with solved exercises included: only untouched stubs must fail.
On the hosted CI (CI=true) every exercise must be an untouched stub.
"""

import ast
import inspect
import os
import re

import pytest

from chapters.harness.answers import Answers
from chapters.harness.kill_matrix import PUBLISHED, main, verdict
from chapters.harness.registry import CHAPTERS, Chapter, chapters
from chapters.harness.runner import run
from tools.myst import equations

SEEDS = (0, 1, 2)
BOOK = chapters()
EXERCISES = [(c, e) for c in BOOK for e in c.exercises]
TESTS = [(c, t) for c in BOOK for t in c.tests()]
MUTANTS = [(c, m) for c in BOOK for m in c.mutants()]
ALTERNATIVES = [(c, a) for c in BOOK for a in c.alternatives()]


def label(x):
    return getattr(x, "number", None) or getattr(x, "name", None) or x.__name__


def stubs(chapter: Chapter) -> dict[str, ast.FunctionDef]:
    """The functions of exercises.py whose body is a docstring and a raise."""
    tree = ast.parse((CHAPTERS / chapter.name / "exercises.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name: f for f in functions if len(f.body) == 2 and isinstance(f.body[1], ast.Raise)}


def test_there_are_chapters_to_test():
    assert len(BOOK) >= 3
    assert [c.name[2:4] for c in BOOK] == [f"{i:02d}" for i in range(1, len(BOOK) + 1)]


@pytest.mark.parametrize("chapter", BOOK, ids=label)
def test_contract_of_a_chapter(chapter):
    numbers = [e.number for e in chapter.exercises]
    assert len(numbers) >= 6, f"{len(numbers)} exercises; a chapter has at least 6, from one star to three"
    assert numbers == [f"{int(chapter.name[2:4])}.{i + 1}" for i in range(len(numbers))]
    assert {t.number for t in chapter.tests()} == set(numbers), "every exercise has a graded test"
    stars = [e.stars for e in chapter.exercises]
    assert stars == sorted(stars), "exercises climb"
    assert stars[0] == 1
    assert stars[-1] == 3
    functions = {e.function for e in chapter.exercises}
    assert {m.mutant_of for m in chapter.mutants()} == functions
    assert {a.alternative_to for a in chapter.alternatives()} == functions
    listed = (CHAPTERS / chapter.name / "chapter.md").read_text(encoding="utf-8")
    for e in chapter.exercises:
        row = f"| {e.number} | `{e.function}` | {'*' * e.stars} | {e.goal} |"
        assert row in listed, f"chapter.md lacks the line\n{row}"


@pytest.mark.parametrize("chapter", BOOK, ids=label)
def test_index_and_readme_name_the_chapter(chapter):
    n, notebook = int(chapter.name[2:4]), f"{chapter.name[2:]}.ipynb"
    index = (CHAPTERS / "index.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| {n} \| \[.+\]\({notebook}\) \|", index, re.MULTILINE), (
        "a row in chapters/index.md"
    )
    readme = (CHAPTERS.parent / "README.md").read_text(encoding="utf-8")
    row = re.search(
        rf"^\| {n} .*\(notebooks/{notebook}\).*\[(\d+)\]\(chapters/{chapter.name}/", readme, re.MULTILINE
    )
    assert row, "a row in the table of README.md"
    assert int(row[1]) == len(chapter.exercises), "README.md counts the exercises"


@pytest.mark.parametrize("chapter", BOOK, ids=label)
def test_exercises_name_equations_by_their_number(chapter):
    text = (CHAPTERS / chapter.name / "exercises.py").read_text(encoding="utf-8")
    found = re.findall(r"\(([\d.]*)(?:, )?(eq:[\w-]+)\)", text)
    numbers = equations()
    assert found == [(numbers[name], name) for _, name in found], "write (3.5, eq:stopping-rule)"


@pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=label)
def test_contract_of_an_exercise(chapter, exercise):
    stub = getattr(chapter.module("exercises"), exercise.function)
    names = list(inspect.signature(stub).parameters)
    assert names == chapter.parameters(exercise.function), "stub and solution take the same arguments"
    for other in (*chapter.mutants(exercise.function), *chapter.alternatives(exercise.function)):
        assert list(inspect.signature(other).parameters) == names, other.__name__
    assert f"Exercise {exercise.number}." in (stub.__doc__ or "")
    assert "->" in (stub.__doc__ or ""), "the docstring gives shapes"
    mutants = chapter.mutants(exercise.function)
    assert len(mutants) >= 2
    messages = [m.message for m in mutants]
    assert len(set(messages)) == len(messages)
    assert min(len(m) for m in messages) > 30


@pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=label)
def test_stub_fails(chapter, exercise):
    untouched = stubs(chapter)
    if os.environ.get("CI") == "true":
        assert exercise.function in untouched, "exercises.py must hold stubs, not answers"
    if exercise.function in untouched:
        for test in chapter.tests(exercise.number):
            outcome = run(chapter, test, Answers(chapter.module("exercises")))
            assert not outcome.passed
            assert f"not done yet (Exercise {exercise.number})" in outcome.feedback


@pytest.mark.parametrize(("chapter", "test"), TESTS, ids=label)
def test_solution_passes(chapter, test):
    for seed in SEEDS:
        for instance in range(test.instances):
            outcome = run(chapter, test, Answers(chapter.module("solutions")), instance, seed)
            assert outcome.passed, outcome.feedback


@pytest.mark.parametrize(("chapter", "alternative"), ALTERNATIVES, ids=label)
def test_other_right_answer_passes(chapter, alternative):
    answers = Answers(chapter.module("solutions"), {alternative.alternative_to: alternative})
    for exercise in chapter.exercises:
        for test in chapter.tests(exercise.number) if exercise.function == alternative.alternative_to else ():
            for seed in SEEDS:
                for instance in range(test.instances):
                    outcome = run(chapter, test, answers, instance, seed)
                    assert outcome.passed, outcome.feedback


@pytest.mark.parametrize(("chapter", "mutant"), MUTANTS, ids=label)
def test_mistake_is_caught_by_its_name(chapter, mutant):
    for seed in SEEDS:
        assert verdict(chapter, mutant, seed).complaint == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 40))
def test_every_seed_that_a_teacher_may_choose(seed):
    for chapter in BOOK:
        assert [v for m in chapter.mutants() if (v := verdict(chapter, m, seed).complaint)] == []
        for test in chapter.tests():
            for instance in range(test.instances):
                outcome = run(chapter, test, Answers(chapter.module("solutions")), instance, seed)
                assert outcome.passed, outcome.feedback


def test_published_kill_matrix_is_the_present_one(capsys, monkeypatch, tmp_path):
    fresh = tmp_path / "matrix.md"
    monkeypatch.setattr("chapters.harness.kill_matrix.PUBLISHED", fresh)
    assert main([]) == 0
    assert "each caught and named" in capsys.readouterr().out
    assert fresh.read_text(encoding="utf-8") == PUBLISHED.read_text(encoding="utf-8"), (
        "run `make kill-matrix`"
    )
