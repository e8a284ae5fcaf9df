"""The loop that works through the jobs of one catalog.

Several jobs may run side by side, but a benchmark runs alone: jobs are taken strictly in the order
they came, so a benchmark waits until the machine is free and what comes after it waits for it.
"Kernel incorrect" is a benchmark's result; `failed` means that the job itself could not be done.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzers.message import Message, message
from app.jobs.context import run_task
from app.jobs.engine import Engine as Executor
from app.jobs.engine import WorkerDiedError
from app.jobs.lease import HEARTBEAT_S, IDLE_S
from app.jobs.tasks import KINDS, kind_of
from db.dialects import POSTGRES
from db.engine import session_scope
from db.errors import LockedError, UnreachableError
from db.patience import PATIENCE_S
from db.queries import jobs
from db.queries.abandoned import begun_again

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.models import Job

CANCEL_GRACE_S = 0.9
"""How long a cancelled job may take to stop by itself."""
SIDE_BY_SIDE = 2
HOSTED_SIDE_BY_SIDE = 8
"""The same where the work itself is done on other hosts."""
HOSTED_PATIENCE = 6
"""Times a job's usual time limit, which there holds its wait for a host too."""
STOPPED = message("Assay's background process was stopped before this was finished.")


class OustedError(Exception):
    """Another runner holds the catalog: this one was taken for dead."""


@dataclass(slots=True)
class _Verdict:
    state: str
    outcome: dict[str, Any] | None = None
    message: Message | None = None


@dataclass(slots=True)
class _Running:
    id: str
    exclusive: bool
    future: Future[Any]
    deadline: float
    timeout_s: float
    begun_again: int = 0
    cancel_by: float | None = None
    verdict: _Verdict | None = None
    """Kept until the catalog has it: a locked database delays it, and no more."""


