"""The exercise machinery itself: what it accepts, what it refuses, and what a student reads."""

import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

from chapters.harness import Exercise, Rng, graded, mutant
from chapters.harness.answers import Answers, ChangedArgument, Missing, ReusedArray
from chapters.harness.compare import difference, gap
from chapters.harness.kill_matrix import main, verdict
from chapters.harness.registry import Chapter, find_chapter
from chapters.harness.runner import again, run

ROOT = Path(__file__).parents[1]

# ---------------------------------------------------------------- when two answers are the same


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (1, 1.0),
        (np.float64(2.0), 2.0),
        (np.array(2.0), 2.0),
        ([1.0, 2.0], np.array([1.0, 2.0])),
        (np.array([[1.0], [2.0]]), np.array([1.0, 2.0])),
        (np.array([1.0, 2.0 + 5e-6], np.float32), np.array([1.0, 2.0])),
        ([np.arange(2), np.array([1.0, 2.0 + 5e-6], np.float32)], [np.arange(2), np.array([1.0, 2.0])]),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        ((np.arange(3), 1.5), [np.arange(3.0), 1.5]),
        ([[1, 2], [0.5], True], ([1, 2], [0.5], True)),
        (np.True_, True),
        ("a", "a"),
        (None, None),
    ],
)
def test_same(got, want):
    assert difference(got, want) is None


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        (1.001, 1.0, "it is 1.001, not 1"),
        (np.array([1.0, 2.0 + 1e-9]), np.array([1.0, 2.0]), r"entry \[1\]"),
        (np.array([1.0, 2.001], np.float32), np.array([1.0, 2.0]), r"entry \[1\]"),
        (np.zeros((2, 3)), np.zeros((3, 2)), r"its shape is \(2, 3\), not \(3, 2\)"),
        (np.zeros((1, 2)), np.zeros(2), r"its shape is \(1, 2\), not \(2,\)"),
        (np.nan, 1.0, "it is nan, not 1"),
        (None, 1.0, "it is None, not 1.0"),
        ("1", 1.0, "it is '1', not 1.0"),
        (1, True, "it is 1, not True"),
        (np.array([1.0, 0.0]), np.array([True, False]), "its dtype is float64, not bool"),
        ([[1.0], [1.0, 2.0]], np.zeros((2, 2)), "different lengths"),
        (np.array(["a"]), np.zeros(1), "not an array"),
        (np.array([1 + 1j]), np.zeros(1), "not an array"),
        (5, ([1], 2), "not a sequence of 2"),
        ((1, 2), ([1], 2, 3), "it has 2 items, not 3"),
        (11.995059621, 11.995059623, "they differ by 2.0e-09"),
        (([1.0], 2.5), ([1.0], 2.0), "item 1: it is 2.5, not 2"),
    ],
)
def test_different(got, want, said):
    assert re.search(said, difference(got, want) or "no difference")


def test_tolerance_of_a_test_is_no_harder_on_float32():
    third = np.float32(1 / 3)
    assert difference(third, 1 / 3, 1e-9) is None
    assert difference(float(third), 1 / 3, 1e-9)
    assert difference(third, 1 / 3 + 1e-3, 1e-2) is None
    assert difference(third, 1 / 3 + 1e-3, 1e-9)


def test_gap():
    assert gap(np.array([1.0, 2.5]), np.array([1.0, 2.0])) == 0.5
    assert gap([[1, 2], 3.0], ([1, 2], 3.25)) == 0.25
    assert gap(np.zeros(2), np.zeros(3)) == np.inf
    assert gap(np.nan, 0.0) == np.inf
    assert gap("a", "b") == np.inf


# ---------------------------------------------------------------- calling


def module(**functions):
    made = types.ModuleType("made")
    vars(made).update(functions)
    return made


def test_arguments_are_copies_and_must_not_be_changed():
    def doubles(x):
        x *= 2
        return x

    x = np.ones(3)
    with pytest.raises(ChangedArgument, match="f changed its argument x; work on a copy"):
        Answers(module(f=doubles)).call("f", (x,))
    assert (x == 1).all()


def test_lists_of_arrays_are_plain_data():
    def empties(x):
        x.pop()

    answers = Answers(module(f=lambda x: x[0] + x[1], g=empties))
    assert answers.call("f", ([np.ones(2), np.ones(2)],)).tolist() == [2.0, 2.0]
    with pytest.raises(ChangedArgument, match="g changed its argument x"):
        answers.call("g", ([np.ones(2), np.ones(2)],))


