"""Pictures of a paper's pages with the evidence marked, drawn by a child that can be killed.

MuPDF reads hostile input in C and must not run in a web server's threads: each picture is drawn by
a process of its own, confined in memory, time and reach, and kept on disk by what it shows.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzers.confinement import MEMORY_BYTES
from analyzers.errors import ErrorKind, ReadError
from analyzers.message import Message, message
from analyzers.picturing.cache import PictureCache, is_png, key_of
from analyzers.reading.sniff import MAX_BYTES

VERSION = 1
"""Of the drawing: a change in how pages look makes the kept pictures worthless."""
TIMEOUT_S = 10.0
MAX_PNG_BYTES = 16 << 20
MAX_BOXES = 400
CHILD = "analyzers.picturing.child"
_ROOT = Path(__file__).parents[1]
_drawing = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


class PictureError(ReadError):
    """A page could not be drawn; `kind` and `reason` say why."""


def draw_page(
    path: Path,
    page: int,
    boxes: Sequence[Sequence[float]] = (),
    *,
    whole: bool = False,
    content_hash: str | None = None,
    cache: Path | None = None,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> bytes:
    """Return page `page` (from 1) of a PDF as a PNG with `boxes` marked.

    Boxes are [x0, y0, x1, y1] in points from the top left, as an analysis gives them. The picture
    shows the page's full width around the boxes, or the `whole` page; it is 1200 pixels wide, less
    for a page that is very high. `content_hash` is the SHA-256 of the file when it was analysed;
    `cache` a folder for pictures, which is kept under 200 MB. Raises `PictureError`: not_found,
    changed (the file isn't the one that was analysed), not_a_pdf, encrypted, no_such_page,
    too_large, unreadable, timeout, memory, crash, busy.
    """
    digest = _digest(path)
    if content_hash is not None and digest != content_hash:
        raise _error(ErrorKind.CHANGED, path)
    marks = _sound(boxes)
    kept = PictureCache(cache) if cache is not None else None
    key = key_of([VERSION, digest, page, marks, whole])
    if kept is not None and (png := kept.get(key)) is not None:
        return png
    request = {"page": page, "boxes": marks, "whole": whole, "sha256": digest}
    png = _ask_child(path, request, timeout_s, memory_bytes)
    if kept is not None:
        kept.put(key, png)
    return png


def _sound(boxes: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the boxes that are boxes, to a tenth of a point."""
    sound = []
    for box in boxes[:MAX_BOXES]:
        numbers = [float(n) for n in box if isinstance(n, (int, float))]
        if len(box) == len(numbers) == 4 and all(map(math.isfinite, numbers)):
            sound.append([round(number, 1) for number in numbers])
    return sound


def _digest(path: Path) -> str:
    """Return the file's SHA-256; one that didn't change since is not read again."""
    try:
        if not path.is_file():
            raise _error(ErrorKind.NOT_FOUND, path)
        stat = path.stat()
        if stat.st_size > MAX_BYTES:
            raise _error(ErrorKind.TOO_LARGE, path)
        digest, is_pdf = _read_digest(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise _error(ErrorKind.NOT_FOUND, path) from error
    if not is_pdf:
        raise _error(ErrorKind.NOT_A_PDF, path)
    return digest


@lru_cache(maxsize=256)
def _read_digest(path: str, size: int, mtime_ns: int, inode: int) -> tuple[str, bool]:
    with Path(path).open("rb") as stream:
        is_pdf = b"%PDF-" in stream.read(1024)
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest(), is_pdf


def _ask_child(path: Path, request: dict[str, Any], timeout_s: float, memory_bytes: int) -> bytes:
    limits = {"parent": os.getpid(), "memory": memory_bytes, "seconds": timeout_s}
    command = [sys.executable, "-P", "-m", CHILD, json.dumps(request | limits)]
    if not _drawing.acquire(timeout=timeout_s):
        raise _error(ErrorKind.BUSY, path)
    began = time.monotonic()
    try:
        with path.open("rb") as pdf:
            child = subprocess.Popen(
                command,
                stdin=pdf,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        answer, status = _hear(child, timeout_s)
    except OSError as error:
        raise _error(ErrorKind.NOT_FOUND, path) from error
    finally:
        _drawing.release()
    if is_png(answer):
        return answer
    kind, pages = _problem(answer, status, time.monotonic() - began >= timeout_s)
    raise _error(kind, path, page=request["page"], pages=pages, seconds=timeout_s)


def _hear(child: subprocess.Popen[bytes], timeout_s: float) -> tuple[bytes, int]:
    """Return what a child says and its exit status; it is gone then."""
    assert child.stdout is not None
    watch = threading.Timer(timeout_s, child.kill)
    watch.start()
    try:
        with child.stdout as stream:
            answer = stream.read(MAX_PNG_BYTES + 1)
        if len(answer) <= MAX_PNG_BYTES:  # it ends by itself, or the watch ends it
            child.wait()
        return answer, child.poll() or 0
    finally:
        watch.cancel()
        child.kill()
        child.wait()


def _environment() -> dict[str, str]:
    """Return what Python needs to start, and none of the user's own variables."""
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _problem(answer: bytes, status: int, late: bool) -> tuple[ErrorKind, int]:
    """Return what was wrong, by the child's word or by its end, and the pages that it counted."""
    try:
        told = json.loads(answer)
        return ErrorKind(told["problem"]), int(told.get("pages", 0))
    except (ValueError, TypeError, KeyError):
        pass
    if late or (hasattr(signal, "SIGXCPU") and status == -signal.SIGXCPU):
        return ErrorKind.TIMEOUT, 0
    return ErrorKind.TOO_LARGE if len(answer) > MAX_PNG_BYTES else ErrorKind.CRASH, 0


def _error(
    kind: ErrorKind, path: Path, *, page: int = 0, pages: int = 0, seconds: float = 0.0
) -> PictureError:
    return PictureError(kind, _sentence(kind, path, page, pages, seconds))


def _sentence(kind: ErrorKind, path: Path, page: int, pages: int, seconds: float) -> Message:
    match kind:
        case ErrorKind.NOT_FOUND:
            return message(
                "{path} is gone: add the file again with `assay add FILE`.", path=str(path)
            )
        case ErrorKind.CHANGED:
            return message(
                "The file has changed since it was analysed, so nothing can be marked in it:"
                " analyse it again (`assay refresh`)."
            )
        case ErrorKind.NOT_A_PDF:
            return message("The file is no PDF, so it has no pages to show.")
        case ErrorKind.ENCRYPTED:
            return message("The PDF is locked with a password: add a copy without one.")
        case ErrorKind.NO_SUCH_PAGE:
            return message(
                "The PDF has {pages} pages and no page {page}: analyse it again (`assay refresh`).",
                pages=pages,
                page=page,
            )
        case ErrorKind.TOO_LARGE:
            return message("The file, or its page, is too large to be drawn.")
        case ErrorKind.TIMEOUT:
            return message(
                "Drawing the page took longer than {seconds} s and was stopped.",
                seconds=f"{seconds:g}",
            )
        case ErrorKind.MEMORY:
            return message("Drawing the page needs more memory than it may take.")
        case ErrorKind.BUSY:
            return message("Too many pages are being drawn just now: ask again in a moment.")
        case ErrorKind.UNREADABLE:
            return message("The page is damaged and can't be drawn: fetch the PDF again.")
        case _:
            return message("Drawing the page failed: the PDF is damaged.")
