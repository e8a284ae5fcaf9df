"""The measuring process: `python -m prototypes.harness.child`, a request on stdin.

Ties its life to its parent, takes its limits, then works on the request. Answers with JSON lines on
the pipe that the request names; whatever is printed goes to the log.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from typing import Any

from prototypes.harness.status import Status

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> int:
    """Work on the request; 0 if a result or a typed failure was sent."""
    request = json.load(sys.stdin)
    die_with_parent(int(request["parent"]), signal.SIGKILL)
    limit = request.get("memory_bytes")
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    descriptor = int(request["result_fd"])
    os.set_inheritable(descriptor, False)

    def send(message: dict[str, Any]) -> None:
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(descriptor, data) :]

    def progress(fraction: float, message: str) -> None:
        send({"kind": "progress", "fraction": fraction, "message": message})

    try:
        send({"kind": "result", "result": _work(request, progress)})
    except Exception as error:
        traceback.print_exc()
        send({"kind": "failure", "status": classify(error), "message": sentence(error)})
    return 0


def _work(request: dict[str, Any], progress: Any) -> dict[str, Any]:
    # torch comes in only now: the limits and the tie to the parent hold from the first moment.
    from prototypes.harness import measure

    if request["task"] == "probe":
        return measure.probe(request, progress)
    return measure.measure(request, progress)


def die_with_parent(parent: int, number: int) -> None:
    """Have the kernel signal this process when its parent dies; end if it is dead already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def classify(error: BaseException) -> Status:
    """Return the status that an exception stands for."""
    from prototypes.harness.workload import NotRunnableError

    if isinstance(error, NotRunnableError):
        return Status.NOT_RUNNABLE
    text = str(error)
    memory = ("can't allocate memory", "out of memory", "bad_alloc", "Cannot allocate memory")
    if isinstance(error, MemoryError) or any(m in text for m in memory):
        return Status.OUT_OF_MEMORY
    return Status.ERROR


def sentence(error: BaseException) -> str:
    """Return one line that says what went wrong."""
    lines = str(error).strip().splitlines()
    text = lines[0][:300] if lines else ""
    return text if type(error).__name__ == "NotRunnableError" else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    sys.exit(main())
