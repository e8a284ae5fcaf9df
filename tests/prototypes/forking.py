"""Runs commands of Python in forks of a process that has torch loaded: as fresh as any process,
without the seconds that importing torch takes.

Reads a request a line, `{"cwd", "arguments", "given", "environment"}`, the arguments as after
`python -m`, and answers in a line each.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import traceback
from typing import Any

SECONDS = 300


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the exit status and output of `python -m …` in the folder that was asked for."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(request["given"].encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((given, out, err)):
                os.dup2(file.fileno(), number)
            sys.stdin = os.fdopen(0, encoding="utf-8")  # the old one has read ahead
            os.environ.update(request["environment"])
            os._exit(run(request["cwd"], request["arguments"]))
        _, ended = os.waitpid(child, 0)
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return {"code": os.waitstatus_to_exitcode(ended), "out": told[0], "err": told[1]}


def run(cwd: str, arguments: list[str]) -> int:
    """Run a module as `python -m` does; return the exit status."""
    signal.alarm(SECONDS)
    os.chdir(cwd)
    sys.path[0] = cwd
    importlib.invalidate_caches()
    sys.argv = list(arguments)
    code: Any = 0
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as exit_:
        code = exit_.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def main() -> None:
    """Answer until there is nothing more to read."""
    import torch

    torch.set_num_threads(1)  # no thread of a pool that a fork would leave behind
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
