"""PDF, Markdown, HTML and text as documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.document import Document, Kind, Sentence, Token, read_document
from analyzers.reading.splitting import split_sentences
from tests.analyzers.papers import ABSTRACT, MARKDOWN, REFERENCES, TITLE, make_pdf


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return read_document(make_pdf(tmp_path_factory.mktemp("pdf") / "paper.pdf"))


def test_front_page(paper: Document) -> None:
    assert paper.title == TITLE
    assert paper.authors == ["Ada Mora", "Bela Kovacs"]
    assert paper.abstract is not None
    assert paper.abstract.startswith("Serving large language models")
    assert paper.abstract.endswith("are small.")
    assert (paper.arxiv_id, paper.arxiv_version) == ("2412.91234", 2)


def test_shape(paper: Document) -> None:
    assert (paper.pages, paper.kind) == (4, "pdf")
    titles = [(section.title, section.page) for section in paper.sections]
    assert titles == [
        ("Abstract", 1),
        ("Introduction", 1),
        ("Method", 1),
        ("Results", 2),
        ("References", 4),
    ]


def test_columns_are_read_one_after_the_other(paper: Document) -> None:
    text = paper.text
    assert text.index("consumer GPUs.") < text.index("Our method stores")
    assert "on with words only so that the column has lines enough" in " ".join(text.split())


def test_what_is_no_prose_is_left_out(paper: Document) -> None:
    assert REFERENCES[:20] not in paper.text
    assert "Model-3" not in paper.text
    assert "QuickKV: Fast Low-Rank Caches\n" not in paper.text
    assert [s.text for s in paper.sentences if s.kind is Kind.CAPTION] == [
        "Table 1: Speed of decoding."
    ]


def test_boxes_hold_the_words(paper: Document, tmp_path: Path) -> None:
    import pymupdf

    sentence = next(s for s in paper.sentences if "respectively" in s.text)
    boxes = sentence.boxes()
    assert sentence.page == 2
    assert len(boxes) >= 2
    with pymupdf.open(make_pdf(tmp_path / "again.pdf")) as pdf:
        inside = " ".join(pdf[1].get_textbox(pymupdf.Rect(box)) for box in boxes)
    assert "1.9" in inside
    assert "xformers" in inside


def test_a_one_column_paper_without_outline(tmp_path: Path) -> None:
    paper = read_document(make_pdf(tmp_path / "one.pdf", columns=1, outline=False, stamp=None))
    assert paper.columns == 1
    assert paper.arxiv_id is None
    assert [s.title for s in paper.sections] == [
        "Abstract",
        "1 Introduction",
        "3 Results",
        "References",
    ]


def test_a_sentence_over_a_page_end() -> None:
    tokens = (
        Token(0, 1, 7, (1, 1, 9, 9)),
        Token(6, 2, 0, (1, 1, 9, 9)),
        Token(12, 2, 0, (9, 1, 20, 9)),
    )
    sentence = Sentence("alpha bravo delta", 1, tokens=tokens)
    assert [sentence.page_at(offset) for offset in (0, 6, 14)] == [1, 2, 2]
    assert sentence.span_on_page(2) == (6, 17)
    assert sentence.boxes(6) == [(1, 1, 20, 9)]


def test_markdown(tmp_path: Path) -> None:
    path = tmp_path / "post.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    post = read_document(path)
    assert (post.title, post.authors) == (TITLE, ["Ada Mora", "Bela Kovacs"])
    assert (post.kind, post.pages) == ("markdown", None)
    assert post.abstract is not None
    assert post.abstract.split() == ABSTRACT.split()
    assert "3.3×" not in post.text
    assert "99×" not in post.text
    assert "7.7×" not in post.text
    assert "See the page and" in post.text


def test_html(tmp_path: Path) -> None:
    path = tmp_path / "post.html"
    path.write_text(
        f"<!doctype html><html><head><title>{TITLE}</title>"
        "<script>var x = '9x faster';</script></head><body><nav>Home of many menu words</nav>"
        f"<h1>{TITLE}</h1><h2>Abstract</h2><p>{ABSTRACT}</p><h2>Results</h2>"
        "<p>QuickKV is <b>2.4×</b> faster<br>than vLLM &amp; others.</p></body></html>",
        encoding="utf-8",
    )
    post = read_document(path)
    assert post.title == TITLE
    assert "9x faster" not in post.text
    assert "menu" not in post.text
    assert "QuickKV is 2.4× faster" in post.text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It is fast, e.g. on GPUs. It is small.", 2),
        ("Nother et al. (2020) show it. See Fig. 3 and Eq. 4 for more.", 2),
        ("It gains 2.3. We are glad.", 2),
        (
            "See the gain in Table 1. However, it is small. It is in Section 4.5. After all, so.",
            4,
        ),
        ("We win by 1.5 times! Why? Nobody knows.", 3),
        ("It does A. Smith say so", 1),
        ("", 0),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count
