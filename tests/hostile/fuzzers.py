"""The parsers of what comes from outside, with inputs made by chance: each ends as it says.

Text is made of the parser's own words as well as of any characters, so that chance gets past its
first line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st

from tests.hostile.texts import PIECES

Strategy = st.SearchStrategy[Any]


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """A parser, what it is given, and the errors that say in a sentence what is wrong."""

    inputs: Strategy
    parse: Callable[[Any], object]
    typed: tuple[type[Exception], ...] = ()


def mixed(*words: str) -> Strategy:
    """Text of these words, hostile pieces and any characters."""
    part = st.sampled_from((*words, *PIECES)) | st.text(max_size=8) | st.integers().map(str)
    return st.lists(part, max_size=14).map("".join)


def as_bytes(text: Strategy) -> Strategy:
    """The same as bytes, some of them cut or with a byte changed."""

    def damage(made: tuple[str, int, int]) -> bytes:
        content = bytearray(made[0].encode("utf-8", "surrogatepass"))
        if made[1] % 3 == 1:
            del content[made[1] % (len(content) + 1) :]
        elif made[1] % 3 == 2 and content:
            content[made[1] % len(content)] = made[2]
        return bytes(content)

    return st.tuples(text, st.integers(0, 10_000), st.integers(0, 255)).map(damage)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from([10**400, -1, 0.0, "ok", "\ud800", "2026-11-24T00:00:00+00:00"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["median", "low", "high", "pass", "name", "role", "roles"])
                      | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def changed_run(changes: dict[str, Any]) -> dict[str, Any]:
    """Return a run document whose run, and whose environment, has some values of chance."""
    from tests.app.run_documents import document, run

    return document(run() | changes, **{k: v for k, v in changes.items() if k in ENVIRONMENT})


ENVIRONMENT = ("device_id", "device_class", "started_at", "noise_floor", "rates", "device_name")
FIELDS = (*ENVIRONMENT, "prototype", "case", "part", "scope", "status", "fidelity", "quality",
          "quality_pass", "time_us", "speedup", "baselines", "claims", "target_weight", "samples",
          "error", "figures", "bytes", "flops", "roofline_fraction", "shipped")  # fmt: skip


def _run(document: Any) -> object:
    from db.errors import DocumentError
    from db.queries.run_documents import RunRefusedError, check_run, read_environment

    try:
        environment, runs = read_environment(document)
        return environment, [check_run(item) for item in runs]
    except (DocumentError, RunRefusedError) as error:
        json.dumps(str(error))
        raise


def _run_file(content: bytes) -> object:
    from app.workflows.benchmark import parse_run_document

    return _run(parse_run_document("f.json", content))


def _ids(text: str) -> object:
    from analyzers.sources.arxiv_id import find_arxiv_ids, parse_arxiv_id

    found = [parse_arxiv_id(text), *find_arxiv_ids(text)]
    names = [item.file_name for item in found if item is not None]
    assert not [name for name in names if "/" in name or ".." in name or len(name) > 60]
    return names


def _feed(content: bytes) -> object:
    from contextlib import contextmanager

    from analyzers.sources.arxiv_api import fetch_records

    class Answer:
        status_code = 200
        headers: ClassVar[dict[str, str]] = {}

        def iter_content(self, size: int) -> Any:
            return iter([content])

        @property
        def content(self) -> bytes:
            return content

    class FakeWeb:
        @contextmanager
        def get(self, url: str) -> Any:
            yield Answer()

    return fetch_records(query="x", max_results=3, web=FakeWeb())  # type: ignore[arg-type]


def _header(text: str) -> object:
    from analyzers.sources.web import _retry_after, _whole_number

    assert (seconds := _retry_after(text)) is None or seconds >= 0
    return _whole_number(text)


def _redirect(text: str) -> object:
    from urllib3.util import parse_url

    from analyzers.sources.connecting import is_arxiv, next_address

    class Answer:
        is_redirect = True
        url = "https://export.arxiv.org/pdf/x"
        headers: ClassVar[dict[str, str]] = {"Location": text}

    target = next_address(Answer.url, Answer())  # type: ignore[arg-type]
    import requests

    try:
        prepared = requests.Request("GET", target).prepare().url
    except (requests.exceptions.RequestException, ValueError):
        return None  # refused before anything is sent
    assert is_arxiv(parse_url(str(prepared)).host or "")  # as the client that connects reads it
    return target


def _target(content: bytes) -> object:
    import tempfile
    from pathlib import Path

    from analyzers.targets import load_target
    from analyzers.targets.files import judged_targets

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "f.toml").write_bytes(content)
        assert "llama.cpp" in judged_targets(Path(folder))
        return load_target("f", Path(folder))


def _address(text: str) -> object:
    from app.reports.text import safe_url

    found = safe_url(text)
    assert found is None or (
        found.startswith(("http", "HTTP")) and not set(found) & set("<>\"'()\\ ")
    )
    return found


def _bibtex(text: str) -> object:
    from app.reports.formats.bibtex import escape

    written = escape(text)
    assert written.count("{") == written.count("}")
    return written


def fuzzers() -> dict[str, Fuzzer]:
    """Return the parsers by name."""
    from analyzers.errors import SourceError
    from analyzers.targets import TargetError
    from app.errors import AssayError
    from db.errors import DocumentError
    from db.queries.run_documents import RunRefusedError

    refused = (AssayError, DocumentError, RunRefusedError)
    toml = mixed('base = "llama.cpp"\n', 'name = "f"\n', "[shares]\n", "decode = ", "[[engine]]\n",
                 "paper = ", '"sage"\n', "[relevance]\n", "base = ", "nan", "9" * 400, "\n", "[",
                 "]", "{", "}", "[[edits]]\n", "title = ", "date = 2024-01-01\n",
                 "a." * 30)  # fmt: skip
    entry = ("<entry>", "</entry>", "<id>http://arxiv.org/abs/2410.09426v1</id>", "<title>",
             "</title>", "<published>2024-01-01T00:00:00Z</published>", "<updated>", "</updated>",
             "<summary>",
             "<author><name>", "</name></author>", "<![CDATA[", "]]>", "&#0;", "&x;",
             "<published>2024-99</published>", "<category term='x'/>", "<link/>")  # fmt: skip
    feed = mixed(*entry).map(
        lambda inner: f"<feed xmlns='http://www.w3.org/2005/Atom'>{inner}</feed>"
    )
    names = mixed("arxiv.org/abs/", "https://", "2410.09426", "v2", "hep-th/9901001", "eprint = {",
                  "10.48550/arXiv.", "/", "..", "?", "#", "arXiv:")  # fmt: skip
    places = mixed("https://", "http://", "arxiv.org", "export.arxiv.org", "@", ":", "443", "\\",
                   "/", "?", "#", "127.0.0.1", "[::1]", "%2e", "//", ".evil.example")  # fmt: skip
    changes = st.dictionaries(st.sampled_from(FIELDS), json_values, min_size=1, max_size=3)
    return {
        "arXiv ids": Fuzzer(names, _ids),
        "arXiv feeds": Fuzzer(as_bytes(feed), _feed, (SourceError,)),
        "HTTP headers": Fuzzer(
            mixed("Fri, ", "01 Jan ", "2026 ", "00:00:00 GMT", "9" * 400), _header
        ),
        "redirects": Fuzzer(places, _redirect, (SourceError,)),
        "runs, changed": Fuzzer(changes.map(changed_run), _run, refused),
        "runs, any JSON": Fuzzer(json_values, _run, refused),
        "runs files": Fuzzer(
            as_bytes(changes.map(changed_run).map(json.dumps)), _run_file, refused
        ),
        "target files": Fuzzer(as_bytes(toml), _target, (TargetError,)),
        "addresses of links": Fuzzer(places, _address),
        "BibTeX text": Fuzzer(mixed("{", "}", "\\", "@", "%", "\\input"), _bibtex),
    }
