"""PDFs from arXiv: whole, of the right paper, or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.errors import ErrorKind, SourceError
from analyzers.sources.arxiv_api import ArxivId, PaperRecord, fetch_records, make_web
from analyzers.sources.arxiv_pdf import download_pdf
from analyzers.sources.identity import FrontPage, is_of
from analyzers.sources.web import Web
from tests.analyzers.arxiv_server import Answer, Replica, front_page, replica
from tests.conftest import CORPUS

KEY = ArxivId("2412.91234")
OLD = ArxivId("quant-ph/0201082", 1)


@pytest.fixture
def server() -> Iterator[Replica]:
    with replica() as state:
        yield state


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.0)
    web.backoff_s = 0.01
    return web


@pytest.fixture
def record(server: Replica, web: Web) -> PaperRecord:
    [found] = fetch_records([KEY], base_url=server.url, web=web)
    server.asked.clear()
    return found


def refusal(server: Replica, web: Web, paper: PaperRecord | ArxivId, folder: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        download_pdf(paper, folder, base_url=server.url, web=web)
    assert not [path for path in folder.glob("*") if path.is_file()], "nothing is left"
    return caught.value


def test_a_pdf_arrives_whole_and_once(server: Replica, web: Web, tmp_path: Path) -> None:
    folder = tmp_path / "pdfs"
    path = download_pdf(OLD, folder, base_url=server.url, web=web)
    assert path == folder / "quant-ph_0201082v1.pdf"
    assert path.read_bytes().startswith(b"%PDF-")
    download_pdf(OLD, folder, base_url=server.url, web=web)
    assert len(server.asked) == 1
    assert [item.name for item in folder.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("answer", "kind", "requests"),
    [
        (Answer(body=b"<html>no PDF of this paper</html>"), ErrorKind.NOT_A_PDF, 1),
        (Answer(body=b"%PDF-1.7\nnothing else\n%%EOF\n"), ErrorKind.NOT_A_PDF, 1),
        (Answer(body=front_page("QuickKV"), announce=99_999), ErrorKind.BAD_ANSWER, 2),
        (Answer(body=front_page("QuickKV")[:-300], announce=-1), ErrorKind.BAD_ANSWER, 2),
        (Answer(404), ErrorKind.NOT_FOUND, 1),
        (Answer(403), ErrorKind.REFUSED, 1),
    ],
)
def test_no_pdf_leaves_nothing(
    server: Replica, web: Web, tmp_path: Path, answer: Answer, kind: ErrorKind, requests: int
) -> None:
    server.script = [answer] * 2
    assert refusal(server, web, KEY, tmp_path / "pdfs").kind is kind
    assert len(server.asked) == requests


def test_a_download_that_breaks_off_starts_anew(
    server: Replica, web: Web, record: PaperRecord, tmp_path: Path
) -> None:
    whole = front_page("QuickKV: Fast Caches")
    server.script = [Answer(body=whole[:500], announce=len(whole))]
    path = download_pdf(record, tmp_path / "pdfs", base_url=server.url, web=web)
    assert path.read_bytes() == whole
    assert len(server.asked) == 2


def test_what_a_killed_process_left_is_swept_away(
    server: Replica, web: Web, record: PaperRecord, tmp_path: Path
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".2412.91234v2.pdf.{dead.pid}.part"
    alive = tmp_path / f".2412.91111v1.pdf.{os.getppid()}.part"
    for part in (left, alive):
        part.write_bytes(b"%PDF-1.7 half of a")
    download_pdf(record, tmp_path, base_url=server.url, web=web)
    assert not left.exists()
    assert alive.exists()


@pytest.mark.parametrize(
    ("title", "stamp", "is_taken"),
    [
        ("QuickKV: Fast Caches", None, True),
        ("QUICKKV: FAST CACHES", "2412.91234v2", True),
        ("An Entirely Different Title", "2412.91234v2", True),  # its title was changed since
        ("A Study of Quantum Gravity", "2412.99999v1", False),
        ("A Study of Quantum Gravity", None, False),
    ],
)
def test_the_first_page_decides_whose_it_is(
    server: Replica,
    web: Web,
    record: PaperRecord,
    tmp_path: Path,
    title: str,
    stamp: str | None,
    is_taken: bool,
) -> None:
    server.script = [Answer(body=front_page(title, stamp))]
    if is_taken:
        assert download_pdf(record, tmp_path / "pdfs", base_url=server.url, web=web).is_file()
    else:
        error = refusal(server, web, record, tmp_path / "pdfs")
        assert error.kind is ErrorKind.WRONG_PAPER
        assert "Quantum Gravity" in error.message


def test_without_a_record_the_stamp_alone_is_compared() -> None:
    words = "words enough to be a page of text"
    assert is_of(FrontPage(words), KEY, None)
    assert is_of(FrontPage(f"{words}\narXiv:2412.91234v1 [cs.LG] 1 Oct 2024\n"), KEY, None)
    assert not is_of(FrontPage(f"{words}\narXiv:2412.00001v1 [cs.LG] 1 Oct 2024\n"), KEY, None)
    assert is_of(FrontPage(""), KEY, "A Scan Has No Text")


def test_a_withdrawn_paper_s_pdf_is_told(server: Replica, web: Web, tmp_path: Path) -> None:
    [taken_back] = fetch_records(["2412.95678"], base_url=server.url, web=web)
    error = refusal(server, web, taken_back, tmp_path / "pdfs")
    assert error.kind is ErrorKind.NOT_FOUND
    assert "withdrawn" in error.message


def test_a_huge_answer_is_not_taken(
    server: Replica, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzers.sources.arxiv_pdf.MAX_PDF_BYTES", 1000)
    server.script = [Answer(body=front_page("QuickKV") + b"x" * 5000)]
    assert refusal(server, web, KEY, tmp_path / "pdfs").kind is ErrorKind.TOO_LARGE


@pytest.mark.corpus
def test_the_file_that_bears_another_paper_s_name(
    server: Replica, web: Web, record: PaperRecord, tmp_path: Path
) -> None:
    """It was published as FlashAttention-3, and is a physics paper."""
    server.script = [Answer(body=(CORPUS / "pdfs" / "2407.08568.pdf").read_bytes())]
    asked_for = replace(
        record,
        arxiv_id="2407.08608",
        title="FlashAttention-3: Fast and Accurate Attention with Asynchrony and Low-precision",
    )
    error = refusal(server, web, asked_for, tmp_path / "pdfs")
    assert error.kind is ErrorKind.WRONG_PAPER
    assert "2407.08568" in error.message
