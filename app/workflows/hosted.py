"""The costly part of a job on other hosts: measuring on one, reading papers on all of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.message import Message, message
from app.errors import AssayError
from app.jobs.context import JobContext, JobFailedError, JobLostError
from app.jobs.hosts.address import SchedulerAddress
from app.jobs.hosts.reading import BATCH_BYTES, BATCH_FILES, read
from app.jobs.hosts.reasons import CodeDiffersError, HostsLostError

if TYPE_CHECKING:
    from app.jobs.hosts.measuring import Ended
    from app.jobs.hosts.work import Event

POLL_S = 0.2
AHEAD = 2
"""Batches that wait at each host beside the one it reads."""
Result = dict[str, Any]
Files = Sequence[tuple[str, bytes]]
"""Names and contents."""


class Story:
    """What became of a piece of work: the hosts that it was on, and why it left one."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.retries: list[Message] = []

    def hear(self, event: Event) -> None:
        """Take in what an engine tells."""
        if event.kind == "began":
            self.hosts.append(event.value)
        elif event.kind == "retried":
            self.retries.append(event.value)

    @property
    def host(self) -> str:
        """The host that it is, or was, on."""
        return self.hosts[-1] if self.hosts else "–"

    def ending(self, done: Message) -> Message:
        """Return the last word of work that was done, which says where and whether again."""
        if not self.retries:
            return message("{done} Host: {host}.", done=done, host=self.host)
        return message(
            "{done} Host: {host}, tried {tries} times ({why}).",
            done=done,
            host=self.host,
            tries=1 + len(self.retries),
            why=self.retries[-1],
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a job's outcome keeps of it."""
        return {"hosts": self.hosts, "retried": len(self.retries)}


def measure_on_host(
    context: JobContext,
    scheduler: SchedulerAddress,
    runs: Sequence[Sequence[str]],
    needs: Sequence[str],
    harness: Sequence[str],
    on_line: Callable[[int, str, str], object],
) -> tuple[list[Ended], Story]:
    """Run the harness with each list of arguments on one host that offers all that it `needs`.

    Its lines of progress go to `on_line` with the number of their run and the host, all else to
    the job's log. Raises `JobLostError` where the hosts stay away or all fail, `AssayError` where
    they have other code, `JobFailedError` where the process on the host died, `JobCancelledError`.
    """
    from app.jobs.hosts.engine import DaskEngine
    from app.jobs.hosts.measuring import measure

    story = Story()
    events: deque[Event] = deque()
    context.progress(0, None, message("Waiting for a host: {needs}.", needs=" + ".join(needs)))
    with DaskEngine(scheduler) as engine:
        future = engine.submit(measure, runs, harness, needs=needs, on_event=events.append)
        while not future.done():
            wait([future], POLL_S)
            while events:
                _tell(context, story, events.popleft(), on_line)
            context.stop_if_cancelled()
        while events:
            story.hear(events.popleft())
        if log := engine.log_of(future):
            with context.log_path.open("a", encoding="utf-8") as out:
                out.write(log)
        ended: list[Ended] = _result(future, story.to_json())
        return ended, story


def _tell(
    context: JobContext, story: Story, event: Event, on_line: Callable[[int, str, str], object]
) -> None:
    story.hear(event)
    if event.kind == "progress":
        on_line(int(event.value["run"]), str(event.value["line"]), story.host)
    elif event.kind == "began":
        context.progress(0, None, message("At work on {host}", host=event.value))
    elif event.kind in ("waiting", "busy"):
        context.progress(0, None, event.value)
    else:
        context.progress(0, None, message("To be done again: {why}.", why=event.value))


def _result(future: Future[Any], outcome: Mapping[str, Any]) -> Any:
    from app.jobs.engine import WorkerDiedError

    try:
        return future.result()
    except HostsLostError as lost:
        raise JobLostError(lost.reason, dict(outcome)) from lost
    except CodeDiffersError as differs:
        raise AssayError(differs.reason) from differs
    except WorkerDiedError as died:
        told = message(
            "The process on the host ended with code {code}: perhaps its memory ran out.",
            code=died.code,
        )
        raise JobFailedError(told, dict(outcome)) from died


def read_on_hosts(
    paths: Iterator[str],
    scheduler: SchedulerAddress,
    *,
    target: str,
    targets: Path,
    should_stop: Callable[[], bool] = lambda: False,
    on_retry: Callable[[Message], None] = lambda why: None,
    on_wait: Callable[[Message], None] = lambda why: None,
) -> Iterator[Result]:
    """Yield the analysis of each file, as `analyzers.isolation.analyze_files` does, in any order.

    The hosts get the files' bytes and this machine's own target files, in batches that grow. A
    batch whose host went away is read by another; one whose process there died has a second try.
    `on_wait` hears why nothing is read for now.
    Raises `JobLostError` when the hosts stay away, `AssayError` when they have other code; what was
    yielded by then stays.
    """
    from app.jobs.hosts.engine import DaskEngine

    def hear(event: Event) -> None:
        if event.kind == "retried":
            on_retry(event.value)
        elif event.kind == "waiting":  # that some wait while others are read needs no word
            waits.append(event.value)

    own_targets = [(path.name, path.read_bytes()) for path in sorted(targets.glob("*.toml"))]
    batches = _batches(paths)
    waits: deque[Message] = deque(maxlen=1)
    with DaskEngine(scheduler) as engine:
        begun: dict[Future[Any], Files] = {}
        again: set[str] = set()
        more = True

        def begin(files: Files) -> None:
            contents = [(Path(name).name, content) for name, content in files]
            begun[engine.submit(read, contents, target, own_targets, on_event=hear)] = files

        while not should_stop():
            while more and len(begun) < max(1, engine.host_count) * (1 + AHEAD):
                batch = next(batches, None)
                if batch is None:
                    more = False
                    break
                files, unread = _contents(batch)
                yield from unread
                if files:
                    begin(files)
                if any(future.done() for future in begun):
                    break  # the next batch may take long to come, and results are not to wait
            if not begun and not more:
                return
            done, _ = wait(begun, POLL_S, FIRST_COMPLETED)
            while waits:
                on_wait(waits.popleft())
            for future in done:
                files = begun.pop(future)
                names = [name for name, _ in files]
                results = _read_by(future, names)
                engine.release(future)
                if _died(future) and names[0] not in again:
                    again.add(names[0])
                    begin(files)
                    continue
                for name, result in zip(names, results, strict=True):
                    yield result | {"source": name}


def _died(future: Future[Any]) -> bool:
    from app.jobs.engine import WorkerDiedError

    return isinstance(future.exception(), WorkerDiedError)


def _read_by(future: Future[Any], names: Sequence[str]) -> list[Result]:
    from analyzers.errors import ErrorKind
    from analyzers.isolation import failure

    if _died(future):
        # Its parsers run in children of their own, so it was the host that ended it.
        told = message("The host ended the process that read this file: add it again.")
        return [failure(name, ErrorKind.CANCELLED, told) for name in names]
    results: list[Result] = _result(future, {})
    return results


def _batches(paths: Iterator[str]) -> Iterator[list[str]]:
    """Cut the paths into batches: small ones first, so that every host soon has one."""
    most, batch, size = 1, [], 0
    began = time.monotonic()
    for path in paths:
        batch.append(path)
        size += _size(path)
        if len(batch) >= most or size >= BATCH_BYTES or time.monotonic() - began > 1.0:
            yield batch
            most, batch, size = min(2 * most, BATCH_FILES), [], 0
            began = time.monotonic()
    if batch:
        yield batch


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _contents(batch: Sequence[str]) -> tuple[Files, list[Result]]:
    """Return the files' bytes, and a failure for each that can't be read."""
    from analyzers.errors import ErrorKind
    from analyzers.isolation import failure

    files: list[tuple[str, bytes]] = []
    unread = []
    for name in batch:
        try:
            files.append((name, Path(name).read_bytes()))
        except OSError as error:
            told = message("The file cannot be opened: {why}.", why=error.strerror)
            unread.append(failure(name, ErrorKind.UNREADABLE, told))
    return files, unread
