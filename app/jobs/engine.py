"""What executes jobs: the one seam between the runner and processes, threads or other hosts.

The shape is that of `concurrent.futures`, cut down to what the runner needs, so that another
executor (Dask's `client.get_executor()`) fits behind it when one machine is too small.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.jobs.processes import kill_tree, tether

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class WorkerDiedError(Exception):
    """A worker process ended before its task did; `code` is its exit code, negative a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The worker process ended with code {code}.")
        self.code = code


class Engine(Protocol):
    """Runs functions elsewhere."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start `function(*args)`; the future fails with what it raises, or `WorkerDiedError`."""
        ...

    def release(self, future: Future[Any]) -> None:
        """Stop the task at once if it still runs, with every process that it started."""
        ...


@dataclass(slots=True)
class _Task:
    pool: Any
    announced: Connection
    pid: int | None = None

    def worker(self) -> int | None:
        try:
            while self.pid is None and self.announced.poll():
                self.pid = self.announced.recv()
        except (EOFError, OSError):  # it was killed before it could say who it is
            return None
        return self.pid


class PebbleEngine:
    """Runs each task in a fresh process of its own, on this machine.

    Each task gets a pool of one: a worker that is killed may hold its pool's lock, and torch and
    MuPDF are best forgotten after a job. A crash costs its own task only.
    """

    def __init__(self) -> None:
        self._tasks: dict[Future[Any], _Task] = {}

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start `function(*args)` in a new process; both must be picklable."""
        import multiprocessing

        from pebble import ProcessPool

        # spawn: the runner has threads, and a forked child could never use CUDA
        context = multiprocessing.get_context("spawn")
        announced, announce = context.Pipe(duplex=False)
        pool = ProcessPool(
            max_workers=1,
            initializer=_start_worker,
            initargs=(os.getpid(), announce),
            context=context,
        )
        inner = pool.schedule(function, args=args)
        announce.close()
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        inner.add_done_callback(lambda done: _hand_over(done, future))
        self._tasks[future] = _Task(pool, announced)
        return future

    def release(self, future: Future[Any]) -> None:
        """Kill what is left of the task's processes and stop its pool."""
        task = self._tasks.pop(future, None)
        if task is None:
            return
        task.pool.stop()  # before the kill, lest the pool starts another worker
        if (pid := task.worker()) is not None:
            kill_tree(pid, parent=os.getpid())
        task.pool.join()
        task.announced.close()


def _start_worker(parent: int, announce: Connection) -> None:
    tether(parent)
    announce.send(os.getpid())
    announce.close()


def _hand_over(done: Future[Any], future: Future[Any]) -> None:
    from concurrent.futures import BrokenExecutor, CancelledError

    from pebble import ProcessExpired

    if future.done():
        return
    try:
        future.set_result(done.result())
    except ProcessExpired as expired:
        future.set_exception(WorkerDiedError(expired.exitcode))
    except BrokenExecutor:  # it died before it took the task, and nobody says how: it was killed
        future.set_exception(WorkerDiedError(-signal.SIGKILL))
    except CancelledError as cancelled:
        future.set_exception(cancelled)
    except BaseException as error:
        future.set_exception(error)
