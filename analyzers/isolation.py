"""Analysis in children that can be killed: a file that crashes, hangs or grows costs itself only.

The standard pool dies with one crash of a worker and can't stop a task, hence `pebble`. Workers are
spawned afresh (never forked from a process with threads), limited in memory and CPU time, replaced
after some files, and killed by the kernel when the parent dies.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from importlib import import_module
from pathlib import Path
from typing import Any

from analyzers.errors import ErrorKind

MEMORY_BYTES = 2 << 30
TIMEOUT_S = 60.0
FILES_PER_WORKER = 40
_POLL_S = 0.05
_AHEAD = 3
_PR_SET_PDEATHSIG = 1

Result = dict[str, Any]


def analyze_files(
    paths: Sequence[Path | str],
    *,
    target: str = "llama.cpp",
    targets: Path | None = None,
    workers: int | None = None,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    ordered: bool = True,
    on_result: Callable[[Result], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """Yield the analysis of each file: the contract's JSON, or {"source", "error"}.

    Results come in the order of `paths`, or as they are done with `ordered=False`; `on_result` is
    called with each in the caller's thread, just before it is yielded. Closing the iterator, or
    `should_stop` turning true, kills the children at once; files not yet done are then not yielded.
    Raises `analyzers.targets.TargetError` for an unknown target before anything starts.
    """
    from analyzers.targets import load_target

    load_target(target, targets)
    files = [str(path) for path in paths]
    return _run(
        files,
        (target, str(targets) if targets else None, timeout_s),
        max(1, min(workers or os.cpu_count() or 1, len(files) or 1)),
        timeout_s,
        memory_bytes,
        ordered,
        on_result,
        should_stop,
    )


def _run(
    files: list[str],
    settings: tuple[str, str | None, float],
    workers: int,
    timeout_s: float,
    memory_bytes: int,
    ordered: bool,
    on_result: Callable[[Result], None] | None,
    should_stop: Callable[[], bool],
) -> Iterator[Result]:
    if not files:
        return
    from multiprocessing import get_context

    pebble: Any = import_module("pebble")  # partly untyped
    pool = pebble.ProcessPool(
        max_workers=workers,
        max_tasks=FILES_PER_WORKER,
        initializer=_prepare_child,
        initargs=(os.getpid(), memory_bytes),
        context=get_context("spawn"),
    )
    waiting: deque[str] = deque(files)
    running: deque[tuple[str, Future[Result]]] = deque()
    try:
        while (waiting or running) and not should_stop():
            while waiting and len(running) < workers + _AHEAD:
                path = waiting.popleft()
                future = pool.schedule(_analyze, args=(path, *settings), timeout=timeout_s)
                running.append((path, future))
            done = _next_done(running, ordered)
            if done is None:
                time.sleep(_POLL_S)
                continue
            result = _outcome(*done, timeout_s)
            if on_result is not None:
                on_result(result)
            yield result
    finally:
        pool.stop()
        pool.join()


def _next_done(
    running: deque[tuple[str, Future[Result]]], ordered: bool
) -> tuple[str, Future[Result]] | None:
    for place, (_, future) in enumerate(running):
        if future.done():
            item = running[place]
            del running[place]
            return item
        if ordered:
            return None
    return None


def _outcome(path: str, future: Future[Result], timeout_s: float) -> Result:
    import pebble

    try:
        return future.result(timeout=0)
    except FutureTimeout:
        return failure(
            path,
            ErrorKind.TIMEOUT,
            f"Reading took longer than {timeout_s:g} s and was stopped. The file may be a bomb.",
        )
    except pebble.ProcessExpired as error:
        return _died(path, error.exitcode)
    except Exception as error:
        return failure(
            path, ErrorKind.CRASH, f"The analysis failed on this file ({type(error).__name__})."
        )


_MEMORY_EXIT = 117
_MEMORY = "Reading needed more memory than it may take. The file may be a bomb."


def _died(path: str, exitcode: int | None) -> Result:
    code = exitcode if exitcode is not None else 0
    if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
        return failure(path, ErrorKind.TIMEOUT, "Reading used up its CPU time and was stopped.")
    if code == _MEMORY_EXIT:
        return failure(path, ErrorKind.MEMORY, _MEMORY)
    try:
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        name = f"exit code {code}"
    return failure(
        path,
        ErrorKind.CRASH,
        f"The parser crashed on this file ({name}): it is damaged, or it asks for too much memory.",
    )


def failure(source: str, kind: ErrorKind, message: str) -> Result:
    """Return the contract's record of a file that gave no analysis."""
    return {"source": source, "error": {"kind": kind.value, "message": message}}


def _analyze(path: str, target: str, targets: str | None, timeout_s: float) -> Result:
    """Run in the child."""
    from analyzers.analysis import analyze_file

    _limit_cpu(timeout_s)
    try:
        return analyze_file(Path(path), target, Path(targets) if targets else None)
    except MemoryError:
        # what the parser holds doesn't come back: the next file gets a fresh worker
        os._exit(_MEMORY_EXIT)
    except Exception as error:
        return failure(
            path, ErrorKind.CRASH, f"The analysis failed on this file ({type(error).__name__})."
        )


def _prepare_child(parent: int, memory_bytes: int) -> None:
    """Tie the child's life to the parent's and limit what it may take."""
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # a handler written in Python would wait for MuPDF's C code to come back: die at once
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent)
    _quiet()
    try:
        import resource
    except ImportError:  # Windows has no such limits; the wall clock stays
        return
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_FSIZE, 0),  # a parser has nothing to write
    ):
        _, hard = resource.getrlimit(what)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):
            continue


def _limit_cpu(timeout_s: float) -> None:
    """Give this file its CPU time, on top of what the worker used for earlier ones."""
    try:
        import resource
    except ImportError:
        return
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + timeout_s) + 2, hard))


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)


def _quiet() -> None:
    """Send what C libraries print to nowhere: a paper's bytes have no business on a terminal."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(sink, stream)
    os.close(sink)
