"""Who may talk to a workbench that runs: pages of its own address, and nobody's else."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from app.web.neighbours import NOBODY, user_of
from app.web.server import HEADERS
from tests.conftest import copied
from tests.web.conftest import Workbench, free_port, served

pytestmark = pytest.mark.xdist_group("visitors")

Answer = tuple[int, bytes, dict[str, str]]
SOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "streamlit",
}
STREAM = "/_stcore/stream"


@pytest.fixture(scope="module")
def running(shipped_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """The workbench as `assay ui` starts it; one for all tests here."""
    process: subprocess.Popen[bytes]
    home = copied(shipped_file, tmp_path_factory.mktemp("home")).parent
    with served(home, free_port()) as (process, workbench):
        yield workbench
        assert process.poll() is None, "no visitor ended it"


def ask(
    workbench: Workbench,
    path: str = "/",
    method: str = "GET",
    *,
    host: str | None = "",
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    """Return status, body and headers; `host` "" is the workbench's own, None is none at all."""
    port = int(workbench.url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.putrequest(method, path, skip_host=True)
        if host is not None:
            connection.putheader("Host", (host or "127.0.0.1:PORT").replace("PORT", str(port)))
        for name, value in headers.items():
            told = value.replace("PORT", str(port))
            connection.putheader(name.replace("_", "-"), told)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = b"" if answer.status == 101 else answer.read()
        return answer.status, content, {k.lower(): v for k, v in answer.getheaders()}


PATHS = ("/", "/paper?paper=sage", "/static/index.html", "/_stcore/health", "/media/x.csv",
         "/_stcore/host-config", "/_stcore/upload_file/x/y", "/ranking", "/nowhere")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(running: Workbench, path: str) -> None:
    _, _, headers = ask(running, path)
    assert {name: headers.get(name.lower()) for name in HEADERS} == HEADERS


FOREIGN = (
    "evil.example", "evil.example:PORT", "127.0.0.1.evil.example:PORT", "localhost.evil.example",
    "evil.example@127.0.0.1:PORT", "127.0.0.1:PORT@evil.example", "169.254.169.254", "10.0.0.1",
    "[::1]:PORT", "0.0.0.0:PORT", "127.0.0.1:PORT/x", "127.0.0.1:99999999", "localhost:PORT#x",
    "xlocalhost", "", None,
)  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_was_made_to_resolve_here_gets_nothing(
    running: Workbench, host: str | None
) -> None:
    sent = " " if host == "" else host  # an empty Host header
    for path in ("/", "/_stcore/health", "/media/x.csv"):
        status, content, _ = ask(running, path, host=sent)
        assert status in (400, 403)
        assert b"streamlit" not in content.lower()
    status, _, _ = ask(running, STREAM, host=sent, **SOCKET)
    assert status in (400, 403)


@pytest.mark.parametrize(
    "host", ["localhost:PORT", "127.0.0.1:PORT", "LOCALHOST:PORT", "localhost"]
)
def test_its_own_names_are_served(running: Workbench, host: str) -> None:
    assert ask(running, "/_stcore/health", host=host)[:2] == (200, b"ok")


ORIGINS = (
    "http://evil.example", "https://127.0.0.1.evil.example", "null", "file://", "",
    "http://localhost:3000", "http://127.0.0.1:1", "http://localhost", "http://0.0.0.0:PORT",
    "http://localhost:PORT", "http://127.0.0.1:PORT.evil.example", "http://evil@127.0.0.1:PORT",
    "chrome-extension://abcdef", "ws://127.0.0.1:PORT", "http://127.0.0.1:PORT/",
)  # fmt: skip
"""None is http://127.0.0.1:PORT: another port of this machine is another site too."""


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_site_opens_no_connection(running: Workbench, origin: str) -> None:
    assert ask(running, STREAM, Origin=origin, **SOCKET)[0] == 403


def test_its_own_page_does(running: Workbench) -> None:
    assert ask(running, STREAM, Origin="http://127.0.0.1:PORT", **SOCKET)[0] == 101


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS"])
def test_another_site_sends_no_file(running: Workbench, method: str) -> None:
    path = "/_stcore/upload_file/a/b"
    status, _, headers = ask(running, path, method, body=b"x", Origin="http://evil.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_a_file_without_the_token_of_a_page_is_refused(running: Workbench) -> None:
    path = "/_stcore/upload_file/a/b"
    status, _, _ = ask(running, path, "PUT", body=b"x", Origin="http://127.0.0.1:PORT")
    assert status in (400, 401, 403)


def test_the_way_for_programs_is_closed(running: Workbench) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    for path in ("/_stcore/agent/interact", "/_stcore/agent/mcp"):
        status, content, _ = ask(running, path, "POST", body=body, Content_Type="application/json")
        assert status >= 400
        assert b'tools":[' not in content


OUTSIDE = ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/static/../../server.py",
           "/static/%2e%2e%2f%2e%2e%2fserver.py", "//etc/passwd", "/media/..%2f..%2fassay.db",
           "/app/static/../main.py", "/component/x/../../../etc/passwd", "/static/..\\..\\x",
           "/_stcore/upload_file/../../x", "/media/%00", "/%252e%252e/etc/passwd")  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out(running: Workbench, path: str) -> None:
    status, content, _ = ask(running, path)
    assert status < 500
    assert b"root:" not in content
    assert b"import " not in content[:2000]
    assert not content.startswith(b"SQLite format")


def exchange(workbench: Workbench, sent: str) -> bytes:
    """Send bytes as no library would, and return all that comes back."""
    port = int(workbench.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent.replace("PORT", str(port)).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


HIDDEN = "GET /_stcore/health HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
BEFORE = "POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 4\r\n"
SMUGGLED = (
    f"{BEFORE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    f"{BEFORE}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}",
    f"{BEFORE}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    f"{BEFORE}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    f"{BEFORE}Content-Length: 5\r\n\r\nabcd{HIDDEN}",
    f"POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: +0\r\n\r\n{HIDDEN}",
)  # fmt: skip


@pytest.mark.parametrize("sent", SMUGGLED)
def test_no_request_hides_in_another(running: Workbench, sent: str) -> None:
    answered = exchange(running, sent)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"HTTP/1.1 40" in answered, answered[:200]


AS_ANOTHER = """
import encodings.idna, os, socket, sys
os.setgid(65534), os.setuid(65534)  # from here on no module of Python's may be readable
for path, headers in zip(sys.argv[2::2], sys.argv[3::2]):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\\r\\n{headers}\\r\\n\\r\\n".encode())
        print(connection.recv(12)[9:].decode())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another")
def test_another_user_of_this_machine_is_no_visitor(running: Workbench) -> None:
    port = running.url.rpartition(":")[2]
    own = "Host: localhost"
    upgrade = "\r\n".join([own, *(f"{name}: {value}" for name, value in SOCKET.items())])
    as_if = f"{own}\r\nX-Forwarded-For: 127.0.0.1"
    sent = ["/paper", own, "/media/x", as_if, STREAM, upgrade, "/_stcore/health", own]
    asked = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, port, *sent], capture_output=True, text=True, timeout=30
    )
    assert asked.stdout.split() == ["403", "403", "403", "200"], asked.stderr
    assert ask(running, STREAM, **SOCKET)[0] == 101, "and its own user is let in by the same"


def test_whose_a_connection_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()
        with socket.create_connection(there) as client:
            here = client.getsockname()
            assert user_of(here, there) in (os.getuid(), None), "None where there is no such table"
            for odd in (("127.0.0.1", 0), ("8.8.8.8", here[1]), ("::1", "x"), ("127.0.0.1", None)):
                assert user_of(odd, there) in (NOBODY, None)
    assert user_of(None, None) is user_of((), ()) is None


@pytest.mark.parametrize("frame", [b"\x00" * 1_500_000, b"\xff" * 100, "text", b"\x0a" * 99_999])
def test_a_page_that_sends_too_much_or_nonsense_is_hung_up_on(
    running: Workbench, frame: bytes | str
) -> None:
    address, origin = f"ws{running.url[4:]}{STREAM}", Origin(running.url)
    with connect(address, origin=origin, subprotocols=[Subprotocol("streamlit")]) as page:
        page.send(frame)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=10)
    assert ask(running, "/_stcore/health")[0] == 200
