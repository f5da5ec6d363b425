"""Workers: the same tasks in this process, in other processes, on other machines, and the same answers.

    with Workers(partial(ProcessPoolExecutor, 4)) as workers:
        answers = workers(task, [(x0, y0), (x1, y1)])          [task(x0, y0), task(x1, y1)]

A factory is a function without arguments that makes an executor of concurrent.futures:

    in_process                                   here, at once
    partial(ProcessPoolExecutor, 4)              four processes of this machine
    lambda: client.get_executor()                the workers of a dask.distributed Client

A task is a function of a module, and pure: it changes neither its arguments nor anything else, and it brings
its own random stream along. So it does not matter where it runs, nor how often: when a worker dies, its task
is sent out again with the same arguments, and nobody can tell from the answer.

One thing does differ between processes: products of matrices that run on several threads may round otherwise
than on one. Workers of Dask have one thread; with OMP_NUM_THREADS=1 so does everyone, and the bits agree.
Products of 64 x 64 x 64 or less run on one thread anyway, with the OpenBLAS that comes with NumPy.

Left out: tasks that wait for each other, workers that keep something between two tasks; a process that dies while
it hands over its answer. Half of a message is in the pipe then, and ProcessPoolExecutor waits for the other half.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from itertools import count
from types import TracebackType
from typing import Any, TypeAlias

from rlcore.problems.doors import check_count

Factory: TypeAlias = Callable[[], Executor]


class InProcess(Executor):
    """An executor that runs a task the moment it is submitted, in this process."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def in_process() -> Executor:
    """The factory of executors that need no worker."""
    return InProcess()


class Workers:
    """Answers of tasks, in the order of the tasks, whoever finished first.

    tries           how often a task may be lost with its worker before that is an error
    resubmitted     how many tasks were sent out again so far

    A pool of processes breaks with one of them, and every task under way is lost: the factory makes another.
    Dask first tries by itself; when it gives up, the count of `tries` begins.
    Raises ValueError for a factory that is none and for tries < 1, RuntimeError for a task lost `tries` times,
    and whatever a task raises: an error of the task itself would come again, so it is not tried again.
    """

    def __init__(self, factory: Factory = in_process, tries: int = 3) -> None:
        check_count("tries", tries, 1)
        if not callable(factory):
            raise ValueError(f"executor is {factory!r}; {ADVICE}")
        self.factory, self.tries, self.resubmitted = factory, tries, 0
        self.executor = self._made()

    def __call__(
        self,
        task: Callable[..., Any],
        arguments: Sequence[tuple[Any, ...]],
        bar: Callable[[int], None] = lambda done: None,
    ) -> list[Any]:
        """[task(*each) for each in arguments];   bar(n) when n tasks are done"""
        finished = count(1)
        answers: dict[int, Any] = {}
        missing, reason = list(range(len(arguments))), None
        for attempt in range(self.tries):
            futures = []
            for i in missing:
                futures.append(self._submit(attempt, task, arguments[i]))
                futures[-1].add_done_callback(lambda _: bar(next(finished)))
            for i, future in zip(missing, futures):
                try:
                    answers[i] = future.result()
                except Exception as error:
                    if not lost(error):
                        raise
                    reason = error
            missing = [i for i in missing if i not in answers]
            if not missing:
                return [answers[i] for i in range(len(arguments))]
            self.resubmitted += len(missing)
            self.executor.shutdown()
            self.executor = self._made()
        raise RuntimeError(
            f"tasks {missing} of {len(arguments)} were lost with their workers {self.tries} times: "
            f"something in {getattr(task, '__name__', task)} ends the process it runs in, or no process can "
            'start: functions must stand in a module, and a script needs `if __name__ == "__main__":`'
        ) from reason

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.executor.shutdown()

    def _made(self) -> Executor:
        executor = self.factory()
        if not isinstance(executor, Executor):
            raise ValueError(f"executor() gives {executor!r}; {ADVICE}")
        return executor

    def _submit(self, attempt: int, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        """A future; where the pool broke a moment ago, one that says so.

        Dask knows a task by its function and arguments, and remembers how it ended. A second attempt is another
        function of other arguments.
        """
        try:
            again = (once_more, attempt, task) if attempt else (task,)
            future = self.executor.submit(*again, *arguments)
            if future.done():
                future.result()  # an error need not wait until all others are done
        except Exception as error:
            if not lost(error):
                raise
            future = Future()
            future.set_exception(error)
        return future


def once_more(attempt: int, task: Callable[..., Any], *arguments: Any) -> Any:
    """The task; `attempt` is there to make a difference."""
    return task(*arguments)


ADVICE = "it must be a function that makes an Executor: in_process, partial(ProcessPoolExecutor, 4)"


def lost(error: BaseException) -> bool:
    """Whether the worker died, and not the task failed.

    A pool says BrokenExecutor, Dask says KilledWorker (known by its name: rlcore does not depend on Dask), and
    a task that was dropped with its worker is cancelled.
    """
    return isinstance(error, (BrokenExecutor, CancelledError)) or type(error).__name__ == "KilledWorker"


def check_travels(**what: Any) -> None:
    """Raise ValueError for what cannot be sent to another process, naming the argument.

    Functions must stand in a module: a lambda, or a function made inside another one, stays where it is.
    """
    for name, thing in what.items():
        try:
            pickle.dumps(thing)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{name} cannot be sent to another process ({error}); "
                "give functions that stand in a module, and no open files or live environments"
            ) from None
