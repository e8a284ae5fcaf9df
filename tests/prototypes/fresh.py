"""Modules run as `python -m` runs them, each in a process of its own that has torch loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.conftest import PROJECT
from tests.prototypes import forking


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Fresh:
    """Asks one process, which imported torch once, for forks that run modules."""

    def __init__(self) -> None:
        # Triton reads it when it is imported: who wants the interpreter says so.
        environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
        self._server = subprocess.Popen(
            [sys.executable, "-B", str(Path(forking.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        self._server.stdout.close()

    def run(self, root: Path, *arguments: str, given: str = "", **environment: str) -> Done:
        """Run `python -m` with these arguments in a folder; `given` is its standard input."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {
            "cwd": str(root),
            "arguments": arguments,
            "given": given,
            "environment": environment,
        }
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        told = json.loads(self._server.stdout.readline())
        return Done(told["code"], told["out"], told["err"])

    def told(self, module: str, given: object = None, **environment: str) -> Any:
        """Return the JSON that a module of the project prints, which gets `given` as JSON."""
        done = self.run(PROJECT, module, given=json.dumps(given), **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
