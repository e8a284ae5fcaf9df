"""arXiv: records and PDFs, and each failure told from the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.sources.arxiv_api import (
    ArxivId,
    SourceError,
    SourceKind,
    download_pdf,
    fetch_records,
    make_web,
)
from analyzers.sources.web import Web
from tests.analyzers.arxiv_server import PDF, Answer, Replica, replica

KEY = ArxivId("2412.91234")


@pytest.fixture
def server() -> Iterator[Replica]:
    with replica() as state:
        yield state


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.0)
    web.backoff_s = 0.01
    return web


def failure(web: Web, server: Replica) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch_records([KEY], base_url=server.url, web=web)
    assert caught.value.message.endswith(".")
    assert "Traceback" not in caught.value.message
    return caught.value


def test_records(server: Replica, web: Web) -> None:
    records = fetch_records(["2412.91234", "quant-ph/0201082"], base_url=server.url, web=web)
    assert [str(record.id) for record in records] == ["2412.91234v2", "quant-ph/0201082v1"]
    first = records[0]
    assert first.title == "QuickKV: Fast Caches"
    assert first.authors == ("Ada Mora", "Bela Kovacs")
    assert first.abstract.startswith("We present")
    assert first.published == "2024-09-01T12:00:00+00:00"
    assert first.categories == ("cs.LG",)
    assert first.url == "https://arxiv.org/abs/2412.91234v2"
    assert not first.withdrawn
    assert records.missing == []
    assert len(server.asked) == 1


def test_ids_that_did_not_come_are_told(server: Replica, web: Web) -> None:
    records = fetch_records(["2401.00001", KEY], base_url=server.url, web=web)
    assert [record.arxiv_id for record in records] == ["2412.91234"]
    assert records.missing == ["2401.00001"]


def test_a_version_that_did_not_come_is_missing(server: Replica, web: Web) -> None:
    records = fetch_records(["2412.91234v7"], base_url=server.url, web=web)
    assert list(records) == []
    assert records.missing == ["2412.91234v7"]


def test_a_query(server: Replica, web: Web) -> None:
    found = fetch_records(query="all:cache", max_results=2, base_url=server.url, web=web)
    assert len(found) == 2
    assert "max_results=2" in server.asked[0][1]


def test_the_contract_s_address_works_too(server: Replica, web: Web) -> None:
    assert len(fetch_records([KEY], base_url=f"{server.url}/api/query", web=web)) == 1


def test_withdrawn_is_flagged_and_its_pdf_is_told(
    server: Replica, web: Web, tmp_path: Path
) -> None:
    (record,) = fetch_records(["2412.95678"], base_url=server.url, web=web)
    assert record.withdrawn
    server.script = [Answer(404, b"gone")]
    with pytest.raises(SourceError, match="withdrawn") as caught:
        download_pdf(record, tmp_path, base_url=server.url, web=web)
    assert caught.value.kind is SourceKind.NOT_FOUND


def test_a_malformed_id_never_gets_there(server: Replica, web: Web) -> None:
    with pytest.raises(SourceError, match="no arXiv id") as caught:
        fetch_records(["abc"], base_url=server.url, web=web)
    assert caught.value.kind is SourceKind.BAD_REQUEST
    assert server.asked == []


def test_a_400_is_not_tried_again_and_says_why(server: Replica, web: Web) -> None:
    server.script = [server.answer("/api/query?id_list=abc&start=0&max_results=1")]
    error = failure(web, server)
    assert error.kind is SourceKind.BAD_REQUEST
    assert "incorrect id format for abc" in error.message
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_slow_down_is_obeyed(server: Replica, web: Web, status: int) -> None:
    server.script = [Answer(status, b"Rate exceeded.", {"Retry-After": "1"})]
    assert len(fetch_records([KEY], base_url=server.url, web=web)) == 1
    (first, _), (second, _) = server.asked
    assert second - first >= 1.0


def test_retries_have_an_end(server: Replica, web: Web) -> None:
    server.script = [Answer(429, b"Rate exceeded.") for _ in range(9)]
    error = failure(web, server)
    assert error.kind is SourceKind.RATE_LIMITED
    assert len(server.asked) == 1 + web.retries


def test_a_long_retry_after_is_told_not_waited_for(server: Replica, web: Web) -> None:
    server.script = [Answer(503, b"", {"Retry-After": "3600"})]
    error = failure(web, server)
    assert "60 min" in error.message
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"),
        Answer(body=b""),
        Answer(body=b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>x</id>"),
        Answer(body=b"<feed><entry>", announce=4000),
        Answer(500, b"oops"),
    ],
)
def test_no_feed_is_no_empty_result(server: Replica, web: Web, answer: Answer) -> None:
    server.script = [answer]
    assert failure(web, server).kind is SourceKind.BAD_ANSWER


def test_refused_is_not_tried_again(server: Replica, web: Web) -> None:
    server.script = [Answer(403, b"Access denied")]
    assert failure(web, server).kind is SourceKind.REFUSED
    assert len(server.asked) == 1


def test_silence_ends(server: Replica, web: Web) -> None:
    web.timeout = (0.3, 0.3)
    server.script = [Answer(delay_s=1.0)]
    assert failure(web, server).kind is SourceKind.TIMEOUT


def test_offline(web: Web) -> None:
    with pytest.raises(SourceError, match="Nothing was lost") as caught:
        fetch_records([KEY], base_url="http://127.0.0.1:9", web=web)
    assert caught.value.kind is SourceKind.OFFLINE


def test_a_pdf_arrives_whole_and_once(server: Replica, web: Web, tmp_path: Path) -> None:
    folder = tmp_path / "pdfs"
    path = download_pdf(ArxivId("quant-ph/0201082", 1), folder, base_url=server.url, web=web)
    assert path == folder / "quant-ph_0201082v1.pdf"
    assert path.read_bytes() == PDF
    download_pdf(ArxivId("quant-ph/0201082", 1), folder, base_url=server.url, web=web)
    assert len(server.asked) == 1
    assert [item.name for item in folder.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(body=b"<html>no PDF of this paper</html>"), SourceKind.NOT_A_PDF),
        (Answer(body=PDF, announce=9999), SourceKind.BAD_ANSWER),
        (Answer(404), SourceKind.NOT_FOUND),
        (Answer(403), SourceKind.REFUSED),
    ],
)
def test_no_pdf_leaves_nothing(
    server: Replica, web: Web, tmp_path: Path, answer: Answer, kind: SourceKind
) -> None:
    server.script = [answer]
    with pytest.raises(SourceError) as caught:
        download_pdf(KEY, tmp_path / "pdfs", base_url=server.url, web=web)
    assert caught.value.kind is kind
    assert not (tmp_path / "pdfs").exists()


def test_a_huge_answer_is_not_taken(
    server: Replica, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzers.sources.arxiv_api.MAX_PDF_BYTES", 1000)
    server.script = [Answer(body=PDF + b"x" * 5000)]
    with pytest.raises(SourceError) as caught:
        download_pdf(KEY, tmp_path, base_url=server.url, web=web)
    assert caught.value.kind is SourceKind.TOO_LARGE


def test_requests_keep_their_distance(server: Replica, tmp_path: Path) -> None:
    web = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.4)
    start = time.monotonic()
    for _ in range(3):
        fetch_records([KEY], base_url=server.url, web=web)
    assert time.monotonic() - start >= 0.8
    times = [moment for moment, _ in server.asked]
    assert min(b - a for a, b in pairwise(times)) >= 0.39
