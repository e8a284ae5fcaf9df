"""Pictures of pages: what is marked, and every way in which there is none."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from analyzers import pictures
from analyzers.errors import ErrorKind
from analyzers.pictures import draw_page
from analyzers.picturing.cache import is_png
from analyzers.picturing.child import AROUND_PT, WIDTH
from tests.analyzers.picture_files import (
    boxes_of,
    marked,
    pixels,
    problem,
    write_pdf,
)


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdf(tmp_path_factory.mktemp("pictures") / "paper.pdf")


def test_the_quote_is_marked_and_the_page_is_cut_around_it(pdf: Path) -> None:
    boxes = boxes_of(pdf)
    png = draw_page(pdf, 2, boxes)
    picture = pixels(png)
    scale = WIDTH / 595
    height = boxes[0][3] - boxes[0][1] + 2 * AROUND_PT
    assert (picture.width, picture.height) == pytest.approx((WIDTH, height * scale), abs=3)
    area, dark = marked(png)
    expected = [
        boxes[0][0] * scale,
        AROUND_PT * scale,
        boxes[0][2] * scale,
        (AROUND_PT + boxes[0][3] - boxes[0][1]) * scale,
    ]
    assert area == pytest.approx(expected, abs=4)
    assert dark > 500  # the words can be read through the mark


def test_the_whole_page_and_a_page_without_marks(pdf: Path) -> None:
    whole = pixels(draw_page(pdf, 2, boxes_of(pdf), whole=True))
    assert (whole.width, whole.height) == pytest.approx((WIDTH, WIDTH * 842 / 595), abs=2)
    bare = draw_page(pdf, 1)
    assert pixels(bare).height == whole.height
    assert pixels(bare).is_blank


@pytest.mark.parametrize(
    ("rotation", "cropped"), [(90, False), (180, False), (270, True), (0, True)]
)
def test_marks_follow_a_page_that_is_turned_or_cropped(
    rotation: int, cropped: bool, tmp_path: Path
) -> None:
    path = write_pdf(tmp_path / "turned.pdf", rotation=rotation, cropped=cropped)
    png = draw_page(path, 2, boxes_of(path), whole=True)
    area, dark = marked(png)
    wide = area[2] - area[0] > area[3] - area[1]
    assert wide == (rotation in (0, 180))
    assert dark > 500  # the mark lies on the sentence, not beside it
    picture = pixels(png)
    outside = picture.dark((0, 0, picture.width, picture.height)) - dark
    assert outside == 0 if cropped else outside > 300


def test_boxes_that_are_none_are_left_out(pdf: Path) -> None:
    strange: list[Any] = [
        [], [1], [float("nan")] * 4, ["a", 1, 2, 3], [1e300] * 4, [-50, -50, -10, -10],
        [900, 900, 990, 990], [100, 100, 100, 100],
    ]  # fmt: skip
    assert pixels(draw_page(pdf, 1, strange)).is_blank
    area, _ = marked(draw_page(pdf, 2, [*strange, *boxes_of(pdf)], whole=True))
    assert area == marked(draw_page(pdf, 2, boxes_of(pdf), whole=True))[0]


def test_a_picture_is_kept_by_what_it_shows(
    pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    boxes = boxes_of(pdf)
    drawn = draw_page(pdf, 2, boxes, cache=cache)
    moved = tmp_path / "the same under another name.pdf"
    moved.write_bytes(pdf.read_bytes())
    monkeypatch.setattr(pictures, "_ask_child", None)  # nothing is drawn any more
    started = time.perf_counter()
    assert draw_page(pdf, 2, boxes, cache=cache) == drawn
    assert time.perf_counter() - started < 0.05
    assert draw_page(moved, 2, boxes, cache=cache) == drawn
    for page, other, whole in ((1, boxes, False), (2, boxes, True), (2, [], False)):
        with pytest.raises(TypeError):
            draw_page(pdf, page, other, whole=whole, cache=cache)
    names = [path.name for path in cache.iterdir()]
    assert len(names) == 1
    assert names[0].removesuffix(".png").isalnum()


def test_the_first_picture_takes_less_than_a_second(pdf: Path) -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        draw_page(pdf, 2, boxes_of(pdf))
        times.append(time.perf_counter() - started)
    assert min(times) < 1.0


def test_a_file_that_is_gone_changed_or_none(pdf: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.pdf"
    assert problem(path)[0] == ErrorKind.NOT_FOUND
    assert problem(tmp_path)[0] == ErrorKind.NOT_FOUND
    assert problem(Path("nul\0byte"))[0] == ErrorKind.NOT_FOUND
    path.write_bytes(pdf.read_bytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert is_png(draw_page(path, 2, content_hash=digest))
    write_pdf(path, rotation=90)
    kind, told = problem(path, content_hash=digest)
    assert kind == ErrorKind.CHANGED
    assert "assay refresh" in told
    path.write_text("<html>no PDF</html>")
    assert problem(path)[0] == ErrorKind.NOT_A_PDF


def test_a_page_that_is_not_there(pdf: Path) -> None:
    for page in (0, -1, 3, 10**9):
        kind, told = problem(pdf, page)
        assert kind == ErrorKind.NO_SUCH_PAGE
        assert "2 pages" in told


def test_a_locked_and_a_damaged_file(pdf: Path, tmp_path: Path) -> None:
    import pymupdf

    locked = write_pdf(
        tmp_path / "locked.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="a", owner_pw="b"
    )
    assert problem(locked)[0] == ErrorKind.ENCRYPTED
    noise = tmp_path / "noise.pdf"
    noise.write_bytes(b"%PDF-1.7\n" + os.urandom(5000))
    assert problem(noise)[0] in (ErrorKind.UNREADABLE, ErrorKind.NO_SUCH_PAGE)
    large = tmp_path / "large.pdf"
    with large.open("wb") as stream:
        stream.write(b"%PDF-1.7\n")
        stream.truncate((64 << 20) + 1)
    assert problem(large)[0] == ErrorKind.TOO_LARGE


def test_many_at_once_are_drawn_in_turn(pdf: Path) -> None:
    drawn: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: drawn.append(draw_page(pdf, 2, boxes_of(pdf))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 6
    assert len(set(drawn)) == 1
