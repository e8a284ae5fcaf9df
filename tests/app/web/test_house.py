"""House rules of the web app: thin pages, nothing heavy, harmless text, careful headers."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.web.components.text import duration, interval, link, microseconds, plain, ratio
from tests.app.web.conftest import HOSTILE
from tests.conftest import PROJECT

WEB = PROJECT / "app" / "web"
PAGES = sorted((WEB / "views").glob("*.py"))
MAY_IMPORT = ("streamlit", "app.web.components", "app.workflows", "__future__")


def test_there_are_these_pages() -> None:
    names = ["add", "benchmarks", "inbox", "jobs", "paper", "ranking", "report", "settings"]
    assert [page.stem for page in PAGES] == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_thin(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 120
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        assert all(name.startswith(MAY_IMPORT) for name in names), names


def test_no_text_goes_in_as_html() -> None:
    for path in WEB.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "unsafe_allow" not in source, path
        assert "st.html" not in source, path
        assert ":material/" not in source, path  # its icon would be fetched from a font server


def test_the_web_process_loads_neither_mupdf_nor_torch(own_home: Path) -> None:
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(WEB / 'main.py')!r}, default_timeout=60).run()\n"
        "for name in ('paper', 'inbox', 'benchmarks', 'report', 'add', 'jobs',"
        " 'settings', 'ranking'):\n"
        "    page.switch_page(f'views/{name}.py').run()\n"
        "    assert not page.exception and not page.error, (name, page.exception, page.error)\n"
        "print(sorted(set(sys.modules) & {'torch', 'triton', 'pymupdf', 'fitz',"
        " 'pebble', 'distributed'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_server_is_for_this_machine_only() -> None:
    config = tomllib.loads((WEB / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert set(config["server"]["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert config["browser"]["gatherUsageStats"] is False
    assert config["logger"]["hideWelcomeMessage"] is True, "it asks outside for an address"
    assert config["client"] == {"toolbarMode": "minimal", "showErrorDetails": "none"}
    assert "http" not in str(config["theme"])  # a font or a theme by address would be fetched


def test_every_answer_carries_the_headers() -> None:
    from app.web.server import HEADERS, SecurityHeaders

    sent: list[dict[str, Any]] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    asked = SecurityHeaders(answer)({"type": "http", "headers": []}, receive, send)
    # In a thread: a browser that is still open has a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, asked).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert headers == {name.lower(): value for name, value in HEADERS.items()}
    assert "unsafe-eval" not in headers["content-security-policy"].replace("wasm-unsafe-eval", "")


@pytest.mark.parametrize(
    "text", [HOSTILE, "a\n\n# b", "1. x", "- x", "&lt;b&gt;", "![i](http://x/y.png)", ":smile:"]
)
def test_plain_leaves_nothing_for_markdown(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    pieces = iter(shown)
    for piece in pieces:
        if piece == "\\":
            next(pieces)
        else:
            assert piece.isalnum() or piece in " ,'\"?;%", piece


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "ftp://x/y", "//x/y", "", None]
)
def test_only_web_addresses_become_links(address: str | None) -> None:
    assert link("a [b]", address) == "a \\[b\\]"


def test_an_address_cannot_end_its_link() -> None:
    shown = link("x", "https://example.org/a)b [c](javascript:alert(1))")
    assert shown.count("](") == 1
    assert shown.count(")") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (1.0008, "1.001x"), (1.81, "1.81x"), (16.38, "16.4x"), (312.4, "312x")],
)
def test_ratios(value: float | None, said: str) -> None:
    assert ratio(value) == said


def test_figures_in_words() -> None:
    assert interval(-0.5, 2.0) == "−0.50–2.00"
    assert interval(None, 2.0) == ""
    assert [microseconds(t) for t in (None, 12.34, 8700.0, 2.5e6)] == [
        "–", "12.3 µs", "8.7 ms", "2.5 s",
    ]  # fmt: skip
    assert [duration(t) for t in (4.2, 200, 3900)] == ["4 s", "3 min 20 s", "1 h 05 min"]


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/ranking", b"lang=zh&technique=attention", "/?lang=zh&technique=attention"),
        ("/ranking/", b"", "/"),
        ("/ranking", b"x=%0d%0aX-Bad:1", "/?x=%0d%0aX-Bad:1"),
        ("/rankings", b"", None),
    ],
)
def test_the_ranking_has_an_address(path: str, query: bytes, location: str | None) -> None:
    from app.web.server import RankingAddress

    passed_on: list[str] = []
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed_on.append(scope["path"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "path": path, "query_string": query, "headers": []}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, RankingAddress(inner)(scope, receive, send)).result()
    if location is None:
        assert passed_on == [path]
        return
    assert (passed_on, sent[0]["status"]) == ([], 307)
    assert dict(sent[0]["headers"])[b"location"] == location.encode()
