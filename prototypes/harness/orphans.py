"""Nothing that a measurement started outlives it, however deep or detached it is.

Every process of a session carries a mark in its environment. Whoever is left at the end `sweep`s
the mark; a `Warden` beside the session does it the moment the session is gone, SIGKILL included.
Run by its path, so that it starts in a few hundredths of a second: `python orphans.py MARK`.
Nothing of the harness is imported here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

VARIABLE = "ASSAY_MEASUREMENT"
PATIENCE_S = 2.0


def marked(mark: str) -> list[int]:
    """Return the living processes that were started with this mark or one under it, but for us."""
    wanted = f"{VARIABLE}={mark}".encode()
    under = wanted + b"/"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            carries = any(v == wanted or v.startswith(under) for v in variables)
            state = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue  # gone meanwhile, or somebody else's
        if carries and state != "Z" and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def sweep(mark: str) -> int:
    """Kill all that carry this mark, again until none is left; return how many there were."""
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while (found := marked(mark)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        seen.update(found)
        time.sleep(0.01)
    return len(seen)


class Warden:
    """A small process that waits for the end of this one, then sweeps what it left.

    It is in a session of its own and doesn't carry the mark. Where it can't be started the kernel
    still ends the direct children (`child.die_with_parent`).
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        """Start it, or start it again if somebody killed it."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        clean = {k: v for k, v in os.environ.items() if k != VARIABLE}
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, self._mark],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=clean,
            )

    def close(self) -> None:
        """End it; it sweeps once more on its way out."""
        if self._process is not None:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            self._process.wait()
            self._process = None


def _main(mark: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # what ends the session must not end its warden
    sys.stdin.buffer.read()
    sweep(mark)


if __name__ == "__main__":
    _main(sys.argv[1])
