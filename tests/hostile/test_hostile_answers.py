"""A reader that a file took over: what it sends makes nothing but data in whoever asked."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pebble.common.types import RemoteException, Result, ResultStatus
from pebble.pool.process import Acknowledgement, TaskProblem, TaskResult

from analyzers.answers import packed, read, unpacked
from analyzers.errors import ErrorKind, ReadError
from analyzers.isolation import analyze_files, run_in_child
from analyzers.message import Message, message
from tests.analyzers.papers import MARKDOWN


class Order:
    """Something whose pickle tells whoever reads it to call a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.told = function, arguments

    def __reduce__(self) -> Any:
        return self.told


class EscapeError(Exception):
    """The same as an exception, which a pool carries over."""

    def __reduce__(self) -> Any:
        return os.mkdir, (f"{self.args[0]}.escaped",)


def escape(path: str) -> str:
    """Run in the child."""
    raise EscapeError(path)


def test_no_answer_is_an_order(tmp_path: Path) -> None:
    """Unmended the process that asked made the folder."""
    with pytest.raises(ReadError) as told:
        run_in_child(escape, str(tmp_path / "a"))
    assert told.value.kind is ErrorKind.CRASH
    assert not list(tmp_path.glob("*.escaped"))


def result(value: Any) -> TaskResult:
    return TaskResult(1, Result(ResultStatus.SUCCESS, value))


MADE = (
    Order(os.system, "true"), Order(eval, "1"), Order(exec, ""), Order(open, "/etc/passwd"),
    Order(getattr, "", "join"), Order(__import__, "os"), Order(subprocess.Popen, "true"),
    Order(pickle.loads, b"N."), Order(type, "x", (), {}), Order(Exception.__subclasses__),
    Path("/"), ReadError, json.dumps, Exception.with_traceback, b"".join, SystemExit(1),
    KeyboardInterrupt(), range(9), bytearray(b"x"), 1j,
)  # fmt: skip


@pytest.mark.parametrize("value", MADE, ids=lambda value: type(value).__name__)
def test_nothing_else_is_made_of_it(value: Any) -> None:
    for sent in (value, result(value), result([{"a": value}]), TaskProblem(1, value)):
        data = pickle.dumps(sent)
        with pytest.raises(pickle.PicklingError):
            read(data)


NOISE = (
    b"", b"\x80", b"cos\nsystem\n(S'true'\ntR.", b"\x80\x04N", b"(" * 10**6, b"P1\n.",
    random.Random(0).randbytes(200), b"\x80\x04\x8c\xff", b"\x8e" + b"\xff" * 8,
    b"I" + b"9" * 5000 + b"\n.",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(NOISE)))
def test_noise_ends_a_pool_not_the_program(number: int) -> None:
    with pytest.raises(pickle.PicklingError):
        read(NOISE[number])


def test_what_a_pool_sends_is_read() -> None:
    error = RemoteException(ValueError("x"), "traceback")
    sent = (
        result(packed({"a": [1.5, None, "\ud800"]})),
        Acknowledgement(7, 1),
        TaskProblem(2, TypeError("y")),
        TaskResult(3, Result(ResultStatus.FAILURE, error)),
    )
    whole, begun, problem, failed = (read(pickle.dumps(item)) for item in sent)
    assert isinstance(whole, TaskResult) and whole.result.status == ResultStatus.SUCCESS
    assert unpacked(whole.result.value) == {"a": [1.5, None, "\ud800"]}
    assert isinstance(begun, Acknowledgement) and (begun.worker, begun.task) == (7, 1)
    assert isinstance(problem, TaskProblem) and isinstance(problem.error, TypeError)
    assert isinstance(failed, TaskResult) and isinstance(failed.result.value, ValueError)


def test_an_exception_is_read_as_hosts_pickle_it() -> None:
    """Where `distributed` is imported, tblib has exceptions bring their tracebacks along."""
    told = "import pickle, sys, tblib.pickling_support as t; t.install()\n" + (
        "try: open('/nowhere')\nexcept OSError as e: error = e\n"
        "try: raise ValueError('x') from error\nexcept ValueError as e: error = e\n"
        "sys.stdout.buffer.write(pickle.dumps(error))"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    error = read(done.stdout)
    assert isinstance(error, ValueError) and error.args == ("x",)
    assert error.__traceback__ is None and error.__cause__ is None


def test_a_pickle_changes_no_class() -> None:
    """As `BUILD` may, of whatever a pickle names."""
    named = b"cpebble.pool.process\nTaskResult\n"
    read(b"\x80\x02" + named + b"N}X\x04\x00\x00\x00evilK\x01s\x86b.")
    assert not hasattr(TaskResult, "evil")


def test_an_answer_is_json() -> None:
    for sent in (None, 1, b"{}", [], "[" * 100_000, "{", "NaN5"):
        with pytest.raises(ValueError):
            unpacked(sent)


@pytest.mark.parametrize(
    "template",
    ["{a:>99999999999}", "{a.__class__.__mro__}", "{a[0]}", "{a!a}", "{}", "{0}", "{", "}",
     "{a:{b}}", "{a.b", "{{a} {"],
)  # fmt: skip
def test_a_template_asks_for_nothing_but_its_fields(template: str) -> None:
    assert str(Message.from_json({"template": template, "params": {"a": "1"}})) == template


def test_a_template_that_was_written_here_is_read_as_it_was() -> None:
    told = message("{a} of {b!r}: {{x}} {c}", a=1.5, b="y", c=message("{d}", d=2), words=("b",))
    assert str(Message.from_json(told.to_json())) == str(told) == "1.5 of 'y': {x} 2"
    assert str(Message.from_json({"template": "{a} and {lost}", "params": {"a": 1}})) == "1 and "


def test_a_child_answers_for_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(MARKDOWN)
    monkeypatch.setattr("analyzers.isolation._analyze", lie)
    files = [tmp_path / "a.md", tmp_path / "b.md"]
    told = {Path(r["source"]).name: "error" in r for r in analyze_files(files, workers=1)}
    assert told == {"a.md": True, "b.md": False}


def lie(path: str, *_: Any) -> str:
    """Run in the child: what it says of the first file is about the second."""
    return packed({"source": path.replace("a.md", "b.md")})
