"""Ids in all their forms; files and folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import ReadError
from analyzers.sources.arxiv_id import ArxivId, find_arxiv_ids, parse_arxiv_id
from analyzers.sources.local import FileKind, expand, sniff, sort_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2410.09426", ("2410.09426", None)),
        ("2410.09426v4", ("2410.09426", 4)),
        (" arXiv:2410.09426v4 ", ("2410.09426", 4)),
        ("https://arxiv.org/abs/2410.09426", ("2410.09426", None)),
        ("http://arxiv.org/pdf/2410.09426v2.pdf", ("2410.09426", 2)),
        ("https://export.arxiv.org/pdf/2410.09426", ("2410.09426", None)),
        ("arxiv.org/html/2410.09426v1?x=1#S3", ("2410.09426", 1)),
        ("10.48550/arXiv.2410.09426", ("2410.09426", None)),
        ("https://doi.org/10.48550/arXiv.2410.09426", ("2410.09426", None)),
        ("0704.0001", ("0704.0001", None)),
        ("quant-ph/0201082v1", ("quant-ph/0201082", 1)),
        ("cs.cl/0301001", ("cs/0301001", None)),
        ("math.GT/0309136v2", ("math/0309136", 2)),
        ("https://arxiv.org/abs/hep-th/9901001", ("hep-th/9901001", None)),
    ],
)
def test_ids(text: str, expected: tuple[str, int | None]) -> None:
    found = parse_arxiv_id(text)
    assert found is not None
    assert (found.id, found.version) == expected


@pytest.mark.parametrize(
    "text",
    [
        "abc", "", "2413.00001", "2410.1", "1410.00001", "2410.0942", "0601.0001", "3.14159",
        "2410.09426v0", "https://example.org/abs/2410.09426", "../../etc/passwd", "paper.pdf",
        "2410.09426 OR 1=1", "2410.09426\n2410.09427",
    ],
)  # fmt: skip
def test_no_ids(text: str) -> None:
    assert parse_arxiv_id(text) is None


@given(st.integers(7, 99), st.integers(1, 12), st.integers(0, 9999), st.integers(1, 99))
def test_ids_read_back(year: int, month: int, number: int, version: int) -> None:
    digits = 5 if year >= 15 else 4
    text = f"{year:02d}{month:02d}.{number:0{digits}d}v{version}"
    assert str(parse_arxiv_id(text)) == text
    assert "/" not in ArxivId(text).file_name


@given(st.text(max_size=200))
def test_any_text_is_taken_without_harm(text: str) -> None:
    parse_arxiv_id(text)
    find_arxiv_ids(text)


BIBLIOGRAPHY = """
@article{a, title={One}, eprint={2410.09426}, archivePrefix={arXiv}}
@misc{b, url = {https://arxiv.org/abs/2405.03917v2}}
@article{c, journal={arXiv preprint arXiv:2405.03917}, year={2024}, doi={10.1145/2410.09999}}
@article{DBLP:d, journal = {CoRR}, volume = {abs/2501.01005}, timestamp = {2410.09998}}
@misc{e, Eprint = "arXiv:quant-ph/0201082v1"}
"""


def test_expand(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "sub").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("b.pdf", "a.MD", "sub/c.html", ".hidden/d.pdf", ".e.pdf", "photo.png"):
        (folder / name).write_text("x")
    bibliography = tmp_path / "refs.bib"
    bibliography.write_text(BIBLIOGRAPHY)
    (tmp_path / "empty").mkdir()
    found = expand(
        [folder, folder / "b.pdf", bibliography, tmp_path / "empty", tmp_path / "nowhere.pdf"]
    )
    assert [str(path.relative_to(folder)) for path in found.files] == [
        "a.MD",
        "b.pdf",
        "sub/c.html",
    ]
    assert [str(item) for item in found.ids] == [
        "2410.09426",
        "2405.03917v2",
        "2501.01005",
        "quant-ph/0201082v1",
    ]
    assert [item.kind for item in found.missing] == ["empty", "not_found"]
    assert "nowhere.pdf" in str(found.missing[1].reason)


def test_ids_and_paths_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "2410.09426").write_text("a file with an id for a name")
    sources = ["2410.09426", " 2405.03917v2 ", "2405.03917v2", "https://arxiv.org/abs/2410.02367"]
    found = sort_out([*sources, "nowhere", "x" * 5000, "a\0b", ""])
    assert [path.name for path in found.files] == ["2410.09426"]
    assert [str(item) for item in found.ids] == ["2405.03917v2", "2410.02367"]
    assert [item.path[:7] for item in found.missing] == ["nowhere", "xxxxxxx", "a\0b"]
    assert "neither a file or folder nor an arXiv id" in str(found.missing[0].reason)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_text("x")
    (tmp_path / "round").symlink_to(tmp_path)
    assert len(expand([tmp_path]).files) == 1


def test_sniff_goes_by_content(tmp_path: Path) -> None:
    named_wrong = tmp_path / "paper.txt"
    named_wrong.write_bytes(b"%PDF-1.5 and so on")
    assert sniff(named_wrong) is FileKind.PDF
    page = tmp_path / "page.txt"
    page.write_text("<!-- hello --><!DOCTYPE html><html>")
    assert sniff(page) is FileKind.HTML
    image = tmp_path / "image.pdf"
    image.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ReadError, match="PNG"):
        sniff(image)