class JobLoop:
    """Claims queued jobs, feeds them to an executor, and writes down how they end.

    `forget(job_id)` is called when a job is over, to end processes that it left behind. `hosted`
    says that the costly part of each job is done on other hosts.
    """

    def __init__(
        self,
        database: Engine,
        executor: Executor,
        token: str,
        *,
        forget: Callable[[str], object] = lambda job_id: None,
        clock: Callable[[], float] = time.monotonic,
        idle_s: float = IDLE_S,
        hosted: bool = False,
    ) -> None:
        self.database = database
        self.executor = executor
        self.token = token
        self.forget = forget
        self.clock = clock
        self.idle_s = idle_s
        self.hosted = hosted
        self.running: list[_Running] = []
        self._beat_at = clock()
        self._busy_at = clock()
        self._away_since: float | None = None

    def tick(self) -> bool:
        """Do what is due; return False when there is nothing left to do and the lease is given up.

        Raises `OustedError`. A busy catalog is tried again at the next tick, and so is one whose
        server is away, for `PATIENCE_S`: what runs goes on meanwhile. Then `UnreachableError`.
        """
        try:
            with contextlib.suppress(LockedError):
                self._beat()
                self._settle()
                active = self._active()
                self._adopt(active)
                self._watch(active)
                self._settle()
                self._claim(active)
                self._away_since = None
                return not self._leave()
        except UnreachableError:
            now = self.clock()
            self._away_since = now if self._away_since is None else self._away_since
            has_server = self.database.dialect.name == POSTGRES
            if not has_server or now - self._away_since > PATIENCE_S:
                raise
        return True

    def stop(self) -> None:
        """Kill what runs and mark it lost: a retry is offered, nothing is cancelled silently."""
        for running in self.running:
            if running.verdict is None:
                self._end(running, _Verdict("lost", message=STOPPED))
        self._settle()
        with session_scope(self.database) as session:
            jobs.runner_release(session, self.token)

    def abandon(self) -> None:
        """Kill what runs and write nothing: the catalog belongs to another runner now."""
        for running in self.running:
            self.executor.release(running.future)
            self.forget(running.id)
        self.running.clear()

    def _beat(self) -> None:
        if self.clock() - self._beat_at < HEARTBEAT_S:
            return
        with session_scope(self.database) as session:
            if not jobs.runner_heartbeat(session, self.token):
                raise OustedError
        self._beat_at = self.clock()

    def _active(self) -> list[Job]:
        with session_scope(self.database) as session:
            return list(jobs.list_active(session))

    def _adopt(self, active: list[Job]) -> None:
        """Begin what was claimed though nobody heard of it: the connection broke in the commit."""
        begun = {running.id for running in self.running}
        for job in active:
            if job.state == "running" and job.owner == self.token and job.id not in begun:
                self.running.append(self._start(job, exclusive=self._is_exclusive(job)))

    def _watch(self, active: list[Job]) -> None:
        asked = {job.id for job in active if job.cancel_requested}
        now = self.clock()
        for running in self.running:
            if running.verdict:
                continue
            if running.id in asked and running.cancel_by is None:
                running.cancel_by = now + CANCEL_GRACE_S
            if running.future.done():
                cancelled = running.cancel_by is not None
                self._end(running, _verdict_of(running.future, cancelled=cancelled))
            elif running.cancel_by is not None and now >= running.cancel_by:
                self._end(running, _Verdict("cancelled"))
            elif now >= running.deadline:
                self._end(running, _Verdict("timed_out", message=_overdue(running.timeout_s)))

    def _end(self, running: _Running, verdict: _Verdict) -> None:
        # Every process is gone before the catalog says that the job is over.
        self.executor.release(running.future)
        self.forget(running.id)
        running.verdict = verdict
        self._busy_at = self.clock()

    def _settle(self) -> None:
        for running in [running for running in self.running if running.verdict]:
            assert running.verdict is not None
            verdict = _told_of_again(running.verdict, running.begun_again)
            with session_scope(self.database) as session:
                jobs.finish(
                    session,
                    running.id,
                    self.token,
                    verdict.state,
                    outcome=verdict.outcome,
                    message=verdict.message.to_json() if verdict.message else None,
                )
            self.running.remove(running)

    def _claim(self, active: list[Job]) -> None:
        for job in (job for job in active if job.state == "queued"):
            exclusive = self._is_exclusive(job)
            if self.running and (exclusive or any(other.exclusive for other in self.running)):
                return
            if len(self.running) >= (HOSTED_SIDE_BY_SIDE if self.hosted else SIDE_BY_SIDE):
                return
            with session_scope(self.database) as session:
                claimed = jobs.claim(session, job.id, self.token)
            if claimed:  # else it was cancelled a moment ago
                self.running.append(self._start(job, exclusive=exclusive))

    def _is_exclusive(self, job: Job) -> bool:
        # On other hosts each device is held by the scheduler, one piece of work at a time.
        return job.kind in KINDS and KINDS[job.kind].exclusive and not self.hosted

    def _start(self, job: Job, *, exclusive: bool) -> _Running:
        try:
            kind = kind_of(job.kind)
            patience = HOSTED_PATIENCE if self.hosted else 1
            timeout_s = float(job.spec.get("timeout_s") or kind.timeout_s * patience)
            url = self.database.url.render_as_string(hide_password=False)
            future = self.executor.submit(
                run_task, kind.function, url, job.id, self.token, job.spec, job.asked_by
            )
        except Exception as error:  # a row of a newer Assay, or no process to be had
            timeout_s, future = 0.0, Future()
            future.set_exception(error)
        return _Running(
            job.id, exclusive, future, self.clock() + timeout_s, timeout_s, begun_again(job)
        )

    def _leave(self) -> bool:
        if self.running:
            self._busy_at = self.clock()
            return False
        if self.clock() - self._busy_at < self.idle_s:
            return False
        with session_scope(self.database) as session:
            return jobs.runner_release(session, self.token, only_if_idle=True)


def _verdict_of(future: Future[Any], *, cancelled: bool) -> _Verdict:
    try:
        result = future.result()
    except (CancelledError, WorkerDiedError) as error:
        if cancelled:
            return _Verdict("cancelled")
        return _Verdict("failed", {"error": str(error)}, _death(error))
    except Exception as error:
        return _Verdict("failed", {"error": f"{type(error).__name__}: {error}"})
    note = Message.from_json(result["message"]) if result.get("message") else None
    return _Verdict(result["state"], result["outcome"], note)


def _told_of_again(verdict: _Verdict, times: int) -> _Verdict:
    """Have the last word of a job that was done say that it took more than one runner."""
    if not times or verdict.state != "succeeded":
        return verdict
    outcome = {**(verdict.outcome or {}), "begun_again": times}
    told = message(
        "{done} Begun again after the background process died (times: {times}).",
        done=verdict.message or "",
        times=times,
    )
    return _Verdict(verdict.state, outcome, told)


def _overdue(timeout_s: float) -> Message:
    return message("Stopped: it took longer than {seconds} s.", seconds=round(timeout_s))


def _death(error: BaseException) -> Message:
    code = error.code if isinstance(error, WorkerDiedError) else 0
    if code == -signal.SIGKILL:
        return message("The worker was killed: perhaps the machine ran out of memory.")
    if code < 0:
        return message("The worker crashed ({signal}).", signal=_signal_name(-code))
    return message("The worker ended before its work was done (exit code {code}).", code=code)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
