"""Pictures that are kept: their names, their surroundings, many at once."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.picturing.cache import PictureCache, key_of
from analyzers.picturing.child import AROUND_PT, surroundings


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
