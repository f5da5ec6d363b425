"""Workers: the same answers from every executor, in order, also when one dies; an error of a task is its own."""

import io
import multiprocessing
import os
import signal
import time
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rlcore.learning.progress import a_worker
from rlcore.learning.workers import InProcess, Workers, check_travels, in_process, lost

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
METHODS = [name for name in ("spawn", "fork") if name in multiprocessing.get_all_start_methods()]


def pool(method="spawn", n=2):
    return partial(ProcessPoolExecutor, n, mp_context=multiprocessing.get_context(method))


def draws(rng, n):
    """The stream comes with the task."""
    return rng.random(n).sum(), os.getpid(), a_worker()


def late(x, seconds):
    time.sleep(seconds)
    return x


def die_once(x, flag):
    """The end of its process where the flag is up; the flag goes down first."""
    if x == 1 and Path(flag).exists():
        Path(flag).unlink()
        os.kill(os.getpid(), KILL)
    return 10 * x


def die(x):
    if x == 1:
        os.kill(os.getpid(), KILL)
    return 10 * x


def refuse(x, log):
    """An error of the task's own; the log counts the calls."""
    with Path(log).open("a") as file:
        file.write("x")
    raise ValueError(f"x is {x}; it must be something else")


# ---------------------------------------------------------------- the same answers


@pytest.mark.parametrize("method", METHODS)
def test_every_executor_gives_the_same_answers(method):
    tasks = [(np.random.default_rng(seed), 1000) for seed in range(4)]
    with Workers(in_process) as here, Workers(pool(method)) as there:
        near, far = (
            here(draws, [(np.random.default_rng(seed), n) for seed, (_, n) in enumerate(tasks)]),
            there(draws, tasks),
        )
    assert [answer for answer, _, _ in near] == [answer for answer, _, _ in far]
    assert {pid for _, pid, _ in near} == {os.getpid()}
    assert os.getpid() not in {pid for _, pid, _ in far}
    assert {worker for _, _, worker in near} == {False}
    assert {worker for _, _, worker in far} == {True}  # such processes draw no bars


def test_answers_come_in_the_order_of_the_tasks():
    with Workers(partial(ThreadPoolExecutor, 3)) as workers:
        assert workers(late, [("first", 0.2), ("second", 0.1), ("third", 0.0)]) == [
            "first",
            "second",
            "third",
        ]


def test_no_tasks_no_answers():
    assert Workers()(late, []) == []


def test_the_bar_hears_of_every_task():
    heard = []
    Workers()(late, [(x, 0.0) for x in range(3)], heard.append)
    assert heard == [1, 2, 3]


# ---------------------------------------------------------------- workers that die


@pytest.mark.parametrize("method", METHODS)
def test_a_task_whose_worker_died_is_sent_again(method, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    with Workers(pool(method)) as workers:
        first = workers.executor
        assert workers(die_once, [(x, str(flag)) for x in range(4)]) == [0, 10, 20, 30]
        assert 1 <= workers.resubmitted <= 4  # those that were done by then are kept
        assert workers.executor is not first
        assert workers(die_once, [(x, str(flag)) for x in range(2)]) == [0, 10]  # the new pool goes on
    assert not flag.exists()


@pytest.mark.parametrize("tries", [1, 2])
def test_a_task_that_keeps_dying_is_an_error(tries):
    with Workers(pool(METHODS[-1]), tries=tries) as workers:
        with pytest.raises(RuntimeError, match=rf"tasks \[.*1.*\] of 2 were lost .* {tries} times: .* die "):
            workers(die, [(0,), (1,)])
        assert workers(die, [(0,), (2,)]) == [0, 20]


def test_lost_tasks_are_counted_and_executors_closed():
    """Three of four tasks are lost with every executor, the fourth is done: two tries make six lost tasks."""
    made = []

    class Frail(InProcess):
        closed = False

        def submit(self, task, /, *args, **kwargs):
            if args[-1] < 3:
                raise BrokenExecutor("gone")
            return super().submit(task, *args, **kwargs)

        def shutdown(self, wait=True, *, cancel_futures=False):
            self.closed = True

    def factory():
        made.append(Frail())
        return made[-1]

    workers = Workers(factory, tries=2)
    with pytest.raises(RuntimeError, match=r"tasks \[0, 1, 2\] of 4 were lost with their workers 2 times"):
        workers(abs, [(x,) for x in range(4)])
    assert workers.resubmitted == 6
    assert [executor.closed for executor in made] == [True, True, False]


def test_a_pool_that_broke_between_two_tasks_is_replaced():
    """Submitting to it is an error at once; the task is none the wiser."""
    with Workers(pool(METHODS[-1])) as workers:
        broken = workers.executor
        with pytest.raises(BrokenExecutor):
            broken.submit(die, 1).result()
        assert workers(die, [(0,), (2,)]) == [0, 20]
        assert workers.executor is not broken


@pytest.mark.parametrize("factory", [in_process, pool(METHODS[-1], 1)])
def test_an_error_of_the_task_is_raised_and_not_tried_again(factory, tmp_path):
    with Workers(factory) as workers, pytest.raises(ValueError, match="x is 3; it must be"):
        workers(refuse, [(3, str(tmp_path / "log"))])
    assert (tmp_path / "log").read_text() == "x"
    assert workers.resubmitted == 0


def test_in_this_process_an_error_does_not_wait_for_the_other_tasks(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ValueError, match="x is 0"):
        Workers()(refuse, [(x, str(log)) for x in range(5)])
    assert log.read_text() == "x"


def test_what_counts_as_a_death():
    class KilledWorker(Exception):
        """Dask's has this name."""

    assert all(map(lost, [BrokenExecutor(), CancelledError(), KilledWorker()]))
    assert not any(map(lost, [ValueError(), RuntimeError(), MemoryError(), TimeoutError()]))


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (in_process(), r"executor is <.*>; it must be a function that makes an Executor"),
        (None, "executor is None"),
        (dict, r"executor\(\) gives \{\}; it must be a function that makes an Executor"),
    ],
)
def test_what_is_no_factory_is_refused(factory, message):
    with pytest.raises(ValueError, match=message):
        Workers(factory)


@pytest.mark.parametrize("tries", [0, -1, 1.5, True, None])
def test_tries_are_counted_from_1(tries):
    with pytest.raises(ValueError, match=r"^tries is "):
        Workers(in_process, tries)


def test_what_cannot_travel_is_refused_by_name():
    check_travels(a=np.zeros(3), b=draws, c=np.random.default_rng(0))
    for thing in (lambda x: x, io.TextIOWrapper(io.BytesIO()), (x for x in "ab")):
        with pytest.raises(ValueError, match=r"^b cannot be sent to another process"):
            check_travels(a=1, b=thing)
