"""Draws one page of the PDF on standard input, and writes the PNG, or why not, to standard output.

Run as `python -m analyzers.picturing.child REQUEST`; the request is JSON: {"parent": process id,
"page": from 1, "boxes": [[x0, y0, x1, y1], …] in points, "whole": bool, "sha256", "memory" in
bytes, "seconds"}. An answer that isn't a PNG is JSON: {"problem": an `ErrorKind`, "pages"?: int}.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from analyzers.confinement import confine, limit_cpu, silence
from analyzers.errors import ErrorKind

WIDTH = 1200
"""Pixels from the left edge of the page to the right one."""
MAX_HEIGHT = 4000
LONGEST_SIDE_PT = 14_400.0
"""As long as a page may be by the PDF standard (ISO 32000-1, annex C.2)."""
AROUND_PT = 64.0
"""What is shown above and below the marks: some five lines."""
NEARLY_WHOLE = 0.8

Box = tuple[float, float, float, float]


class CannotDrawError(Exception):
    """There is no picture; `answer` says why."""

    def __init__(self, kind: ErrorKind, **more: int) -> None:
        super().__init__(kind)
        self.answer: dict[str, Any] = {"problem": kind.value, **more}


def draw(pdf: bytes, page: int, boxes: Sequence[Sequence[float]], *, whole: bool = False) -> bytes:
    """Return page `page` of a PDF as a PNG, the boxes marked; cut to their surroundings or `whole`.

    Boxes count from the top left of the page as it is written, before it is turned. Raises
    `CannotDrawError`: encrypted, no_such_page, too_large, unreadable.
    """
    pymupdf: Any = import_module("pymupdf")  # untyped, and heavy: 0.15 s
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        if document.needs_pass:
            raise CannotDrawError(ErrorKind.ENCRYPTED)
        if not 1 <= page <= document.page_count:
            raise CannotDrawError(ErrorKind.NO_SUCH_PAGE, pages=document.page_count)
        sheet = document[page - 1]
        width, height = float(sheet.rect.width), float(sheet.rect.height)
        longest, shortest = max(width, height), min(width, height)
        if not (math.isfinite(longest) and shortest > 0):
            raise CannotDrawError(ErrorKind.UNREADABLE)
        if longest > LONGEST_SIDE_PT:
            raise CannotDrawError(ErrorKind.TOO_LARGE)
        turned = [tuple(pymupdf.Rect(box) * sheet.rotation_matrix) for box in boxes]
        marks = [box for box in map(_on_page(width, height), turned) if box]
        shown = (0.0, 0.0, width, height) if whole else surroundings(marks, width, height)
        scale = min(WIDTH / width, MAX_HEIGHT / (shown[3] - shown[1]))
        picture = sheet.get_pixmap(
            matrix=pymupdf.Matrix(scale, scale),
            clip=pymupdf.Rect(shown),
            colorspace=pymupdf.csRGB,
            alpha=False,
            annots=False,  # link frames and pop-ups cover what the paper says
        )
        samples = bytearray(picture.samples)
        pixels = picture.width, picture.height
        for mark in marks:
            highlight(samples, *pixels, _in_pixels(mark, scale, picture.x, picture.y, *pixels))
        return bytes(pymupdf.Pixmap(pymupdf.csRGB, *pixels, bytes(samples), 0).tobytes("png"))


def surroundings(marks: Sequence[Box], width: float, height: float) -> Box:
    """Return the band of the page around the marks, over its full width; the page for no mark."""
    if not marks:
        return (0.0, 0.0, width, height)
    top = max(0.0, min(mark[1] for mark in marks) - AROUND_PT)
    bottom = min(height, max(mark[3] for mark in marks) + AROUND_PT)
    if bottom - top > NEARLY_WHOLE * height:
        return (0.0, 0.0, width, height)
    return (0.0, top, width, bottom)


def _on_page(width: float, height: float) -> Any:
    def cut(box: Sequence[float]) -> Box | None:
        x0, y0, x1, y1 = box
        left, right = max(0.0, min(x0, x1)), min(width, max(x0, x1))
        top, bottom = max(0.0, min(y0, y1)), min(height, max(y0, y1))
        return (left, top, right, bottom) if left < right and top < bottom else None

    return cut


def _in_pixels(
    mark: Box, scale: float, x: int, y: int, width: int, height: int
) -> tuple[int, int, int, int]:
    left, top = math.floor(mark[0] * scale) - x - 2, math.floor(mark[1] * scale) - y - 1
    right, bottom = math.ceil(mark[2] * scale) - x + 2, math.ceil(mark[3] * scale) - y + 1
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def _times(share: float) -> bytes:
    return bytes(round(value * share) for value in range(256))


# A marker pen: white becomes yellow, black stays black. The frame says it without the colour too.
_GREEN, _BLUE = _times(0.92), _times(0.45)
_FRAME = bytes((176, 96, 0))


def highlight(samples: bytearray, width: int, height: int, area: tuple[int, int, int, int]) -> None:
    """Mark an area (left, top, right, bottom) of RGB samples (height, width, 3), row by row."""
    left, top, right, bottom = area
    if left >= right:
        return
    for row in range(top, bottom):
        begin, end = 3 * (row * width + left), 3 * (row * width + right)
        if row in (top, bottom - 1):
            samples[begin:end] = _FRAME * (right - left)
            continue
        samples[begin + 1 : end : 3] = samples[begin + 1 : end : 3].translate(_GREEN)
        samples[begin + 2 : end : 3] = samples[begin + 2 : end : 3].translate(_BLUE)
        samples[begin : begin + 3] = samples[end - 3 : end] = _FRAME


def _answer(request: dict[str, Any]) -> bytes:
    try:
        with open(0, "rb", closefd=False) as stream:
            pdf = stream.read()
        if hashlib.sha256(pdf).hexdigest() != request["sha256"]:
            raise CannotDrawError(ErrorKind.CHANGED)
        return draw(pdf, request["page"], request["boxes"], whole=request["whole"])
    except CannotDrawError as error:
        answer = error.answer
    except MemoryError:
        answer = {"problem": ErrorKind.MEMORY.value}
    except Exception as error:
        told = str(error).lower()
        starved = "alloc" in told or "out of memory" in told  # as MuPDF says it
        answer = {"problem": (ErrorKind.MEMORY if starved else ErrorKind.UNREADABLE).value}
    return json.dumps(answer).encode()


def main() -> None:
    """Confine this process, draw, answer, and end without looking back."""
    request = json.loads(sys.argv[1])
    output = os.dup(1)
    silence(1, 2)
    confine(request["parent"], memory_bytes=request["memory"])
    limit_cpu(request["seconds"])
    answer = _answer(request)
    while answer:
        answer = answer[os.write(output, answer) :]
    os._exit(0)  # nothing that MuPDF holds is worth the time to give it back


if __name__ == "__main__":
    main()
