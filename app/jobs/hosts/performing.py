"""What runs on a host: each piece of work in a fresh process, which ends when nobody wants it.

The scheduler's word is what counts: a task that it took away (cancelled, or its client is gone) is
killed with everything it started. A host that loses the scheduler ends, and its work with it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.jobs.engine import PebbleEngine, WorkerDiedError
from app.jobs.hosts.code import code_version
from app.jobs.hosts.folders import FOLDERS_IN
from app.jobs.processes import JOB_MARK, sweep

POLL_S = 0.1
TELL_EVERY_S = 0.5
LOG_BYTES = 1_000_000
FOLDER = "ASSAY_HOST_FOLDER"
_PROGRESS, _LOG = "progress.json", "log"


def perform(
    kind: str,
    code: str,
    topic: str,
    task: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> dict[str, Any]:
    """Run `function(*args)` in a process of its own; called in a thread of the host's worker.

    Work of another `kind` runs other files (`code_version`). Returns {"host", "log"} and one of
    "value"; "raised", an exception; "died", an exit code; "differs", the code that this host has;
    "unable", what is wrong with this host, its disk for example; "unwanted". Says {"task", "began"}
    and {"task", "progress"} under `topic` meanwhile.
    """
    from distributed import get_worker

    worker: Any = get_worker()
    key = str(worker.get_current_task())
    host = str(worker.name)
    if (here := code_version(kind)) != code:
        return {"host": host, "log": "", "differs": here}

    def say(**said: Any) -> None:
        worker.log_event(topic, {"task": task, **said})

    def is_wanted() -> bool:
        if worker.status.name not in ("running", "paused"):
            return False  # it lost the scheduler, or was told to end
        held = worker.state.tasks.get(key)
        return held is not None and held.state in ("executing", "long-running")

    say(began=host)
    try:
        with tempfile.TemporaryDirectory(
            prefix="assay-host-", dir=os.environ.get(FOLDERS_IN), ignore_cleanup_errors=True
        ) as name:
            folder = Path(name)
            ending = _follow(folder, key, function, args, is_wanted, say)
            with suppress(OSError):
                ending["log"] = (folder / _LOG).read_bytes()[:LOG_BYTES].decode(errors="replace")
    except OSError as error:
        ending = {"unable": _told(error)}
    return {"host": host, "log": ""} | ending


def _told(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _follow(
    folder: Path,
    key: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    is_wanted: Callable[[], bool],
    say: Callable[..., None],
) -> dict[str, Any]:
    engine = PebbleEngine()
    future = engine.submit(_in_child, str(folder), key, function, args)
    told, told_at = "", 0.0
    try:
        while not future.done():
            wait([future], POLL_S)
            if not is_wanted():
                return {"unwanted": True}
            if time.monotonic() - told_at >= TELL_EVERY_S:
                told_at = time.monotonic()
                with suppress(OSError):
                    text = (folder / _PROGRESS).read_text(encoding="utf-8")
                    if text != told:
                        told = text
                        say(progress=json.loads(text))
        try:
            return {"value": future.result()}
        except WorkerDiedError as error:
            return {"died": error.code}
        except OSError as error:  # of files of its own: another host may have the room
            return {"unable": _told(error)}
        except Exception as error:
            return {"raised": error}
    finally:
        engine.release(future)
        sweep(JOB_MARK, key)


def _in_child(folder: str, key: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    os.environ[JOB_MARK] = key
    os.environ[FOLDER] = folder
    return function(*args)


class HostContext:
    """What a function on a host has instead of a job: a folder, a log, a way to report."""

    def __init__(self) -> None:
        self.folder = Path(os.environ[FOLDER])

    @property
    def log_path(self) -> Path:
        """The file for what programs print; it goes back with the result."""
        return self.folder / _LOG

    def stop_if_cancelled(self) -> None:
        """Do nothing: who isn't wanted any more is killed."""

    def report(self, said: Any) -> None:
        """Pass on how far the work is, as plain JSON; the newest word counts."""
        part = self.folder / f".{_PROGRESS}"
        part.write_text(json.dumps(said), encoding="utf-8")
        part.replace(self.folder / _PROGRESS)
