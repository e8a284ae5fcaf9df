"""Ruled tables on pages drawn here: captions, rules, rows, columns, headers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from analyzers.document import Document, Kind, read_document
from analyzers.reading.grid import read_grid
from analyzers.tables import Cell, Table, is_number

PROSE = (
    "We measure the speed of decoding on one card and compare it with the usual engines. The rows "
    "of the table give the model, the columns the number of tokens that are decoded at a time. "
)
SPEED = [
    ["Model", "Batch 1", "Batch 8", "Speedup"],
    ["Small-1B", "10.5", "80.2", "1.50×"],
    ["Middle-7B", "5.25", "40.1", "2.25×"],
    ["Large-70B", "-", "9.75", "3.10×"],
]


class Sheet:
    """A PDF with one page, drawn upon in points from the top left."""

    def __init__(self) -> None:
        pymupdf: Any = import_module("pymupdf")
        self.pdf = pymupdf.open()
        self.page = self.pdf.new_page()

    def prose(self, y: float, times: int = 2) -> None:
        box = (60, y, 550, y + 100)
        assert self.page.insert_textbox(box, PROSE * times, fontsize=10, fontname="helv") >= 0

    def write(self, x: float, y: float, text: str, size: float = 9) -> None:
        self.page.insert_text((x, y), text, fontsize=size, fontname="helv")

    def rule(self, y: float, x0: float, x1: float) -> None:
        self.page.draw_line((x0, y), (x1, y), width=0.6)

    def bar(self, x: float, y0: float, y1: float) -> None:
        self.page.draw_line((x, y0), (x, y1), width=0.4)

    def rows(
        self, rows: Sequence[Sequence[str]], y: float, xs: Sequence[float], pitch: float = 12
    ) -> float:
        for number, row in enumerate(rows):
            for x, text in zip(xs, row, strict=True):
                if text:
                    self.write(x, y + pitch * number, text)
        return y + pitch * len(rows)

    def read(self, folder: Path, **how: Any) -> Document:
        path = folder / "table.pdf"
        self.pdf.save(path)
        self.pdf.close()
        return read_document(path, **how)


def texts(table: Table) -> list[list[str]]:
    """Return the table as a full matrix, cells over several columns repeated."""
    return [
        [cell.text if (cell := table.at(row, column)) else "" for column in range(table.columns)]
        for row in range(len(table.rows))
    ]


def booktabs(sheet: Sheet, y: float, xs: Sequence[float] = (90, 200, 280, 360)) -> float:
    """Draw `SPEED` with its three rules; return where it ends."""
    left, right = xs[0] - 5, xs[-1] + 60
    sheet.rule(y, left, right)
    sheet.rows(SPEED[:1], y + 11, xs)
    sheet.rule(y + 16, left, right)
    end = sheet.rows(SPEED[1:], y + 27, xs)
    sheet.rule(end - 6, left, right)
    return end


@pytest.mark.parametrize("above", [True, False], ids=["caption above", "caption below"])
def test_a_table_with_three_rules(tmp_path: Path, above: bool) -> None:
    sheet = Sheet()
    sheet.prose(60)
    if above:
        sheet.write(90, 150, "Table 3: Tokens a second and speedup.")
        booktabs(sheet, 158)
    else:
        end = booktabs(sheet, 140)
        sheet.write(90, end + 8, "Table 3: Tokens a second and speedup.")
    sheet.prose(260)
    document = sheet.read(tmp_path)
    (table,) = document.tables
    assert (table.number, table.page, table.header_rows) == ("3", 1, 1)
    assert table.caption == "Table 3: Tokens a second and speedup."
    assert texts(table) == SPEED
    # what stands in cells is no sentence; the caption is one
    assert "Middle-7B" not in document.text
    assert [s.text for s in document.sentences if s.kind is Kind.CAPTION] == [table.caption]
    assert document.text.count("We measure the speed") == 4


def test_a_cell_is_evidence(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(90, 150, "Table 1: Tokens a second.")
    booktabs(sheet, 158)
    sheet.prose(260)
    path = tmp_path / "again.pdf"
    sheet.pdf.save(path)
    (table,) = sheet.read(tmp_path).tables
    cell = next(cell for cell in table.cells if cell.text == "2.25×")
    evidence = table.evidence(cell)
    assert (evidence.row_header, evidence.column_header) == ("Middle-7B", "Speedup")
    x0, y0, x1, y1 = evidence.box
    pymupdf: Any = import_module("pymupdf")
    with pymupdf.open(path) as pdf:
        words = pdf[evidence.page - 1].get_text("words")
    assert [w[4] for w in words if x0 < (w[0] + w[2]) / 2 < x1 and y0 < (w[1] + w[3]) / 2 < y1] == [
        "2.25×"
    ]


def test_tables_can_be_left_out(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(90, 150, "Table 1: Tokens a second.")
    booktabs(sheet, 158)
    sheet.prose(260)
    document = sheet.read(tmp_path, tables=False)
    assert document.tables == ()
    assert "We measure the speed" in document.text


def test_a_header_over_two_columns(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(90, 100, "Table 2: Perplexity of two models.")
    sheet.rule(108, 85, 420)
    sheet.write(215, 119, "Small model")
    sheet.write(335, 119, "Large model")
    sheet.rule(123, 195, 300)
    sheet.rule(123, 315, 420)
    xs = (90, 200, 260, 320, 380)
    sheet.rows([["Method", "Wiki", "C4", "Wiki", "C4"]], 134, xs)
    sheet.rule(139, 85, 420)
    sheet.rows(
        [["Plain", "5.47", "7.26", "4.88", "6.73"], ["Ours", "5.61", "7.44", "4.99", ""]], 150, xs
    )
    sheet.rule(168, 85, 420)
    sheet.prose(300)
    (table,) = sheet.read(tmp_path).tables
    assert table.header_rows == 2
    cell = table.at(2, 3)
    assert cell is not None
    assert cell.text == "4.88"
    assert table.column_header(cell) == "Large model Wiki"
    assert texts(table)[0] == ["", "Small model", "Small model", "Large model", "Large model"]
    assert texts(table)[3] == ["Ours", "5.61", "7.44", "4.99", ""]


def test_a_label_beside_several_rows(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(90, 100, "Table 4: Latency in ms.")
    xs = (90, 170, 260, 340)
    sheet.rule(108, 85, 400)
    sheet.rows([["Group", "Method", "CPU", "GPU"]], 119, xs)
    sheet.rule(124, 85, 400)
    for y, label in ((135, "Decode"), (164, "Prefill")):
        sheet.write(90, y + 6, label)
        sheet.rows([["", "Plain", "10.5", "3.25"], ["", "Ours", "8.25", "1.75"]], y, xs)
        sheet.rule(y + 17, 85, 400)
    sheet.prose(300)
    (table,) = sheet.read(tmp_path).tables
    assert texts(table)[1:] == [
        ["Decode", "Plain", "10.5", "3.25"],
        ["Decode", "Ours", "8.25", "1.75"],
        ["Prefill", "Plain", "10.5", "3.25"],
        ["Prefill", "Ours", "8.25", "1.75"],
    ]
    ours = table.at(4, 3)
    assert ours is not None
    assert table.row_header(ours) == "Prefill Ours"


def test_two_tables_side_by_side(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(60, 100, "Table 1: Left one.")
    sheet.write(330, 100, "Table 2: Right one.")
    booktabs(sheet, 108, (60, 120, 165, 210))
    booktabs(sheet, 108, (330, 390, 435, 480))
    sheet.prose(300)
    tables = sheet.read(tmp_path).tables
    assert [table.number for table in tables] == ["1", "2"]
    assert [texts(table) for table in tables] == [SPEED, SPEED]


def test_a_table_without_top_and_bottom_rule(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(60, 100, "Table 6: A rule below the header is all there is.")
    xs = (90, 200, 280, 360)
    sheet.rows(SPEED[:1], 125, xs)
    sheet.rule(129, 85, 420)
    end = sheet.rows(SPEED[1:], 140, xs)
    sheet.bar(190, 116, end - 9)
    sheet.prose(300)
    (table,) = sheet.read(tmp_path).tables
    assert texts(table) == SPEED


def test_a_title_row_names_the_rows_below_it(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(90, 100, "Table 5: Accuracy.")
    xs = (90, 200, 280, 360)
    sheet.rule(108, 85, 420)
    sheet.rows([["Method", "MMLU", "GSM8K", "Mean"]], 119, xs)
    sheet.rule(124, 85, 420)
    sheet.write(215, 135, "Middle model")
    sheet.rows([["Plain", "45.5", "30.1", "37.8"], ["Ours", "45.1", "29.9", "37.5"]], 147, xs)
    sheet.rule(164, 85, 420)
    sheet.prose(300)
    (table,) = sheet.read(tmp_path).tables
    ours = table.at(3, 2)
    assert ours is not None
    assert (ours.text, table.column_header(ours)) == ("29.9", "GSM8K")
    assert texts(table)[2:] == [["Plain", "45.5", "30.1", "37.8"], ["Ours", "45.1", "29.9", "37.5"]]


def test_prose_about_a_table_and_a_figure_are_no_tables(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.prose(60)
    sheet.write(
        60, 150, "The gain is largest for the small model and falls for all others, see also", 10
    )
    sheet.write(
        60, 162, "Table 7. It is smaller where the batch is large and the model is small too.", 10
    )
    sheet.rule(300, 90, 300)
    sheet.rule(400, 90, 300)
    sheet.write(90, 420, "Figure 2: A plot between two lines.")
    sheet.prose(500)
    document = sheet.read(tmp_path)
    assert document.tables == ()
    assert "see also Table 7." in document.text


def test_running_text_between_rules_is_kept(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.rule(50, 60, 550)
    sheet.prose(60, times=3)
    sheet.rule(200, 60, 550)
    sheet.write(60, 215, "Table 8: A caption whose table is not there.")
    document = sheet.read(tmp_path)
    assert document.tables == ()
    assert document.text.count("We measure the speed") == 3


def test_a_page_of_lines_costs_little(tmp_path: Path) -> None:
    from time import process_time

    sheet = Sheet()
    sheet.write(60, 60, "Table 9: A grid of thousands of lines.")
    shape = sheet.page.new_shape()
    for step in range(6000):
        shape.draw_line((60, 80 + step * 0.1), (60 + step % 400, 80 + step * 0.1))
        shape.finish(width=0.1)
    shape.commit()
    for row in range(60):
        sheet.write(60, 100 + 10 * row, f"Table {row}: " + "1.5   " * 9, 7)
    started = process_time()
    sheet.read(tmp_path)
    assert process_time() - started < 20


def test_headers_and_numbers() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    head = (Cell("Wide", 0, 1, box, columns=2),)
    row = (Cell("A", 1, 0, box), Cell("1", 1, 1, box), Cell("2", 1, 2, box))
    table = Table("1", "Table 1", 1, box, 1, (head, row))
    assert table.columns == 3
    assert table.column_header(row[2]) == "Wide"
    assert table.row_header(row[2]) == "A"
    assert table.column_header(head[0]) == ""
    assert table.at(5, 0) is None
    assert [is_number(text) for text in ("1.7×", "-", "12 ms", "W4A16", "Ours", "85%")] == [
        *(True, True, False, True, False, True),
    ]


@pytest.mark.parametrize("far", [1e9, float("inf"), float("nan")])
def test_words_at_absurd_places_make_no_table(far: float) -> None:
    words = [(x, y, x + 20, y + 9, "1.5") for x in (10.0, 90.0) for y in (10.0, 22.0, 34.0)]
    assert read_grid(words, (0, 0, 200, 60), [], [], []) is not None
    absurd = [*words, (far, 10.0, far, 19.0, "7")]
    assert read_grid(absurd, (0, 0, far, 60), [], [], []) is None
