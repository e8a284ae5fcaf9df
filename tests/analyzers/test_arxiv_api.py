"""arXiv: records and PDFs, and each failure told from the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.errors import ErrorKind, SourceError
from analyzers.sources.arxiv_api import ArxivId, PaperRecord, fetch_records, make_web
from analyzers.sources.web import Web
from tests.analyzers.arxiv_server import Answer, Entry, Replica, replica
from tests.conftest import CORPUS

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


def test_withdrawn_is_flagged(server: Replica, web: Web) -> None:
    (record,) = fetch_records(["2412.95678"], base_url=server.url, web=web)
    assert record.withdrawn
    assert PaperRecord.from_json(record.to_json()) == record


def test_a_record_as_old_ones_are(server: Replica, web: Web) -> None:
    (record,) = fetch_records(["quant-ph/0201082v1"], base_url=server.url, web=web)
    assert record.journal_ref == "Phys.Example 65, 2002"
    assert record.comment is None
    assert record.abstract.startswith("We present")  # two spaces stand before it
    (zero,) = fetch_records(["2104.91225"], base_url=server.url, web=web)
    assert zero.title == "0"


def test_an_id_that_arxiv_cannot_read_spoils_no_other(server: Replica, web: Web) -> None:
    bad = ArxivId("foo/0201082")
    server.unreadable = (str(bad),)
    asked = ["2412.91234", bad, "quant-ph/0201082", "2104.91225"]
    records = fetch_records(asked, base_url=server.url, web=web)
    assert [r.arxiv_id for r in records] == ["2412.91234", "quant-ph/0201082", "2104.91225"]
    assert records.missing == ["foo/0201082"]
    assert len(server.asked) <= 5


def many(server: Replica, count: int = 250) -> None:
    server.papers = {f"2412.{n:05d}": Entry(f"Paper {n}") for n in range(count)}


def test_many_results_come_by_pages(server: Replica, web: Web) -> None:
    many(server)
    found = fetch_records(query="all:paper", max_results=240, base_url=server.url, web=web)
    assert len({record.arxiv_id for record in found}) == 240
    assert found.trouble is None
    assert len(server.asked) == 3
    ids = list(server.papers)
    assert len(fetch_records(ids, base_url=server.url, web=web)) == 250
    assert len(server.asked) == 6


def test_what_came_before_a_failure_is_kept(server: Replica, web: Web) -> None:
    many(server)
    first = server.answer("/api/query?search_query=all:paper&start=0&max_results=100")
    server.script = [first, Answer(body=b"<html>")]
    found = fetch_records(query="all:paper", max_results=240, base_url=server.url, web=web)
    assert len(found) == 100
    assert found.trouble is not None and found.trouble.kind is ErrorKind.BAD_ANSWER


def test_a_malformed_id_never_gets_there(server: Replica, web: Web) -> None:
    with pytest.raises(SourceError, match="no arXiv id") as caught:
        fetch_records(["abc"], base_url=server.url, web=web)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert server.asked == []


def test_a_400_is_not_tried_again_and_says_why(server: Replica, web: Web) -> None:
    server.script = [server.answer("/api/query?id_list=abc&start=0&max_results=1")]
    error = failure(web, server)
    assert error.kind is ErrorKind.BAD_REQUEST
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
    assert error.kind is ErrorKind.RATE_LIMITED
    assert len(server.asked) == 1 + web.retries


def test_a_long_retry_after_is_told_not_waited_for(server: Replica, web: Web) -> None:
    server.script = [Answer(503, b"", {"Retry-After": "3600"})]
    error = failure(web, server)
    assert "60 min" in error.message
    assert failure(web, server).kind is ErrorKind.RATE_LIMITED
    assert len(server.asked) == 1, "what was asked for holds for the next request too"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"),
        Answer(body=b""),
        Answer(body=b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>x</id>"),
        Answer(body=b"<feed><entry>", announce=4000),
        Answer(body=b"<feed xmlns='http://www.w3.org/2005/Atom'><entry></feed>"),
        Answer(body=b"<feed xmlns='http://www.w3.org/2005/Atom'><x>&unknown;</x></feed>"),
        Answer(500, b"oops"),
    ],
)
def test_no_feed_is_no_empty_result(server: Replica, web: Web, answer: Answer) -> None:
    server.script = [answer]
    assert failure(web, server).kind is ErrorKind.BAD_ANSWER


def test_an_error_entry_with_status_200_is_no_empty_result(server: Replica, web: Web) -> None:
    bad = server.answer("/api/query?id_list=abc&start=0&max_results=1")
    server.script = [Answer(200, bad.body)]
    error = failure(web, server)
    assert error.kind is ErrorKind.BAD_REQUEST
    assert "incorrect id format for abc" in error.message


def test_refused_is_not_tried_again_by_anybody(server: Replica, web: Web, tmp_path: Path) -> None:
    server.script = [Answer(403, b"Access denied")]
    assert failure(web, server).kind is ErrorKind.REFUSED
    other = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.0)
    told = failure(other, server)
    assert told.kind is ErrorKind.REFUSED
    assert "60 min" in told.message
    assert len(server.asked) == 1


def test_silence_ends(server: Replica, web: Web) -> None:
    web.timeout = (0.3, 0.3)
    server.script = [Answer(delay_s=1.0)]
    assert failure(web, server).kind is ErrorKind.TIMEOUT


def test_offline(web: Web) -> None:
    with pytest.raises(SourceError, match="Nothing was lost") as caught:
        fetch_records([KEY], base_url="http://127.0.0.1:9", web=web)
    assert caught.value.kind is ErrorKind.OFFLINE


def test_requests_keep_their_distance(server: Replica, tmp_path: Path) -> None:
    web = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.4)
    start = time.monotonic()
    for _ in range(3):
        fetch_records([KEY], base_url=server.url, web=web)
    assert time.monotonic() - start >= 0.8
    times = [moment for moment, _ in server.asked]
    assert min(b - a for a, b in pairwise(times)) >= 0.39


RECORDED = CORPUS / "arxiv_recorded"


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("one_entry", 1),
        ("affiliation_journal_ref", 1),
        ("title_is_0", 1),
        ("two_ids_one_unknown", 1),
        ("unknown_id_200_empty", 0),
        ("search_page_of_10", 10),
    ],
)
def test_answers_recorded_of_the_service(server: Replica, web: Web, name: str, count: int) -> None:
    server.script = [Answer(body=(RECORDED / f"{name}.xml").read_bytes())]
    found = fetch_records(query="all:testing", max_results=count or 1, base_url=server.url, web=web)
    assert len(found) == count
    for record in found:
        assert record.version >= 1 and record.title and record.authors and record.abstract
        assert record.published <= record.updated
        assert not record.withdrawn
    if name == "title_is_0":
        assert found[0].title == "0"
    if name == "affiliation_journal_ref":
        assert (found[0].arxiv_id, found[0].journal_ref) == (
            "astro-ph/0601001",
            "ActaAstron.56:1-50,2006",
        )


@pytest.mark.corpus
def test_the_recorded_refusal_says_why(server: Replica, web: Web) -> None:
    server.script = [Answer(400, (RECORDED / "malformed_id_400.xml").read_bytes())]
    error = failure(web, server)
    assert error.kind is ErrorKind.BAD_REQUEST
    assert "incorrect id format for abc" in error.message
    assert len(server.asked) == 1
