"""Pages of very many papers: what they keep of the catalog, and figures that are long or alike."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

from app.web.components.compare import _table
from app.web.components.ranking_table import _columns
from app.web.components.text import count
from app.web.kept import Kept
from app.workflows.compare import Line


def test_an_answer_is_made_once_for_a_version_and_none_of_before_is_held() -> None:
    kept, made = Kept(2), []

    def ask(question: str, version: int) -> str:
        def work() -> str:
            made.append((question, version))
            return f"{question}{version}"

        return kept.answer(question, version, work)

    assert [ask("a", 1), ask("a", 1), ask("b", 1), ask("a", 2), ask("a", 2)] == [
        "a1", "a1", "b1", "a2", "a2",
    ]  # fmt: skip
    assert made == [("a", 1), ("b", 1), ("a", 2)]
    ask("c", 1)  # the third: b was asked for the longest ago
    assert [ask("a", 2), ask("b", 1)] == ["a2", "b1"] and made[-2:] == [("c", 1), ("b", 1)]


def test_who_asks_meanwhile_waits_for_the_one_answer_and_a_failure_is_not_kept() -> None:
    kept, begun, go_on = Kept(2), threading.Event(), threading.Event()
    times = []

    def slow() -> int:
        times.append(1)
        begun.set()
        assert go_on.wait(10)
        return 7

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.answer("a", 1, slow))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (found, times) == ([7, 7, 7], [1])

    def broken() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.answer("b", 1, broken)
    assert kept.answer("b", 1, lambda: 3) == 3


def test_ranks_beyond_the_thousand_get_room_and_the_reason_gives_it_up() -> None:
    def widths(rank: int, moved: str | None) -> list[int]:
        known = {"rank": rank, "moved": moved, "weighted": None, "interval": "1.00–2.00"}
        frame = pd.DataFrame([known])
        columns = _columns(str, frame, few=False)
        return [columns[name]["width"] for name in ("rank", "moved", "why")]

    few, many = widths(9, None), widths(100_010, "▼ 99991")
    assert sum(few) == sum(many) and many[0] == few[0] + 24 and many[1] > few[1]
    assert [count(100_010), count(7), count(None)] == ["100,010", "7", "–"]


def test_figures_that_read_alike_are_not_marked_as_ahead() -> None:
    rows = [{"title": "One"}, {"title": "Two"}]
    line = Line("Whole run", "ratio", (1.451, 1.449), best=(0,))
    other = Line("Score", "score", (7.93, 7.89), best=(0,))
    told = _table(rows, [line, other], str).replace("\\", "")
    assert "| Whole\u00a0run | 1.45x | 1.45x |" in told
    assert "▲ **7.93** | 7.89" in told and told.count("≠") == 1
