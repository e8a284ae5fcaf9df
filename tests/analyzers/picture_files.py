"""PDFs whose pages are drawn, and what a picture shows of them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from analyzers.errors import ErrorKind
from analyzers.pictures import PictureError, draw_page

SENTENCE = "QuickKV decodes 2.4 times faster than before."
YELLOW_AT_MOST = 140
"""The blue of a marked white pixel; an unmarked one has 255."""


def write_pdf(path: Path, *, rotation: int = 0, cropped: bool = False, **save: Any) -> Path:
    """Write two pages, a sentence in the middle of the second."""
    import pymupdf

    with pymupdf.open() as pdf:
        pdf.new_page()
        page = pdf.new_page()
        page.insert_text((100, 90), "Other words, far above.", fontsize=11)
        page.insert_text((100, 400), SENTENCE, fontsize=11)
        if cropped:
            page.set_cropbox(pymupdf.Rect(50, 120, 560, 700))
        page.set_rotation(rotation)
        pdf.save(path, **save)
    return path


def boxes_of(path: Path, text: str = SENTENCE) -> list[list[float]]:
    """Where the analysis sees a text: by the words of the page before it is turned."""
    import pymupdf

    with pymupdf.open(path) as pdf:
        words = [w for w in pdf[1].get_textpage().extractWORDS() if w[4] in text.split()]
    left, top = min(w[0] for w in words), min(w[1] for w in words)
    return [[left, top, max(w[2] for w in words), max(w[3] for w in words)]]


@dataclass
class Pixels:
    """A picture as RGB samples, (height, width, 3)."""

    width: int
    height: int
    samples: bytes

    @property
    def is_blank(self) -> bool:
        return self.samples.count(255) == len(self.samples)

    def dark(self, area: tuple[int, int, int, int]) -> int:
        """How many pixels of an area (left, top, right, bottom) are ink."""
        left, top, right, bottom = area
        rows = (3 * self.width * y for y in range(top, bottom))
        return sum(
            red < 90 for row in rows for red in self.samples[row + 3 * left : row + 3 * right : 3]
        )


def pixels(png: bytes) -> Pixels:
    import pymupdf

    picture = pymupdf.Pixmap(png)
    assert picture.n == 3
    return Pixels(picture.width, picture.height, bytes(picture.samples))


def marked(png: bytes) -> tuple[tuple[int, int, int, int], int]:
    """The area of the yellow pixels (left, top, right, bottom), and how much ink lies in it."""
    picture = pixels(png)
    red, blue = picture.samples[::3], picture.samples[2::3]
    yellow = [
        number
        for number, (r, b) in enumerate(zip(red, blue, strict=True))
        if r > 200 and b < YELLOW_AT_MOST
    ]
    xs = [number % picture.width for number in yellow]
    ys = [number // picture.width for number in yellow]
    area = min(xs), min(ys), max(xs), max(ys)
    return area, picture.dark(area)


def problem(path: Path, page: int = 2, **options: Any) -> tuple[ErrorKind, str]:
    with pytest.raises(PictureError) as caught:
        draw_page(path, page, [[0, 0, 9, 9]], **options)
    told = caught.value.message
    assert told.endswith(".")
    assert "\n" not in told
    return caught.value.kind, told


def page_of(path: Path, content: bytes, media: bytes = b"0 0 612 792", more: bytes = b"") -> Path:
    """Write a PDF of one page with this content stream."""
    stream = zlib.compress(content, 1)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>>>" % (media, more),
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    body = b"%PDF-1.4\n"
    for number, item in enumerate(objects, 1):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    path.write_bytes(body + b"trailer<</Root 1 0 R>>\n%%EOF")
    return path
