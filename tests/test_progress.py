"""The bar: silent where nobody watches, and no line of output left behind."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from rlcore.algorithms.td import q_learning
from rlcore.learning import progress
from rlcore.learning.progress import Progress, wanted
from rlcore.problems.gridworlds import walk


class Screen(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.fixture
def environ(monkeypatch):
    """No test and no CI around: an empty environment that pytest does not write to."""
    monkeypatch.setattr(progress, "os", SimpleNamespace(environ={}))
    return progress.os.environ


@pytest.fixture
def screen(environ, monkeypatch):
    """A terminal with somebody before it, out of the reach of pytest's capture."""
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=Screen(tty=True), modules={}))
    return progress.sys.stderr


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_who_wants_it(screen, environ):
    assert wanted()
    for name in ("CI", "PYTEST_CURRENT_TEST"):
        environ[name] = "yes"
        assert not wanted()
        environ["RLCORE_PROGRESS"] = "1"
        assert wanted()
        environ.clear()
    environ["RLCORE_PROGRESS"] = "0"
    assert not wanted()


def test_a_pipe_is_not_somebody_unless_a_notebook_listens(screen):
    screen.tty = False
    assert not wanted()
    progress.sys.modules["ipykernel"] = progress
    assert wanted()


def test_it_waits_two_seconds_then_draws_five_times_a_second(screen, clock):
    bar = Progress("episodes", 200)
    clock[0] += 1.9
    bar(10)
    assert screen.getvalue() == ""
    clock[0] += 0.2
    bar(50)
    assert screen.getvalue() == "\repisodes [########                      ]  25%"
    clock[0] += 0.1
    bar(60)
    assert screen.getvalue().count("\r") == 1
    clock[0] += 0.2
    bar(200)
    assert screen.getvalue().endswith("[##############################] 100%")
    bar.close()
    drawn, wiped = screen.getvalue().split("\r")[-3:-1]
    assert len(wiped) >= len(drawn)
    assert wiped.strip() == ""


def test_what_was_never_drawn_is_never_wiped(screen, clock):
    bar = Progress("episodes", 200)
    bar(100)
    bar.close()
    assert screen.getvalue() == ""


def test_a_learner_draws_it_and_cleans_up(screen, clock, monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.append(clock[-1] + 0.5) or clock[-1])
    q_learning(walk(), episodes=30, alpha=0.5, epsilon=0.1, gamma=1.0, rng=np.random.default_rng(0), runs=2)
    said = screen.getvalue()
    assert "episodes [" in said
    assert "100%" in said
    assert said.endswith(" \r")


def test_a_learner_is_silent_in_tests(capfd, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    q_learning(walk(), episodes=30, alpha=0.5, epsilon=0.1, gamma=1.0, rng=np.random.default_rng(0))
    assert capfd.readouterr() == ("", "")
