"""Analysis in children that can be killed: a file that crashes, hangs or grows costs itself only.

The standard pool dies with one crash of a worker and can't stop a task, hence `pebble`. Workers are
spawned afresh (never forked from a process with threads), confined (`analyzers.confinement`),
replaced after some files, and killed by the kernel when the parent dies.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from analyzers.answers import ChildContext, packed, unpacked
from analyzers.children import Begun, Children
from analyzers.confinement import MEMORY_BYTES, confine, limit_cpu, silence
from analyzers.errors import ErrorKind, ReadError, error_record, reason_of
from analyzers.message import Message, message

TIMEOUT_S = 60.0
FILES_PER_WORKER = 40
_POLL_S = 0.05
_AHEAD = 3
_MOST_HELD = 500
"""Results that may wait for one file that takes long, where they shall come in order."""
_MOST_NAMED = 2000

Result = dict[str, Any]


def analyze_files(
    paths: Iterable[Path | str],
    *,
    readable: Sequence[Path] | None = None,
    target: str = "llama.cpp",
    targets: Path | None = None,
    workers: int | None = None,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    ordered: bool = True,
    should_stop: Callable[[], bool] = lambda: False,
    texts: bool = False,
) -> Iterator[Result]:
    """Yield the analysis of each file: the contract's JSON, or {"source", "error"}.

    With `texts` each analysis has the file's text by page as well (see `analyze_file`).

    Results come in the order of `paths`, or as they are done with `ordered=False`. Closing the
    iterator, or `should_stop` turning true, kills the children at once; files not yet done are then
    not yielded.
    Raises `analyzers.targets.TargetError` for an unknown target before anything starts.

    With `readable` (the files' folders) `paths` may be an iterator that is still at work, such as
    one that downloads: a file is asked for only when there is a place for it.
    """
    from analyzers.targets import load_target

    load_target(target, targets)
    most = max(1, workers or os.cpu_count() or 1)
    if readable is None:
        files = [str(path) for path in paths]
        readable = _readable(files)
        most = min(most, len(files) or 1)
        names = iter(files if ordered else _largest_first(files))
    else:
        names = (str(path) for path in paths)
    batch = _Batch(
        readable=[*readable, *([targets.absolute()] if targets else [])],
        settings=(target, str(targets) if targets else None, timeout_s, texts),
        workers=most,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        ordered=ordered,
    )
    return _run(names, batch, should_stop)


@dataclass(frozen=True, slots=True)
class _Batch:
    """How the files of one call are read."""

    readable: Sequence[Path]
    settings: tuple[str, str | None, float, bool]
    """What a child is told with each file: target, folder of targets, seconds, texts."""
    workers: int
    timeout_s: float
    memory_bytes: int
    ordered: bool


def _run(files: Iterator[str], batch: _Batch, should_stop: Callable[[], bool]) -> Iterator[Result]:
    first = next(files, None)
    if first is None:
        return
    children = Children(lambda: _pool(batch.workers, batch.memory_bytes, batch.readable))

    def begin(path: str) -> Future[Result]:
        future: Future[Result] = children.begin(
            _analyze, path, *batch.settings, timeout_s=batch.timeout_s
        )
        return future

    waiting: deque[str] = deque([first])
    begun: Begun = deque()
    try:
        while (waiting or begun) and not should_stop():
            children.revive(begun, begin)
            unfinished = {future for _, future in begun if not future.done()}
            # one at a time: the next file may take long to come, and results are not to wait for it
            has_room = len(unfinished) < batch.workers + _AHEAD and len(begun) < _MOST_HELD
            if begins := bool(waiting) and has_room:
                path = waiting.popleft()
                begun.append((path, begin(path)))
                waiting.extend(islice(files, 1))
            done = _next_done(begun, batch.ordered)
            if done is None:
                if not begins:
                    wait(unfinished, _POLL_S, FIRST_COMPLETED)
                continue
            yield _outcome(*done, batch.timeout_s)
    finally:
        children.close()


def _pool(workers: int, memory_bytes: int, readable: Sequence[Path]) -> Any:
    pebble: Any = import_module("pebble")  # partly untyped
    return pebble.ProcessPool(
        max_workers=workers,
        max_tasks=FILES_PER_WORKER,
        initializer=_prepare_child,
        initargs=(os.getpid(), memory_bytes, readable),
        context=ChildContext(),
    )


def run_in_child(
    function: Callable[[str], Any],
    path: str,
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> Any:
    """Return `function(path)`, run in a confined child of its own that may read that file alone.

    It returns what JSON can say. Raises the `ReadError` that the function raises, or one of
    timeout, memory or crash.
    """
    pool = _pool(1, memory_bytes, [Path(path).absolute()])
    try:
        future = pool.schedule(_with_limits, args=(function, path, timeout_s), timeout=timeout_s)
        wait([future])
        answer = _outcome(path, future, timeout_s)
        if isinstance(told := answer.get("error"), dict):
            raise ReadError(ErrorKind(told["kind"]), reason_of(told))
        return answer["result"]
    finally:
        pool.stop()
        pool.join()


def _with_limits(function: Callable[[str], Any], path: str, timeout_s: float) -> str:
    """Run in the child."""
    limit_cpu(timeout_s)
    try:
        return packed({"result": function(path)})
    except ReadError as error:
        return packed(failure(path, error.kind, error.reason))
    except MemoryError:
        os._exit(_MEMORY_EXIT)


def _readable(files: Sequence[str]) -> list[Path]:
    """Return what a worker may open: these files, or their folders where they are very many."""
    paths = [Path(name).absolute() for name in files]
    if len(paths) > _MOST_NAMED:
        paths = list({path.parent for path in paths})
    return paths


def _largest_first(files: Sequence[str]) -> list[str]:
    """Return the files so that no large one is left for the end, when the others have nothing."""

    def size(name: str) -> int:
        try:
            return Path(name).stat().st_size
        except OSError:
            return 0

    return sorted(files, key=size, reverse=True)


def _next_done(
    begun: deque[tuple[str, Future[Result]]], ordered: bool
) -> tuple[str, Future[Result]] | None:
    for place, (_, future) in enumerate(begun):
        if future.done():
            item = begun[place]
            del begun[place]
            return item
        if ordered:
            return None
    return None


def _outcome(path: str, future: Future[Result], timeout_s: float) -> Result:
    import pebble

    try:
        answer = unpacked(future.result(timeout=0))
        if not isinstance(answer, dict) or answer.get("source", path) != path:
            raise ValueError("a child answered for another file")
        return answer
    except FutureTimeout:
        return failure(
            path,
            ErrorKind.TIMEOUT,
            message(
                "Reading took longer than {seconds} s and was stopped. The file may be a bomb.",
                seconds=f"{timeout_s:g}",
            ),
        )
    except pebble.ProcessExpired as error:
        return _died(path, error.exitcode)
    except Exception as error:
        return _failed_on(path, error)


_MEMORY_EXIT = 117


def _died(path: str, exitcode: int | None) -> Result:
    code = exitcode if exitcode is not None else 0
    if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
        return failure(
            path, ErrorKind.TIMEOUT, message("Reading used up its CPU time and was stopped.")
        )
    if code == _MEMORY_EXIT:
        return failure(
            path,
            ErrorKind.MEMORY,
            message("Reading needed more memory than it may take. The file may be a bomb."),
        )
    try:
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        name = f"exit code {code}"
    return failure(
        path,
        ErrorKind.CRASH,
        message(
            "The parser crashed on this file ({signal}): it is damaged, or it asks for too much"
            " memory.",
            signal=name,
        ),
    )


def failure(source: str, kind: ErrorKind, reason: Message) -> Result:
    """Return the contract's record of a file that gave no analysis."""
    return {"source": source, "error": error_record(kind, reason)}


def _failed_on(path: str, error: Exception) -> Result:
    reason = message("The analysis failed on this file ({error}).", error=type(error).__name__)
    return failure(path, ErrorKind.CRASH, reason)


def _analyze(path: str, target: str, targets: str | None, timeout_s: float, texts: bool) -> str:
    """Run in the child."""
    from analyzers.analysis import analyze_file

    limit_cpu(timeout_s)
    try:
        folder = Path(targets) if targets else None
        return packed(analyze_file(Path(path), target, folder, texts=texts))
    except MemoryError:
        # what the parser holds doesn't come back: the next file gets a fresh worker
        os._exit(_MEMORY_EXIT)
    except Exception as error:
        return packed(_failed_on(path, error))


def _prepare_child(parent: int, memory_bytes: int, readable: Sequence[Path]) -> None:
    """Run in the child, once: nothing to write, and only these files to read."""
    silence(1, 2)
    # what a paper leaves behind is freed by its references; looking for cycles took 4 % of the time
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    confine(parent, memory_bytes=memory_bytes, readable=readable)
