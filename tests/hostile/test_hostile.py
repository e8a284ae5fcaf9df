"""Hostile files end in an analysis or a typed refusal, in bounded time; the parent never notices.

A thousand of them: `python -m benchmarks.hostile`.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from analyzers.errors import ErrorKind
from analyzers.isolation import analyze_files
from analyzers.pictures import PictureError, draw_page
from tests.hostile.bombs import all_bombs
from tests.hostile.mutants import mutant, small_bases

SEED = 20_261_124
MUTANTS = 60
PICTURES = 8
TIMEOUT_S = 2.0
READ = {"full", "partial", "abstract", "record"}
SLOW = {"forms_that_double.pdf", "operators_without_end.pdf"}
"""What takes longer than any limit that is of use."""
SAFE = {"another_file.html", "laughs.html", "actions.pdf", "a_title_that_steers.pdf"}
"""Harmless once nothing in them is followed: these are read."""


def outcome(result: dict[str, Any]) -> str:
    """Return how a file ended; fails for an answer that isn't one of the contract's."""
    json.dumps(result, ensure_ascii=False).encode()  # what a catalog and `--jsonl` must hold
    if "error" not in result:
        assert result["read"] in READ
        assert isinstance(result["claims"], list)
        return "read"
    error = result["error"]
    assert error["kind"] in set(ErrorKind)
    assert error["message"].endswith(".")
    assert "\n" not in error["message"]
    return str(error["kind"])


def drawn(path: Path) -> str:
    """Return how drawing the first page ended."""
    try:
        draw_page(path, 1, [[50, 50, 200, 70]], timeout_s=TIMEOUT_S)
    except PictureError as error:
        assert error.message.endswith(".")
        return str(error.kind)
    return "drawn"


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bombs")
    for name, data in all_bombs():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def mutants(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("mutants")
    bases = small_bases(tmp_path_factory.mktemp("bases"))
    made = [mutant(number, bases, SEED) for number in range(MUTANTS)]
    for name, data in made:
        (folder / name).write_bytes(data)
    return [folder / name for name, _ in made]


def test_every_bomb_gets_a_typed_answer(bombs: list[Path]) -> None:
    started = time.monotonic()
    results = list(analyze_files(bombs, workers=2, timeout_s=TIMEOUT_S))
    assert [Path(result["source"]) for result in results] == bombs
    ends = {path.name: outcome(result) for path, result in zip(bombs, results, strict=True)}
    assert {ends[name] for name in SLOW} <= {"timeout", "memory"}
    assert {ends[name] for name in SAFE} == {"read"}
    assert ends["locked.pdf"] == "encrypted"
    assert ends["thousands_of_pages.pdf"] == "too_many_pages"
    assert ends["a_count_that_lies.pdf"] == "unreadable"
    assert "crash" not in ends.values()
    told = str(results)
    assert "root:" not in told  # of /etc/passwd
    assert "ha" * 100 not in told  # of the entities
    assert time.monotonic() - started < len(bombs) * TIMEOUT_S / 2 + 10


def test_every_mutant_gets_a_typed_answer(mutants: list[Path]) -> None:
    results = list(analyze_files(mutants, workers=2, timeout_s=TIMEOUT_S, ordered=False))
    assert sorted(result["source"] for result in results) == sorted(map(str, mutants))
    ends = [outcome(result) for result in results]
    assert ends.count("read") >= 10  # else the damages would test the first bytes only
    assert len(set(ends)) >= 3


def test_every_picture_is_drawn_or_refused(mutants: list[Path], bombs: list[Path]) -> None:
    quick = [path for path in bombs if path.suffix == ".pdf" and path.name not in SLOW]
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(drawn, [*mutants[:PICTURES], *quick[::5]]))
    assert set(ends) - {"drawn"} <= set(ErrorKind)
    assert "drawn" in ends
    assert len(set(ends)) >= 2


def test_the_same_number_gives_the_same_file(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bases = small_bases(tmp_path)
    first = [mutant(number, bases, SEED) for number in range(20)]
    again = small_bases(tmp_path_factory.mktemp("again"))
    assert [mutant(number, again, SEED) for number in range(20)] == first
    assert len({data for _, data in first}) == 20
    assert [mutant(number, bases, SEED + 1) for number in range(20)] != first
