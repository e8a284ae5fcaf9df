"""What a server, a redirect or a name server can make Assay do: nothing but fail in a sentence."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from analyzers.errors import ErrorKind, SourceError
from analyzers.sources.arxiv_api import ArxivId, fetch_records, make_web
from analyzers.sources.arxiv_id import find_arxiv_ids, parse_arxiv_id
from analyzers.sources.arxiv_pdf import download_pdf
from analyzers.sources.local import sort_out
from analyzers.sources.web import Web, read_limited
from tests.hostile.endings import Behaviour, drips, redirect, says, serving

OK = b"HTTP/1.1 200 OK\r\n"
SOURCES = (
    "http://127.0.0.1/abs/2410.09426", "http://localhost:8501/", "http://169.254.169.254/latest/",
    "http://[::1]/pdf/2410.09426", "http://2130706433/abs/2410.09426", "http://0x7f.1/",
    "file:///etc/passwd", "file://localhost/etc/passwd", "ftp://arxiv.org/abs/2410.09426",
    "gopher://arxiv.org/abs/2410.09426", "javascript:alert(1)", "data:text/html,2410.09426",
    "https://arxiv.org@evil.example/abs/2410.09426", "https://evil.example/arxiv.org/abs/2410.09426",
    "https://arxiv.org.evil.example/abs/2410.09426", "https://evilarxiv.org/abs/2410.09426",
    "https://arxiv.org:8501/abs/2410.09426", "https://arxiv.org\\@127.0.0.1/abs/2410.09426",
    "https://arxiv.org/abs/../../admin", "https://arxiv.org/abs/2410.09426/../../x",
    "//127.0.0.1/abs/2410.09426", "2410.09426@127.0.0.1", "2410.09426/../../etc/passwd",
    "http://arxiv.org%2eevil.example/abs/2410.09426", "http://arxiv.org%00.evil/abs/2410.09426",
)  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_an_address_elsewhere_is_no_source(source: str) -> None:
    assert parse_arxiv_id(source) is None
    found = sort_out([source])
    assert not found.ids
    assert not found.files
    assert [missing.kind for missing in found.missing] == [ErrorKind.NOT_FOUND]


def test_an_id_is_an_id_and_never_a_path() -> None:
    text = "arXiv:2410.09426/../x eprint = {../../etc/passwd} arxiv.org/abs/hep-th/9901001/../../x"
    for arxiv_id in find_arxiv_ids(text):
        assert "/" not in arxiv_id.file_name
        assert ".." not in arxiv_id.file_name


@pytest.fixture
def web(tmp_path: Path) -> Web:
    web = make_web(lock_file=tmp_path / "gate.lock", interval_s=0.0)
    web.backoff_s, web.retries, web.whole_s = 0.01, 0, 0.6
    return web


def refused(web: Web, url: str, most: int = 1 << 20) -> SourceError:
    with pytest.raises(SourceError) as caught, web.get(url) as answer:
        read_limited(answer, most)
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    "to",
    [
        "{inner}/", "//{host}/", "http://localhost:{port}/", "http://2130706433:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "file:///etc/passwd", "ftp://127.0.0.1/",
        "http://user:word@{outer}/", "http://[::1", "http://:99999/",
        "javascript:alert(1)", "http://127.0.0.1:99999999/", "http://\u2488/",
    ],
)  # fmt: skip
def test_a_redirect_elsewhere_is_not_followed(web: Web, to: str) -> None:
    with serving(says(OK + b"\r\nsecret")) as inner:
        target: list[str] = []
        with serving(lambda c, stop: redirect(target[0])(c, stop)) as outer:
            target.append(
                to.format(
                    inner=inner.url,
                    host=f"127.0.0.1:{inner.port}",
                    port=inner.port,
                    outer=f"127.0.0.1:{outer.port}",
                )
            )
            error = refused(web, outer.url)
            assert error.kind is ErrorKind.BAD_ANSWER
            assert len(outer.asked) == 1
            assert inner.asked == []


@pytest.mark.parametrize("to", ["/again", "http://", "\udcff\udcfe", "?", "#", "../../.."])
def test_a_redirect_on_the_same_server_is_followed_and_a_circle_ends(web: Web, to: str) -> None:
    with serving(redirect(to)) as server:
        assert "circle" in refused(web, server.url).message
        assert len(server.asked) == 6


def test_a_redirects_body_is_not_read(web: Web) -> None:
    head = OK.replace(b"200 OK", b"302 Found") + b"Location: /x\r\n\r\n"
    with serving(drips(head, b"x" * 65536, 0.0)) as server:
        assert "circle" in refused(web, server.url).message


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every name resolve to these addresses, the last ones from then on; return the names."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        listed = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in listed]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_resolves_to_this_machine_is_not_asked(
    web: Web, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(says(OK + b"\r\nsecret")) as inner:
        monkeypatch.setattr(
            "analyzers.sources.connecting._PORTS", {"http": inner.port, "https": inner.port}
        )
        resolving(monkeypatch, ["127.0.0.1"])
        error = refused(web, f"{scheme}://export.arxiv.org/")
        assert "private network (127.0.0.1)" in error.message
        assert inner.asked == []


def test_a_name_is_resolved_once_and_that_address_is_asked(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    connected: list[Any] = []

    def create_connection(address: Any, *_: Any, **__: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network in a test")

    monkeypatch.setattr("urllib3.util.connection.create_connection", create_connection)
    asked = resolving(monkeypatch, ["1.1.1.1", "10.0.0.1"], ["127.0.0.1"])
    assert refused(web, "http://export.arxiv.org/").kind is ErrorKind.OFFLINE
    assert asked == ["export.arxiv.org"]
    assert connected == [("1.1.1.1", 80)]


def bomb(size_mb: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size_mb)) + packer.flush()


def body(content: bytes, *headers: bytes) -> bytes:
    lines = [*headers, b"Content-Length: %d" % len(content)]
    return OK + b"\r\n".join(lines) + b"\r\n\r\n" + content


ANSWERS: dict[str, tuple[Behaviour, ErrorKind]] = {
    "a byte at a time, for ever": (
        drips(OK + b"Content-Length: 99999\r\n\r\n", b"x"), ErrorKind.TIMEOUT),
    "without a length, for ever": (drips(OK + b"\r\n", b"x"), ErrorKind.TIMEOUT),
    "in chunks, for ever": (
        drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), ErrorKind.TIMEOUT),
    "a header at a time": (drips(OK, b"X"), ErrorKind.TIMEOUT),
    "a status line at a time": (drips(b"HTTP", b"/"), ErrorKind.TIMEOUT),
    "headers without end": (drips(OK, b"X: y\r\n" * 50, 0.0), ErrorKind.OFFLINE),
    "a header without end": (drips(OK + b"X: ", b"y" * 9999, 0.0), ErrorKind.OFFLINE),
    "as much as there is": (drips(OK + b"\r\n", bytes(65536), 0.0), ErrorKind.TOO_LARGE),
    "less than announced": (says(OK + b"Content-Length: 99\r\n\r\nx"), ErrorKind.BAD_ANSWER),
    "two lengths": (
        says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"), ErrorKind.BAD_ANSWER),
    "a chunk of no size": (
        says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), ErrorKind.BAD_ANSWER),
    "nothing": (says(b""), ErrorKind.OFFLINE),
    "no HTTP": (says(b"\x00\xff" * 99), ErrorKind.OFFLINE),
    "a gzip bomb": (says(body(bomb(300), b"Content-Encoding: gzip")), ErrorKind.TOO_LARGE),
    "a bomb in a bomb": (
        says(body(gzip.compress(bomb(9)), b"Content-Encoding: gzip, gzip")), ErrorKind.BAD_ANSWER),
    "a bomb of another kind": (
        says(body(bomb(9), b"Content-Encoding: zstd")), ErrorKind.BAD_ANSWER),
    "gzip that is none": (says(body(b"x" * 99, b"Content-Encoding: gzip")), ErrorKind.BAD_ANSWER),
    "retry after ages": (
        says(b"HTTP/1.1 429 x\r\nRetry-After: " + b"9" * 500 + b"\r\n\r\n"),
        ErrorKind.RATE_LIMITED),
    "retry after a square": (
        says(b"HTTP/1.1 503 x\r\nRetry-After: \xb2\r\n\r\n"), ErrorKind.RATE_LIMITED),
    "retry after no date": (
        says(b"HTTP/1.1 503 x\r\nRetry-After: Fri, 99 Abc 99999 99:99:99 +9999\r\n\r\n"),
        ErrorKind.RATE_LIMITED),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_lies_ends_in_a_sentence(web: Web, name: str) -> None:
    behave, kind = ANSWERS[name]
    with serving(behave) as server:
        assert refused(web, server.url).kind is kind


def test_a_bomb_is_not_unpacked(web: Web) -> None:
    web.whole_s = 10.0
    content = body(bomb(100), b"Content-Encoding: gzip")
    with serving(says(content)) as server:
        tracemalloc.start()
        refused(web, server.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 16 << 20


LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10)
)
FEED = b"<feed xmlns='http://www.w3.org/2005/Atom'>%s</feed>"
ENTRY = b"<entry><id>http://arxiv.org/abs/2410.09426v1</id>%s</entry>"
FEEDS = {
    "laughs": b"<?xml version='1.0'?><!DOCTYPE feed [" + LAUGHS + b"]>"
    + FEED % (ENTRY % b"<title>&l9;</title>"),
    "a file": b"<?xml version='1.0'?><!DOCTYPE feed [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    + FEED % (ENTRY % b"<title>&x;</title>"),
    "deep": FEED % (b"<a>" * 5000 + b"</a>" * 5000),
    "an entry of nothing": FEED % b"<entry/>",
    "an entry without dates": FEED % (ENTRY % b"<title>x</title>"),
    "dates that are none": FEED
    % (ENTRY % b"<title>x</title><published>99</published><updated>0000-00-00</updated>"),
    "dates beyond time": FEED
    % (ENTRY % b"<title>x</title><published>9999999-01-01T00:00:00Z</published>"
       b"<updated>0001-01-01T00:00:00+23:59</updated>"),
    "totals that are none": FEED
    % (b"<opensearch:totalResults xmlns:opensearch='http://a9.com/-/spec/opensearch/1.1/'>"
       b"x</opensearch:totalResults>"),
    "an id elsewhere": FEED
    % (b"<entry><id>http://127.0.0.1/abs/../../x</id><title>x</title></entry>"),
    "bytes": FEED % b"\x00\xff\xfe",
    "utf-16": ("<?xml version='1.0' encoding='utf-16'?>" + (FEED % b"").decode()).encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_that_lies_gives_nothing_or_a_reason(web: Web, name: str) -> None:
    with serving(says(body(FEEDS[name], b"Content-Type: application/atom+xml"))) as server:
        try:
            records = fetch_records(["2410.09426"], base_url=server.url, web=web)
        except SourceError as error:
            assert error.kind in (ErrorKind.BAD_ANSWER, ErrorKind.BAD_REQUEST)
        else:
            told = [(record.title, record.abstract) for record in records]
            assert all(len(text) < 1000 and "root:" not in text for pair in told for text in pair)


def test_a_pdf_that_never_ends_leaves_nothing(web: Web, tmp_path: Path) -> None:
    head = OK + b"Content-Type: application/pdf\r\n\r\n%PDF-1.7\n"
    with serving(drips(head, b"x")) as server, pytest.raises(SourceError) as caught:
        download_pdf(ArxivId("2410.09426"), tmp_path / "p", base_url=server.url, web=web)
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert list((tmp_path / "p").iterdir()) == []