def test_what_plain_data_cannot_say():
    answers = Answers(module(draw=lambda rng: rng.random(), count=lambda: iter(range(10**9))))
    assert (
        answers.call("draw", (Rng(7),))
        == answers.call("draw", (Rng(7),))
        == np.random.default_rng(7).random()
    )
    assert [int(i) for i in answers.call("count", (), take=3)] == [0, 1, 2]


def test_an_array_that_is_handed_out_twice_is_refused():
    def reuses_its_buffer():
        V = np.zeros(1)
        while True:
            yield V
            V += 1

    with pytest.raises(ReusedArray, match="f yields the same array again and again"):
        Answers(module(f=reuses_its_buffer)).call("f", (), take=3)


def test_missing_function():
    with pytest.raises(Missing, match="f is not defined in made"):
        Answers(module()).call("f", ())


# ---------------------------------------------------------------- a chapter made for these tests


class Made(Chapter):
    """A chapter of one exercise whose grader, answers and mistakes the test chooses."""

    def __init__(self, test, solution, *mutants):
        object.__setattr__(self, "name", "ch99_made")
        graded("99.1", points=1)(test)
        self_modules = {
            "test_exercises": module(EXERCISES=[Exercise("99.1", "f", 1, "add")], test=test),
            "solutions": module(f=solution),
            "mutants": module(**{m.__name__: m for m in mutants}),
        }
        object.__setattr__(self, "modules", self_modules)

    def module(self, which):
        return self.modules[which]


def right(x):
    return x + 1.0


@mutant("f", "you subtracted where you should add.")
def subtracts(x):
    return x - 1.0


def grader(student, rng):
    student.check("f", rng.normal(size=2))


def blind_grader(student, rng):
    student.call("f", np.zeros(2))


def test_feedback_names_the_mistake():
    chapter = Made(grader, right, subtracts)
    outcome = run(chapter, chapter.tests()[0], Answers(module(f=subtracts)))
    assert not outcome.passed
    assert outcome.mistakes == ("subtracts",)
    for part in (
        "Exercise 99.1, f:",
        "called  f(x) with",
        "came back",
        "you subtracted where you should add.",
    ):
        assert part in outcome.feedback


def test_a_failed_call_can_be_made_again():
    chapter = find_chapter("ch01")
    test = next(t for t in chapter.tests() if t.name == "test_estimate")
    calls = run(chapter, test, Answers(chapter.module("mutants")), instance=1, seed=3).calls
    args = again("ch01", "test_estimate", instance=1, seed=3)
    np.testing.assert_array_equal(args[0], calls[0].args[0])
    assert isinstance(args[-1], np.random.Generator)
    with pytest.raises(ValueError, match="call is 2; test_estimate makes 1 calls"):
        again("ch01", "test_estimate", call=2)
    with pytest.raises(ValueError, match="ch01_mdp has no graded test 'test_nothing'"):
        again("ch01", "test_nothing")


def test_several_possible_mistakes_are_offered_as_such():
    @mutant("f", "you multiplied by -1 somewhere, and then added 1.")
    def also(x):
        return x - 1.0

    chapter = Made(grader, right, subtracts, also)
    feedback = run(chapter, chapter.tests()[0], Answers(module(f=subtracts))).feedback
    assert "one of these known mistakes:\n  - you subtracted" in feedback


def test_unknown_mistake_gets_the_bare_facts():
    chapter = Made(grader, right, subtracts)
    outcome = run(chapter, chapter.tests()[0], Answers(module(f=lambda x: 3 * x)))
    assert outcome.mistakes == ()
    assert "entry [0] is" in outcome.feedback


def test_exception_shows_the_students_own_line():
    def divides(x):
        return x / None

    chapter = Made(grader, right, subtracts)
    outcome = run(chapter, chapter.tests()[0], Answers(module(f=divides)))
    assert "raised  TypeError" in outcome.feedback
    assert "return x / None" in outcome.feedback


def test_answer_that_cannot_be_used_is_wrong_and_no_crash():
    def adds_up(student, rng):
        student.claim(np.asarray(student.call("f", np.zeros(2)), float).sum() == 2, "the sum is not 2")

    chapter = Made(adds_up, right, subtracts)
    outcome = run(chapter, chapter.tests()[0], Answers(module(f=lambda x: [[1.0], [1.0, 2.0]])))
    assert not outcome.passed
    assert "it cannot be used: ValueError" in outcome.feedback


def test_broken_test_is_not_blamed_on_the_student():
    def broken(student, rng):
        raise KeyError("no instance")

    chapter = Made(broken, right, subtracts)
    with pytest.raises(KeyError):
        run(chapter, chapter.tests()[0], Answers(module(f=right)))


