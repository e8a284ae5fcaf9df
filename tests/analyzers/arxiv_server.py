"""A replica of arXiv on the loopback: records, PDFs, and every way to fail, by script."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PDF = b"%PDF-1.4\n% a PDF as far as its first line goes\n%%EOF\n"

_FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" \
xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/replica</id>
  <title>arXiv Query: search_query=&amp;id_list=&amp;start=0&amp;max_results=100</title>
  <updated>2026-11-01T00:00:00Z</updated>
  <link href="https://arxiv.org/api/query" type="application/atom+xml"/>
  <opensearch:itemsPerPage>{page}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>
"""
_ENTRY = """  <entry>
    <id>http://arxiv.org/abs/{id}v{version}</id>
    <title>{title}</title>
    <updated>2024-10-01T12:00:00Z</updated>
    <link href="https://arxiv.org/abs/{id}v{version}" rel="alternate" type="text/html"/>
    <link href="https://arxiv.org/pdf/{id}v{version}" rel="related" type="application/pdf" \
title="pdf"/>
    <summary>  {abstract}</summary>
    <category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <published>2024-09-01T12:00:00Z</published>
    <arxiv:comment>{comment}</arxiv:comment>
    <arxiv:primary_category term="cs.LG"/>
    <author><name>Ada Mora</name></author>
    <author><name>Bela Kovacs</name></author>
  </entry>
"""
_MALFORMED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom"><entry>
<id>https://arxiv.org/api/errors#incorrect</id><title>Error</title>
<summary>incorrect id format for abc</summary></entry></feed>
"""


@dataclass
class Answer:
    """What to say to one request; `body` None closes the connection in the middle."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    announce: int | None = None


@dataclass
class Replica:
    """The server's address, its papers, scripted answers that come first, and what was asked."""

    url: str = ""
    papers: dict[str, tuple[str, int, str]] = field(
        default_factory=lambda: {
            "2412.91234": ("QuickKV: Fast\n   Caches", 2, "none"),
            "2412.95678": ("A Paper Taken Back", 1, "This paper has been withdrawn"),
            "quant-ph/0201082": ("An Old Paper", 1, "none"),
        }
    )
    script: list[Answer] = field(default_factory=list)
    asked: list[tuple[float, str]] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    def feed(self, ids: list[str], start: int, page: int) -> bytes:
        entries = [
            _ENTRY.format(
                id=key,
                version=self.papers[key][1],
                title=self.papers[key][0],
                comment=self.papers[key][2],
                abstract="We present QuickKV. It is 2.4 times faster than vLLM.",
            )
            for key in ids
            if key in self.papers
        ]
        shown = "".join(entries[start : start + page])
        return _FEED.format(page=page, total=len(entries), start=start, entries=shown).encode()

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        if parts.path.startswith("/pdf/"):
            key = parts.path.removeprefix("/pdf/").split("v")[0]
            return Answer(body=PDF) if key in self.papers else Answer(404, b"no such paper")
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        ids = [item.split("v")[0] for item in asked.get("id_list", "").split(",") if item]
        if any(item == "abc" for item in ids):
            return Answer(400, _MALFORMED.encode())
        ids = ids or list(self.papers)
        return Answer(body=self.feed(ids, int(asked["start"]), int(asked["max_results"])))


@contextmanager
def replica() -> Iterator[Replica]:
    """Run the replica for the length of the block."""
    state = Replica()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                state.asked.append((time.monotonic(), self.path))
                state.open_now += 1
                state.most_open = max(state.most_open, state.open_now)
                answer = state.script.pop(0) if state.script else state.answer(self.path)
            time.sleep(answer.delay_s)
            try:
                self.send_response(answer.status)
                length = len(answer.body) if answer.announce is None else answer.announce
                self.send_header("Content-Length", str(length))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                pass  # the client went away, as it should after its time-out
            finally:
                with lock:
                    state.open_now -= 1
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
