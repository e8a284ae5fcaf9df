"""Pictures of pages: what is marked, what is kept, and every way in which there is none."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import pictures
from analyzers.errors import ErrorKind
from analyzers.pictures import PictureError, draw_page
from analyzers.picturing.cache import PictureCache, is_png, key_of
from analyzers.picturing.child import AROUND_PT, WIDTH, surroundings

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


def problem(path: Path, page: int = 2, **options: Any) -> tuple[ErrorKind, str]:
    with pytest.raises(PictureError) as caught:
        draw_page(path, page, [[0, 0, 9, 9]], **options)
    told = caught.value.message
    assert told.endswith(".")
    assert "\n" not in told
    return caught.value.kind, told


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


def test_the_surroundings_of_marks() -> None:
    assert surroundings([], 600, 800) == (0, 0, 600, 800)
    assert surroundings([(10, 300, 20, 310)], 600, 800) == (
        0,
        300 - AROUND_PT,
        600,
        310 + AROUND_PT,
    )
    assert surroundings([(10, 5, 20, 15)], 600, 800)[1] == 0
    assert surroundings([(10, 5, 20, 15), (300, 780, 400, 795)], 600, 800) == (0, 0, 600, 800)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.text(), st.floats(allow_nan=False), st.booleans(), st.none())))
def test_names_of_pictures_are_safe(parts: list[Any]) -> None:
    assert len(key_of(parts)) == 64
    assert key_of(parts).isalnum()
    assert key_of(parts) == key_of(list(parts))


def png_of(size: int, fill: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + fill * size + b"IEND\xaeB`\x82"


def test_the_cache_keeps_what_was_asked_for_last(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "kept", max_bytes=5000)
    for number in range(4):
        cache.put(f"{number}", png_of(1000, b"x"))
        os.utime(tmp_path / "kept" / f"{number}.png", (number, number))
    assert cache.get("0") is not None  # asked for: the newest now
    cache.put("4", png_of(1500, b"x"))
    assert [key for key in "01234" if cache.get(key)] == ["0", "2", "3", "4"]
    total = sum(path.stat().st_size for path in (tmp_path / "kept").iterdir())
    assert total <= 5000


def test_a_damaged_entry_and_a_folder_that_can_not_be_are_no_harm(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "kept")
    cache.put("a", png_of(10, b"x"))
    file = tmp_path / "kept" / "a.png"
    file.write_bytes(file.read_bytes()[:-3])
    assert cache.get("a") is None
    abandoned = tmp_path / "kept" / ".b.png.1.2.part"
    abandoned.write_bytes(b"half")
    os.utime(abandoned, (1, 1))
    cache.put("c", png_of(10, b"x"))
    assert not abandoned.exists()
    (tmp_path / "file").write_text("not a folder")
    nowhere = PictureCache(tmp_path / "file")
    nowhere.put("a", png_of(10, b"x"))
    assert nowhere.get("a") is None


def test_readers_and_writers_at_once(tmp_path: Path) -> None:
    wrong: list[str] = []
    stop = time.monotonic() + 1.5

    def work(number: int) -> None:
        cache = PictureCache(tmp_path / "kept", max_bytes=40_000)
        while time.monotonic() < stop:
            for key in range(12):
                data = cache.get(str(key))
                if data is not None and data != png_of(9000, bytes([65 + key])):
                    wrong.append(f"{number} read a torn {key}")
                cache.put(str(key), png_of(9000, bytes([65 + key])))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not list((tmp_path / "kept").glob(".*"))
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 50_000


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
