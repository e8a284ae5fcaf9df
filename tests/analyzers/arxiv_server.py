"""A replica of arXiv on the loopback: records, PDFs, and every way to fail, by script.

Its answers have the form of those recorded of the service in 2026 (single-quoted declaration, all
namespaces on the feed, http ids with versions, items per page as asked for), with papers that never
were. By hand, over a folder of PDFs named by their ids:

    python -m tests.analyzers.arxiv_server FOLDER
    ASSAY_ARXIV_URL=http://127.0.0.1:8043/api/query assay add 2412.91234
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" \
xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/replica</id>
  <title>arXiv Query: search_query={query}&amp;id_list={ids}&amp;start={start}\
&amp;max_results={page}</title>
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
{comment}    <arxiv:primary_category term="cs.LG"/>
{journal}{authors}  </entry>
"""
_AUTHOR = """    <author>
      <name>{name}</name>
      <arxiv:affiliation>Institute of Examples</arxiv:affiliation>
    </author>
"""
_ERROR = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" \
xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/</id>
  <title>arXiv Search Results</title>
  <opensearch:itemsPerPage>1</opensearch:itemsPerPage>
  <opensearch:totalResults>1</opensearch:totalResults>
  <opensearch:startIndex>0</opensearch:startIndex>
  <entry>
    <id>https://arxiv.org/api/errors#{code}</id>
    <title>Error</title>
    <summary>{why}</summary>
    <author>
      <name>arXiv api core</name>
    </author>
  </entry>
</feed>
"""


@dataclass
class Entry:
    """A paper that the replica has; `pdf` None is a paper without one."""

    title: str
    version: int = 1
    comment: str | None = None
    authors: Sequence[str] = ("Ada Mora", "Bela Kovacs")
    abstract: str = "We present QuickKV. It is 2.4 times faster than vLLM."
    journal: str | None = None
    pdf: Callable[[], bytes] | None = None


@dataclass
class Answer:
    """What to say to one request; `announce` None sends the body's own length, -1 none at all."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    announce: int | None = None


def front_page(
    title: str, stamp: str | None = None, authors: str = "Ada Mora, Bela Kovacs"
) -> bytes:
    """Return a PDF of one page with a title, authors, and arXiv's stamp if there is one."""
    import pymupdf

    with pymupdf.open() as pdf:
        page = pdf.new_page()
        page.insert_textbox((60, 70, 540, 140), title, fontsize=17)
        page.insert_text((60, 160), authors, fontsize=11)
        page.insert_text((60, 200), "Abstract", fontsize=12)
        text = (
            "We present a key-value cache that needs no retraining and works as a drop-in. It is "
            "2.4 times faster than vLLM on an RTX 4090 at batch size 1, and takes less memory. "
        )
        page.insert_textbox((60, 210, 540, 330), text * 2, fontsize=10)
        page.insert_text((60, 350), "1 Introduction", fontsize=12)
        page.insert_textbox((60, 360, 540, 600), "Language models keep keys and values. " * 9)
        if stamp:
            page.insert_text((30, 500), f"arXiv:{stamp} [cs.LG] 1 Oct 2024", fontsize=14, rotate=90)
        return bytes(pdf.tobytes(no_new_id=True))


def _papers() -> dict[str, Entry]:
    return {
        "2412.91234": Entry(
            "QuickKV: Fast\n   Caches", 2, pdf=lambda: front_page("QuickKV: Fast Caches")
        ),
        "2412.95678": Entry("A Paper Taken Back", 2, "This paper has been withdrawn by the author"),
        "quant-ph/0201082": Entry(
            "An Old Paper",
            journal="Phys.Example 65, 2002",
            pdf=lambda: front_page("An Old Paper", "quant-ph/0201082v1"),
        ),
        "2104.91225": Entry("0", authors=("Zero",)),
    }


@dataclass
class Replica:
    """The server's address, its papers, scripted answers that come first, and what was asked."""

    url: str = ""
    papers: dict[str, Entry] = field(default_factory=_papers)
    script: list[Answer] = field(default_factory=list)
    asked: list[tuple[float, str]] = field(default_factory=list)
    unreadable: tuple[str, ...] = ("abc",)
    """Ids that this arXiv calls malformed."""
    open_now: int = 0
    most_open: int = 0

    def feed(self, ids: list[str], start: int, page: int, query: str = "") -> bytes:
        """Return one page of the feed; unknown ids and versions are left out."""
        entries = []
        for asked in ids:
            key, _, version = asked.partition("v")
            paper = self.papers.get(key)
            if paper is None or (version and int(version) > paper.version):
                continue
            comment = (
                f"    <arxiv:comment>{escape(paper.comment)}</arxiv:comment>\n"
                if paper.comment
                else ""
            )
            journal = (
                f"    <arxiv:journal_ref>{paper.journal}</arxiv:journal_ref>\n"
                if paper.journal
                else ""
            )
            entries.append(
                _ENTRY.format(
                    id=key,
                    version=int(version or paper.version),
                    title=escape(paper.title),
                    comment=comment,
                    journal=journal,
                    abstract=escape(paper.abstract),
                    authors="".join(_AUTHOR.format(name=escape(name)) for name in paper.authors),
                )
            )
        shown = "".join(entries[start : start + page])
        return _FEED.format(
            page=page,
            total=len(entries),
            start=start,
            entries=shown,
            ids=",".join(ids) if not query else "",
            query=escape(query),
        ).encode()

    def answer(self, target: str) -> Answer:
        """Return what arXiv says to a request."""
        parts = urlsplit(target)
        if parts.path.startswith("/pdf/"):
            paper = self.papers.get(parts.path.removeprefix("/pdf/").split("v")[0])
            if paper is None or paper.pdf is None:
                return Answer(404, b"no such paper")
            return Answer(body=paper.pdf())
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        ids = [item for item in asked.get("id_list", "").split(",") if item]
        for item in ids:
            if item in self.unreadable:
                why = f"incorrect id format for {item}"
                return Answer(400, _ERROR.format(code=why.replace(" ", "_"), why=why).encode())
        query = asked.get("search_query", "")
        ids = ids or list(self.papers)
        return Answer(body=self.feed(ids, int(asked["start"]), int(asked["max_results"]), query))


@contextmanager
def replica(port: int = 0) -> Iterator[Replica]:
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
                if length >= 0:
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

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(folder: str) -> None:
    """Serve the PDFs of a folder, each named by its id, until interrupted."""
    with replica(8043) as server:
        for path in sorted(Path(folder).glob("*.pdf")):
            server.papers[path.stem] = Entry(path.stem, pdf=path.read_bytes)
        print(f"{len(server.papers)} papers at {server.url}/api/query", file=sys.stderr)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
