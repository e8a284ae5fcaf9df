"""From lines to sentences: what interrupts a paragraph, what ends it, how broken words join."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from analyzers.document import Document, Kind, Section, read_document
from analyzers.reading.headings import Outline, find_headings
from analyzers.reading.layout import Line, Page
from analyzers.reading.prose import Vocabulary, _glue

LINES = (
    "We measure the time of a whole step with all of its layers and find that the small",
    "kernels take a large part of it, which grows with the length of the prompt that the",
    "model has to read before it can write, as the next section shows in more detail for",
    "all of the models and for both of the cards that were at hand when we wrote this up.",
)


def read(folder: Path, texts: Sequence[tuple[float, float, str, float]]) -> Document:
    """Read a page with each text at (x, y) in its size, each a block of its own."""
    pymupdf: Any = import_module("pymupdf")
    pdf = pymupdf.open()
    page = pdf.new_page()
    for x, y, text, size in texts:
        page.insert_text((x, y), text, fontsize=size, fontname="helv")
    path = folder / "page.pdf"
    pdf.save(path)
    pdf.close()
    return read_document(path)


def paragraph(y: float, lines: Sequence[str] = LINES) -> list[tuple[float, float, str, float]]:
    return [(60, y + 12 * number, line, 10) for number, line in enumerate(lines)]


def test_parts_of_a_figure_do_not_interrupt_a_sentence(tmp_path: Path) -> None:
    figure = [
        (80.0, 300.0, "(a) Prefill of long prompts", 9.0),
        (320.0, 300.0, "(b) Decoding at batch 1", 9.0),
        (60.0, 320.0, "Figure 3: Time of both phases by the length of the prompt.", 9.0),
    ]
    document = read(tmp_path, [*paragraph(100, LINES[:2]), *figure, *paragraph(400, LINES[2:])])
    sentences = [s.text for s in document.sentences if s.kind is Kind.SENTENCE]
    assert sentences == [" ".join(LINES)]
    captions = [s.text for s in document.sentences if s.kind is Kind.CAPTION]
    assert "Figure 3: Time of both phases by the length of the prompt." in captions


def test_the_last_word_of_a_paragraph_is_no_heading(tmp_path: Path) -> None:
    ending = (
        *LINES[:3],
        "all of the models, and explains what both of the cards made of it in these",
        "results.",
    )
    document = read(tmp_path, [(60, 80, "1 Introduction", 12), *paragraph(100, ending)])
    assert [section.title for section in document.sections] == ["1 Introduction"]
    assert document.sentences[-1].text.endswith("in these results.")


def test_a_reference_list_goes_on_to_the_next_heading(tmp_path: Path) -> None:
    entry = [
        "[1] A. Nother and B. Other. A cache that is 7.7× faster than ours on all of the",
        "cards that anybody has. In the yearly meeting on machine learning and its",
        "evaluation",
        "of large models, with a claim of 9.9× in the title of the paper that is cited.",
    ]
    document = read(
        tmp_path,
        [
            *paragraph(100),
            (60, 200, "References", 12),
            *paragraph(220, entry),
        ],
    )
    assert "7.7×" not in document.text
    assert "9.9×" not in document.text


def test_a_caption_of_several_lines_is_one_passage(tmp_path: Path) -> None:
    caption = [
        (
            60.0,
            300.0,
            "Table 2: Speed of the small and of the large model with all of the engines that",
            9.0,
        ),
        (
            60.0,
            311.0,
            "could be built on the card, in tokens a second, where a dash says that the engine",
            9.0,
        ),
        (60.0, 322.0, "has no path for the model.", 9.0),
    ]
    document = read(tmp_path, [*paragraph(100), *caption])
    captions = [s.text for s in document.sentences if s.kind is Kind.CAPTION]
    assert captions == [" ".join(text for _, _, text, _ in caption)]


def test_an_algorithms_steps_are_no_sentences(tmp_path: Path) -> None:
    steps = [
        "1: for each of the blocks in the list do",
        "2: load the block and add it to the sum",
        "3: end for",
    ]
    document = read(tmp_path, [*paragraph(100), *paragraph(300, steps)])
    assert "load the block" not in document.text


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("Abstract—The growth of models", "The growth of models"),
        ("Abstract. We present a cache", "We present a cache"),
        ("ABSTRACT — We present a cache", "We present a cache"),
        ("Abstract: abstract, and long", "abstract, and long"),
    ],
)
def test_a_heading_that_shares_its_line_with_the_text(line: str, rest: str) -> None:
    words = [(0.0, 0.0, 1.0, 1.0, word, 0, 0, n) for n, word in enumerate(line.split())]
    first = Line(1, 0, list(words), 0, text=line)
    pages = [Page(1, 612.0, 792.0, [first])]
    assert find_headings(pages, Outline(), 10.0) == [Section("Abstract", 1)]
    assert [(at.text, at.heading) for at in pages[0].lines] == [
        ("Abstract", "Abstract"),
        (rest, None),
    ]


def _vocabulary(*texts: str) -> Vocabulary:
    lines = []
    for number, text in enumerate(texts):
        words = [(0.0, 0.0, 1.0, 1.0, word) for word in text.split()]
        lines.append(Line(1, 0, list(words), number, text=text))
    return Vocabulary([Page(1, 612.0, 792.0, lines)])


@pytest.mark.parametrize(
    ("before", "after", "glue"),
    [
        ("infer-", "ence", ""),  # the paper has it whole elsewhere
        ("low-", "rank", "-"),  # and this with its hyphen
        ("in-", "creased", ""),  # no word goes on so
        ("out-", "performs", ""),  # two words that are one
        ("over-", "head", ""),
        ("per-", "formed", ""),
        ("multi-", "plications", ""),
        ("multi-", "tenancy", "-"),
        ("per-", "channel", "-"),
        ("perform-", "ing", ""),  # a word of the paper, but its rest is none
        ("time-", "consuming,", "-"),  # ends compounds
        ("post-", "training", "-"),  # opens compounds
        ("GPT-", "3", "-"),
        ("Megatron-", "LM", "-"),
        ("MOON-", "CAKE", ""),
        ("35B-", "A3B", "-"),
        ("32-", "budget", "-"),
        ("time", "and", None),
        ("-", "and", None),
        ("sparse\u00ad", "ly", ""),
    ],
)
def test_how_broken_words_join(before: str, after: str, glue: str | None) -> None:
    vocabulary = _vocabulary(
        "inference with low-rank weights can perform well and in less time",
        "and we keep on perform-",
        "ing it",
    )
    assert _glue(before, after, vocabulary) == glue
