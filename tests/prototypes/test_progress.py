"""Progress for people, and for a job runner."""

import json
import os

import pytest

from prototypes.harness.progress import Progress


def test_lines_say_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    progress = Progress(2, writer)
    progress.begin("device cpu")
    progress.step(0.5, "half")
    progress.end("ready")
    progress.begin("case a")
    progress.step(-1, "below nothing")
    progress.step(7, "above all")
    progress.end("1.5x")
    os.close(writer)
    with os.fdopen(reader) as stream:
        lines = [json.loads(line) for line in stream]
    assert [(line["done"], line["message"]) for line in lines] == [
        (0, "device cpu"),
        (50, "device cpu: half"),
        (100, "device cpu: ready"),
        (100, "case a"),
        (100, "case a: below nothing"),
        (200, "case a: above all"),
        (200, "case a: 1.5x"),
    ]
    assert {line["total"] for line in lines} == {300}
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[:2] == ["[1/3] device cpu", "  ready"]


def test_a_reader_that_left_does_not_stop_the_measuring() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    progress = Progress(1, writer, quiet=True)
    progress.begin("a")
    progress.step(0.5, "b")
    progress.end("c")
    os.close(writer)


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1, None, quiet=True)
    progress.begin("a")
    progress.end("b")
    assert capsys.readouterr() == ("", "")
