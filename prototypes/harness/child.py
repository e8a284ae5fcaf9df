"""The measuring process: `python -m prototypes.harness.child`, two lines of JSON on stdin.

The first line holds its limits; it ties its life to its parent, takes them, imports what is heavy,
and says that it is ready. The second is the request. It answers with JSON lines on the pipe that
the first line names; whatever is printed goes to the log.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from prototypes.harness.status import Status
from prototypes.harness.turns import take_part

PR_SET_PDEATHSIG = 1  # linux/prctl.h

Send = Callable[[dict[str, Any]], None]


def main() -> int:
    """Work on the request; 0 if a result or a typed failure was sent."""
    hello = json.loads(sys.stdin.readline())
    die_with_parent(int(hello["parent"]), signal.SIGKILL)
    _take_limits(hello)
    descriptor = int(hello["result_fd"])
    os.set_inheritable(descriptor, False)

    def send(message: dict[str, Any]) -> None:
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(descriptor, data) :]

    try:
        part = take_part(hello.get("lock"))
        gc.disable()  # a tenth of the time that torch takes to import goes into collecting nothing
        for module in hello.get("preload", ()):
            importlib.import_module(module)
        gc.enable()
        send({"kind": "ready"})
        with part.resting():
            line = sys.stdin.readline()
        if line:  # the parent may have had no use for it
            request = json.loads(line)
            part.pin_to(request.get("cores") or ())
            # A GPU has its memory once: there nobody works beside another.
            with nullcontext() if request["device"] == "cpu" else part.alone():
                result = _work(request, send)
            send({"kind": "result", "result": result})
    except Exception as error:
        traceback.print_exc()
        send({"kind": "failure", "status": classify(error), "message": sentence(error)})
    return 0


def _take_limits(hello: dict[str, Any]) -> None:
    if hello.get("memory_bytes"):
        resource.setrlimit(resource.RLIMIT_AS, (hello["memory_bytes"],) * 2)
    if hello.get("output_bytes"):
        # Python ignores the signal and would go on printing into a full file.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hello["output_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _work(request: dict[str, Any], send: Send) -> dict[str, Any]:
    # torch comes in only now, or in the preload: the limits hold from the first moment.
    from prototypes.harness import measure, probe

    def progress(fraction: float, message: str) -> None:
        send({"kind": "progress", "fraction": fraction, "message": message})

    tasks = {"probe": probe.probe, "measure": measure.measure, "repeat": measure.repeat}
    return tasks[request["task"]](request, progress)


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
