"""Cells of tables as further places of a claim, and cells that only look like it."""

from __future__ import annotations

import pytest

from analyzers.claims import ExtractedClaim, extract_claims
from analyzers.document import Document, Kind, Sentence
from analyzers.tables import Cell, Table

BOX = (10.0, 10.0, 40.0, 20.0)


def table(*rows: tuple[str, ...], caption: str = "Table 1: Speed on long prompts.") -> Table:
    cells = tuple(
        tuple(
            Cell(text, r, c, (50.0 * c, 12.0 * r, 50.0 * c + 40, 12.0 * r + 10))
            for c, text in enumerate(row)
        )
        for r, row in enumerate(rows)
    )
    return Table("1", caption, 7, BOX, 1, cells)


def claim(*tables: Table, text: str = "QuickKV is 2.37x faster than vLLM.") -> ExtractedClaim:
    document = Document(
        kind="pdf",
        sentences=[Sentence(text, 1, "Evaluation")],
        title="QuickKV: a cache",
        tables=tables,
    )
    (found,) = extract_claims(document)
    return found


@pytest.mark.parametrize(
    "rows",
    [
        (("Method", "Speedup"), ("vLLM", "1.00x"), ("QuickKV", "2.37x")),
        (("Method", "Speedup"), ("vLLM", "1.00"), ("QuickKV", "2.37")),
        (("Method", "Latency"), ("QuickKV", "11 ms (2.37×)")),
    ],
)
def test_the_cell_is_a_place(rows: tuple[tuple[str, ...], ...]) -> None:
    *_, place = claim(table(*rows)).places
    assert place.kind is Kind.TABLE
    assert "2.37" in place.quote
    assert place.page == 7
    record = place.to_json()
    assert "QuickKV" in record["heads"]
    assert len(record["boxes"]) == 1


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        # another's row, another unit, another number, a round number, a header
        ((("Method", "Speedup"), ("MegaServe", "2.37x")), "QuickKV is 2.37x faster than vLLM."),
        ((("Method", "Loss (%)"), ("QuickKV", "2.37")), "QuickKV is 2.37x faster than vLLM."),
        ((("Method", "Speedup"), ("QuickKV", "2.73x")), "QuickKV is 2.37x faster than vLLM."),
        ((("Method", "Speedup"), ("QuickKV", "2x")), "QuickKV is 2x faster than vLLM."),
        ((("QuickKV", "2.37x"), ("QuickKV", "1.1x")), "QuickKV is 2.37x faster than vLLM."),
    ],
)
def test_it_is_none(rows: tuple[tuple[str, ...], ...], text: str) -> None:
    assert [place.kind for place in claim(table(*rows), text=text).places] == [Kind.SENTENCE]


def test_few_cells_and_no_claims_of_their_own() -> None:
    rows = [("Method", "Speedup"), *[("QuickKV", "2.37x")] * 9, ("QuickKV", "3.14x")]
    found = claim(table(*rows))
    assert [place.kind for place in found.places] == [Kind.SENTENCE] + [Kind.TABLE] * 3
