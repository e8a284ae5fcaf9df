"""What a running job's function is given: its spec, and a way to report and to hear of a cancel.

All of it goes through the job's row in the catalog; a catalog that is busy or away for a moment
costs a progress report, never the job.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers.message import Message, message
from app.actor import acting
from app.errors import AssayError, reason_of
from app.home import logs_folder
from app.jobs.processes import JOB_MARK
from app.jobs.tasks import load_function

if TYPE_CHECKING:
    from sqlalchemy import Engine

WRITES_PER_SECOND = 5
CANCEL_POLL_S = 0.2


class JobCancelledError(Exception):
    """Raised by a job's function that stopped because its job was cancelled.

    `outcome` is what it had done by then.
    """

    def __init__(self, outcome: dict[str, Any] | None = None) -> None:
        super().__init__("cancelled")
        self.outcome = outcome or {}


class JobFailedError(Exception):
    """Raised by a job's function that can't go on, with a sentence for the user."""

    def __init__(self, reason: Message, outcome: dict[str, Any] | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.outcome = outcome or {}


class JobLostError(AssayError):
    """Raised by a job's function whose helpers are gone: nothing is wrong with the work itself.

    The job ends as lost, and can be tried again.
    """

    def __init__(self, reason: Message, outcome: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.outcome = outcome or {}


def log_file(job_id: str) -> Path:
    """Return where what a job's programs print is kept, on the machine that looks after the job."""
    return logs_folder() / f"job-{job_id}.log"


class JobContext:
    """A job as its own function sees it."""

    def __init__(
        self,
        engine: Engine,
        job_id: str,
        owner: str,
        spec: dict[str, Any],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.job_id = job_id
        self.spec = spec
        self._owner = owner
        self._clock = clock
        self._writes: deque[float] = deque(maxlen=WRITES_PER_SECOND)
        self._pending: tuple[int, int | None, Message | None] | None = None
        self._cancelled = False
        self._asked_at: float | None = None

    @property
    def log_path(self) -> Path:
        """The file for what the job's programs print."""
        return log_file(self.job_id)

    def progress(self, done: int, total: int | None = None, message: Message | None = None) -> None:
        """Report that `done` of `total` steps are finished, and what is going on.

        Written at most five times a second; the newest report waits for its turn.
        """
        self._pending = (done, total, message)
        if len(self._writes) < WRITES_PER_SECOND or self._clock() - self._writes[0] >= 1.0:
            self.flush()

    def flush(self) -> None:
        """Write the newest report if it has not been written."""
        if self._pending is None:
            return
        from db.engine import session_scope
        from db.errors import LockedError, UnreachableError
        from db.queries import jobs

        done, total, message = self._pending
        try:
            with session_scope(self.engine) as session:
                jobs.progress(
                    session,
                    self.job_id,
                    self._owner,
                    done=done,
                    total=total,
                    message=message.to_json() if message else None,
                )
        except (LockedError, UnreachableError):
            return
        self._writes.append(self._clock())
        self._pending = None

    def cancelled(self) -> bool:
        """Whether the job was asked to stop, or no longer belongs to this runner."""
        now = self._clock()
        if self._cancelled or (self._asked_at is not None and now - self._asked_at < CANCEL_POLL_S):
            return self._cancelled
        self._asked_at = now
        if self._pending and (not self._writes or now - self._writes[0] >= 1.0):
            self.flush()
        from db.engine import session_scope
        from db.errors import LockedError, UnreachableError
        from db.queries import jobs

        try:
            with session_scope(self.engine) as session:
                self._cancelled = jobs.is_cancel_requested(session, self.job_id, self._owner)
        except (LockedError, UnreachableError):
            pass
        return self._cancelled

    def stop_if_cancelled(self) -> None:
        """Raise `JobCancelledError` if the job was asked to stop."""
        if self.cancelled():
            raise JobCancelledError


def run_task(
    function: str,
    url: str,
    job_id: str,
    owner: str,
    spec: dict[str, Any],
    asked_by: str | None = None,
) -> dict[str, Any]:
    """Run a job's function, in the name of who asked for it; called in the worker process.

    The function returns the job's outcome; an outcome's "message" (a `Message` record) becomes the
    job's last word.

    Returns {"state": "succeeded" | "failed" | "cancelled" | "lost", "outcome", "message"}. The
    traceback of an unexpected error goes to the job's log, one line of it into the outcome.
    """
    from db.engine import open_engine

    os.environ[JOB_MARK] = job_id
    engine = open_engine(url)
    context = JobContext(engine, job_id, owner, spec)
    try:
        with acting(asked_by):
            outcome = load_function(function)(context)
        context.flush()
        return {"state": "succeeded", "outcome": outcome, "message": outcome.pop("message", None)}
    except JobCancelledError as cancelled:
        return {"state": "cancelled", "outcome": cancelled.outcome}
    except JobFailedError as failure:
        return _failed(str(failure), failure.reason, failure.outcome)
    except JobLostError as lost:
        return _failed(str(lost), lost.reason, lost.outcome) | {"state": "lost"}
    except Exception as error:
        if (told := reason_of(error)) is not None:
            return _failed(str(error), told)
        with context.log_path.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        line = " ".join(str(error).split())[:500]
        reason = message(
            "An unexpected error; the details are in {log}.", log=str(context.log_path)
        )
        return _failed(f"{type(error).__name__}: {line}", reason)
    finally:
        engine.dispose()


def _failed(error: str, reason: Message, outcome: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "state": "failed",
        "outcome": {**(outcome or {}), "error": error},
        "message": reason.to_json(),
    }
