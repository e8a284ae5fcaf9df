"""What killed processes leave: told at once, and cleared away by whoever comes next."""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from io import BufferedRandom
from pathlib import Path
from typing import Any

import pytest

from app.jobs.engine import WorkerDiedError, _hand_over, _Task
from app.jobs.hosts.folders import own_folder
from app.jobs.hosts.serving import _says_more_than_goodbye
from prototypes.harness.turns import lock_file
from tests.conftest import PROJECT


def test_a_worker_that_was_killed_before_it_said_who_it_is() -> None:
    from concurrent.futures import BrokenExecutor, Future

    ours, theirs = multiprocessing.Pipe(duplex=False)
    theirs.close()
    assert _Task(None, ours).worker() is None
    done: Future[Any] = Future()
    done.set_exception(BrokenExecutor("All workers expired"))
    told: Future[Any] = Future()
    _hand_over(done, told)
    assert isinstance(told.exception(), WorkerDiedError)


@pytest.mark.parametrize("moment", ["before it is held", "while it is swept"])
def test_two_hosts_that_begin_at_once_have_a_folder_each(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second takes the first one's folder, which isn't held yet, for a dead one's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make = tempfile.mkdtemp
    made: list[Path] = []
    locks: list[BufferedRandom] = []

    def made_and_swept(prefix: str) -> str:
        made.append(Path(make(prefix=prefix)))
        if len(made) == 1 and moment == "before it is held":
            shutil.rmtree(made[0])
        elif len(made) == 1:
            locks.append((made[0] / "lock").open("a+b"))
            fcntl.flock(locks[0], fcntl.LOCK_EX)
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", made_and_swept)
    folder = own_folder()
    assert len(made) == 2
    assert folder.path == made[1]
    assert (folder.path / "lock").exists()
    folder.close()
    for lock in locks:
        lock.close()


def test_a_host_clears_away_what_the_dead_left_and_nothing_of_the_living(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import os, signal, tempfile; tempfile.tempdir = os.environ['THERE']\n"
        "from app.jobs.hosts.folders import own_folder\n"
        "(own_folder().path / 'left').write_text('by the dead')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "THERE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, check=False)
    (dead,) = tmp_path.iterdir()
    assert (dead / "left").exists()
    other = tmp_path / "assay-join-elsewhere"
    other.symlink_to(PROJECT)
    living = own_folder()
    assert not dead.exists() and other.is_symlink() and (PROJECT / "docs").is_dir()
    (living.path / "assay-host-x").mkdir()
    second = own_folder()
    assert (living.path / "assay-host-x").is_dir()
    living.empty()
    assert [path.name for path in living.path.iterdir()] == ["lock"]
    living.close()
    second.close()
    assert list(tmp_path.iterdir()) == [other]


def test_the_turns_of_a_session_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lock = lock_file()
    first, second = (os.open(lock.name, os.O_RDWR) for _ in range(2))
    fcntl.flock(first, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if sys.platform == "linux":
        assert list(tmp_path.iterdir()) == []
    os.close(first)
    os.close(second)
    lock.close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_connection_is_no_traceback_in_the_scheduler_s_log() -> None:
    def says(error: Exception | None) -> bool:
        told = (type(error), error, None) if error else None
        return _says_more_than_goodbye(logging.LogRecord("x", 50, "", 0, "m", (), told))

    assert not says(ConnectionError("closed"))
    assert says(ValueError("a bug")) and says(None)
