"""Servers of a few lines that answer as no honest one does; each says how often it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, threading.Event], None]


@dataclass
class Server:
    """Its address, and what it was asked."""

    port: int
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The server's address by number."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(behave: Behaviour) -> Iterator[Server]:
    """Serve every connection on a port of the loopback by `behave`."""
    listener = socket.create_server(("127.0.0.1", 0))
    server, stop = Server(listener.getsockname()[1]), threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            server.asked.append(connection.recv(65536))
            behave(connection, stop)

    def run() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def says(*parts: bytes) -> Behaviour:
    """Send these bytes and close."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        for part in parts:
            connection.sendall(part)

    return behave


def drips(first: bytes, drop: bytes, every_s: float = 0.02) -> Behaviour:
    """Send `first`, then one drop after another, for ever."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(first)
        while not stop.wait(every_s):
            connection.sendall(drop)

    return behave


def redirect(to: str, body: bytes = b"", status: int = 302) -> Behaviour:
    """Send a redirect."""
    head = f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: {len(body)}\r\n\r\n"
    return says(head.encode("utf-8", "surrogateescape"), body)