@pytest.mark.parametrize("alarm", [True, False])
def test_a_long_loop_is_stopped_where_the_system_can(alarm, monkeypatch):
    def takes_a_second(x):
        start = time.monotonic()
        while time.monotonic() < start + 1.0:
            pass
        return x - 1.0

    monkeypatch.setattr("chapters.harness.student.SECONDS", 0.2)
    if not alarm:
        monkeypatch.delattr("signal.SIGALRM", raising=False)  # as on Windows
    chapter = Made(grader, right, subtracts)
    outcome = run(chapter, chapter.tests()[0], Answers(module(f=takes_a_second)))
    said = "TimeoutError: no answer after 0.2 seconds: does a loop never end?" in outcome.feedback
    assert said == hasattr(signal, "SIGALRM")
    assert not outcome.passed


def test_a_chapter_is_read_without_pytest():
    code = "import sys; sys.modules['pytest'] = None; import chapters.ch01_mdp.mutants, chapters.ch01_mdp.solutions"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_blind_grader_is_found_out():
    assert "passes every test" in verdict(Made(blind_grader, right, subtracts), subtracts).complaint


def test_invisible_mistake_is_found_out():
    @mutant("f", "off by a hair, which a tolerance could hide.")
    def by_a_hair(x):
        return x + 1.0 + 1e-6

    assert (
        "differs from the solution by 1.0e-06 only"
        in verdict(Made(grader, right, by_a_hair), by_a_hair).complaint
    )


def test_mistake_caught_for_another_reason_is_found_out():
    calls = []

    @mutant("f", "gives another answer each time it is asked.")
    def fickle(x):
        calls.append(x)
        return x + 2.0 * len(calls)

    assert "is caught, but not named" in verdict(Made(grader, right, fickle), fickle).complaint


def test_doors():
    with pytest.raises(ValueError, match="points and instances must be at least 1"):
        graded("1.1", points=0)
    with pytest.raises(ValueError, match="there is no chapter 'ch77'; there are ch01_mdp"):
        find_chapter("ch77")
    with pytest.raises(ValueError, match=r"grades exercise 9\.9, which EXERCISES does not list"):
        find_chapter("ch01").exercise("9.9")


def test_kill_matrix_of_one_chapter(capsys):
    assert main(["ch01"]) == 0
    assert "exponents_from_one | test_return_by_hand (X)" in capsys.readouterr().out
    assert main(["ch77"]) == 2
    assert "there is no chapter" in capsys.readouterr().err


# ---------------------------------------------------------------- what a student sees, in a real pytest


def pytest_run(*arguments, processes=0):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", processes, *arguments]
    command = list(map(str, command))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_student_session(tmp_path):
    stub = (ROOT / "chapters/ch01_mdp/solutions.py").read_text(encoding="utf-8")
    mine = tmp_path / "mine.py"
    mine.write_text(
        stub.replace("gamma ** np.arange(len(reward))", "gamma ** np.arange(1, len(reward) + 1)", 1)
    )
    code, out = pytest_run("chapters/ch01_mdp", "--answers", mine)
    assert code == 1
    assert "This looks like a known mistake: the first reward is not discounted" in out
    assert "19 of 21 points" not in out
    assert "of 21 points (seed 0). This is a check, not the grade." in out


@pytest.mark.parametrize(
    ("option", "closing"), [("--solutions", "21 of 21 points"), ("--mutants", " passed in ")]
)
def test_lecturer_session(option, closing):
    code, out = pytest_run("chapters/ch01_mdp", option, "--seed", 5)
    assert code == 0
    assert closing in out


@pytest.mark.parametrize("processes", [0, 1])
def test_points_are_those_of_chapters_where_other_tests_run_beside_them(processes):
    code, out = pytest_run("tests/test_progress.py", "chapters/ch01_mdp", "--solutions", processes=processes)
    assert code == 0
    assert "21 of 21 points" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--solutions", "--mutants"), "exclude one another"),
        (("--seed", "-1"), "must be a whole number >= 0"),
        (("--answers", "nowhere.py"), "there is no file nowhere.py"),
    ],
)
def test_command_line_is_checked(arguments, said):
    code, out = pytest_run("chapters/ch01_mdp", *arguments)
    assert code == 4
    assert said in out


def test_broken_file_is_reported_not_a_crash(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    code, out = pytest_run("chapters/ch01_mdp", "--answers", broken)
    assert code == 1
    assert "cannot be imported: SyntaxError" in out
