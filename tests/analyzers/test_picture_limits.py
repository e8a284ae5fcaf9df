"""Drawing a page has an end, and reaches nothing but its file."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from analyzers.errors import ErrorKind
from analyzers.pictures import draw_page
from analyzers.picturing.child import WIDTH
from tests.analyzers.picture_files import (
    page_of,
    pixels,
    problem,
)


def test_time_and_memory_have_an_end(tmp_path: Path) -> None:
    chance = random.Random(1)
    corners = b"".join(
        b"%d %d l\n" % (chance.randrange(600), chance.randrange(700)) for _ in range(100_000)
    )
    slow = page_of(tmp_path / "slow.pdf", b"0 0 m\n" + corners + b"S")
    started = time.monotonic()
    assert problem(slow, 1, whole=True, timeout_s=1.5)[0] == ErrorKind.TIMEOUT
    assert time.monotonic() - started < 6
    kind, _ = problem(slow, 1, whole=True, memory_bytes=24 << 20)  # not even enough to start MuPDF
    assert kind in (ErrorKind.MEMORY, ErrorKind.CRASH, ErrorKind.UNREADABLE)


def test_pages_of_any_size(tmp_path: Path) -> None:
    absurd = page_of(tmp_path / "absurd.pdf", b"", media=b"0 0 1e9 1e9")
    assert pixels(draw_page(absurd, 1)).width <= WIDTH  # MuPDF takes a usual size instead
    huge = page_of(tmp_path / "huge.pdf", b"", media=b"0 0 20000 20000")
    assert problem(huge, 1)[0] == ErrorKind.TOO_LARGE
    strip = page_of(tmp_path / "strip.pdf", b"", media=b"0 0 20 14000")
    picture = pixels(draw_page(strip, 1))
    assert picture.height <= 4001
    poster = page_of(tmp_path / "poster.pdf", b"", media=b"0 0 14000 9000")
    assert pixels(draw_page(poster, 1)).width == WIDTH


def test_the_child_reaches_nothing_else(tmp_path: Path) -> None:
    """Code that runs where MuPDF runs finds no network, no file, no program, nothing to write."""
    import subprocess
    import sys

    from tests.conftest import PROJECT

    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    attempt = (
        "import os, resource, socket, sys, threading\n"
        "from analyzers.confinement import confine\n"
        "confine(os.getppid())\n"
        "def tries(name, work):\n"
        "    try:\n"
        "        work(); print(name, 'done')\n"
        "    except OSError: print(name, 'refused')\n"
        f"tries('read', lambda: open({str(secret)!r}).read())\n"
        f"tries('write', lambda: open({str(tmp_path / 'new')!r}, 'w'))\n"
        f"tries('remove', lambda: os.remove({str(secret)!r}))\n"
        "tries('connect', lambda: socket.create_connection(('127.0.0.1', 9)))\n"
        "tries('run', lambda: os.execv('/bin/true', ['true']))\n"
        "tries('signal', lambda: os.kill(os.getppid(), 0))\n"
        f"tries('mode', lambda: os.chmod({str(secret)!r}, 0o777))\n"
        f"tries('owner', lambda: os.chown({str(secret)!r}, os.getuid(), os.getgid()))\n"
        f"tries('time', lambda: os.utime({str(secret)!r}, (0, 0)))\n"
        f"tries('attribute', lambda: os.setxattr({str(secret)!r}, 'user.x', b'1'))\n"
        "tries('fork', os.fork)\n"
        "tries('leave', os.setsid)\n"
        "tries('limit', lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE))\n"
        "tries('hide', lambda: os.memfd_create('x'))\n"
        "tries('tie', socket.socketpair)\n"
        "thread = threading.Thread(target=print, args=('thread done',))\n"
        "thread.start(); thread.join()\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "import lxml.html; print('import done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", attempt], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    told = dict(line.split() for line in done.stdout.splitlines())
    assert told.pop("import") == told.pop("thread") == "done"
    if told["run"] == "done" or told["read"] == "done":
        pytest.skip(f"this kernel doesn't confine: {told}")
    assert set(told.values()) == {"refused"}
    assert secret.read_text() == "mine"


def test_a_pdf_can_not_name_another_file(tmp_path: Path) -> None:
    """A content stream in an external file (PDF 32000, 7.3.8.2) isn't followed."""
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"0 0 612 792 re f")
    path = page_of(tmp_path / "external.pdf", b"")
    data = path.read_bytes()
    begin = data.index(b"4 0 obj")
    named = b"4 0 obj\n<</Length 0/F(%s)>>stream\n\nendstream\nendobj\n" % str(outside).encode()
    path.write_bytes(data[:begin] + named + b"trailer<</Root 1 0 R>>\n%%EOF")
    assert pixels(draw_page(path, 1)).is_blank
