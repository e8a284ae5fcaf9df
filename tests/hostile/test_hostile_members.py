"""Who gets into a workbench for a team that stands behind a proxy: those it names, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from app.web.members import logged_in
from app.web.server import HEADERS
from tests.conftest import PROJECT, copied
from tests.hostile.test_hostile_visitors import SOCKET, STREAM, ask
from tests.web.conftest import Workbench, free_port, served

pytestmark = pytest.mark.xdist_group("visitors")

TEAM = """
login = "proxy"
hosts = ["localhost", "127.0.0.1"]
[proxy]
header = "X-Forwarded-Email"
from = ["127.0.0.1"]
[people]
"bob@example.org" = "curate"
"*@example.org" = "read"
[limits]
upload_mb = 2
"""
WHO = "X-Forwarded-Email"


@pytest.fixture(scope="module")
def running(shipped_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    home = copied(shipped_file, tmp_path_factory.mktemp("home")).parent
    with served(home, free_port(), TEAM) as (_, workbench):
        yield workbench


PATHS = ("/", "/paper?paper=sage", "/media/x.csv", "/_stcore/host-config", "/nowhere")
NOBODY = (
    {}, {WHO: ""}, {WHO: " "}, {WHO: "eve@evil.example"}, {WHO: "bob@example.org.evil.example"},
    {WHO: "bob@example.org, eve@evil.example"}, {WHO: "eve@evil.example,x@example.org"},
    {WHO: "\u00a0bob@example.org"}, {WHO: "eve@evil.example@example.org"},
    {"X-Forwarded-User": "bob@example.org"}, {"Authorization": "Bearer x"},
    {"Cookie": "X-Forwarded-Email=bob@example.org"}, {"Forwarded": "for=127.0.0.1"},
)  # fmt: skip


@pytest.mark.parametrize("headers", NOBODY, ids=str)
def test_who_the_proxy_does_not_name_gets_nothing(
    running: Workbench, headers: dict[str, str]
) -> None:
    for path in PATHS:
        status, content, answered = ask(running, path, **headers)
        assert status == 403, path
        assert b"streamlit" not in content.lower()
        assert answered["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert ask(running, STREAM, Origin="http://127.0.0.1:PORT", **SOCKET, **headers)[0] == 403


def test_a_refusal_is_said_in_the_language_of_who_asks(running: Workbench) -> None:
    eve = {WHO: "eve@evil.example"}
    for asked, told in (("zh-CN,zh;q=0.9", "你不属于"), ("de", "You are not"), ("zz;;", "You are")):
        _, content, _ = ask(running, "/", **{"Accept-Language": asked}, **eve)
        assert told in content.decode()


def test_who_it_names_is_served(running: Workbench) -> None:
    member = {WHO: "Eve@Example.org"}
    assert ask(running, "/", **member)[0] == 200
    behind = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert ask(running, "/", **member, **behind)[0] == 200, "as every proxy says whom it speaks for"
    assert ask(running, STREAM, Origin="http://127.0.0.1:PORT", **SOCKET, **member)[0] == 101
    foreign = {"Origin": "http://evil.example", **member}
    assert ask(running, STREAM, **SOCKET, **foreign)[0] == 403, "a name is no way around origins"
    assert ask(running, "/", host="evil.example", **member)[0] == 403


def test_files_are_sent_by_who_may_and_so_much_of_them(running: Workbench) -> None:
    path, body = "/_stcore/upload_file/session/file", b"x" * 1_500_000

    def send(who: str) -> tuple[int, bytes]:
        return ask(running, path, "PUT", body=body, **{WHO: who})[:2]

    assert send("eve@example.org") == (403, b"Your role lets you read, not send files.")
    first = send("bob@example.org")
    assert first[0] in (400, 403) and b"MB were sent" not in first[1], "Streamlit's own answer"
    assert send("bob@example.org")[0] == 429


def test_without_a_login_nobody_else_is_served(own_home: object) -> None:
    started = [
        sys.executable, "-m", "streamlit", "run", str(PROJECT / "app" / "web" / "server.py"),
        f"--server.port={free_port()}", "--server.address=0.0.0.0",
    ]  # fmt: skip
    done = subprocess.run(started, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "has no login: start it with `assay ui`" in done.stderr
    assert "Traceback" not in done.stderr


SECRET = "0123456789abcdef" * 2


def cookie(secret: str = SECRET, **changes: object) -> str:
    """Streamlit's cookie of somebody who logged in, or one that only looks like it."""
    from streamlit.web.server.starlette import starlette_app_utils as signing

    told = {"origin": "https://assay.example.org", "is_logged_in": True, "email": "Bob@example.org"}
    signed = signing.create_signed_value(secret, "_streamlit_user", json.dumps(told | changes))
    return f"_streamlit_user={signed.decode()}"


def test_a_file_is_from_whom_the_login_vouches_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.web.server.starlette import starlette_websocket

    monkeypatch.setattr(starlette_websocket, "get_cookie_secret", lambda: SECRET)

    def sender(sent: str, origin: str = "https://assay.example.org") -> str:
        return logged_in(Headers({"cookie": sent, "origin": origin}))

    assert sender(cookie()) == "bob@example.org"
    assert sender(cookie(), "https://evil.example") == sender(cookie(), "") == ""
    assert sender(cookie("x" * 32)) == "", "signed by another"
    told: tuple[dict[str, object], ...] = (
        {"origin": "https://evil.example"}, {"is_logged_in": False}, {"is_logged_in": "true"},
        {"email_verified": False}, {"email": ["bob@example.org"]}, {"email": None},
    )  # fmt: skip
    for changes in told:
        assert sender(cookie(**changes)) == "", changes
    for made_up in ("bob@example.org", "chunks-99999999999", "chunks-2", "a.b.c", '"'):
        assert sender(f"_streamlit_user={made_up}") == ""
    assert sender("") == ""
