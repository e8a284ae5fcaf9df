"""Where a request may go, and for how long: an answer from outside decides neither.

A redirect, or a name that resolves to an address of this machine or its network, would make Assay
ask servers that only it can reach (server-side request forgery). So a name is resolved once, its
addresses are looked at, and the connection is made to one that was looked at: a name server that
says something else a moment later (DNS rebinding) is not asked again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import message

if TYPE_CHECKING:
    import requests

ARXIV = "arxiv.org"
_ARXIV_NAME = re.compile(r"(?:[a-z0-9-]+\.)*arxiv\.org")
"""Plain names only: of `evil.example\\.arxiv.org` one parser reads all, another what is before."""
REDIRECTS = 5
_ADDRESSES = 3
"""So many addresses of a name are tried."""
_IPV4_INSIDE = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""Whose last 32 bits are an IPv4 address: NAT64, and the old compatible form."""
_GLOBAL = ipaddress.ip_network("2000::/3")
"""All of IPv6 that was given out to the internet so far."""
_ELSEWHERE = tuple(map(ipaddress.ip_network, ("3fff::/20", "192.88.99.0/24", "192.0.0.0/24")))
"""For documentation, relays that are no more, and a network's own protocols: newer or finer than
what Python's `is_global` knows."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""Above the IPv4 address that stands in the last 32 bits (RFC 5214)."""
_PORTS = {"http": 80, "https": 443}


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: not of this machine, its network or nobody's.

    IPv6 forms that stand for an IPv4 address (mapped, 6to4, NAT64) are judged by that one.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if any(ip in network for network in _IPV4_INSIDE):
            inner = ipaddress.IPv4Address(_last_as_ipv4(ip))
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL or ip.teredo is not None:
            return False
        if int(ip) >> 32 & 0xFFFFFFFF in _ISATAP and not is_public(_last_as_ipv4(ip)):
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in _ELSEWHERE)


def _last_as_ipv4(ip: ipaddress.IPv6Address) -> str:
    return str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))


def is_arxiv(host: str) -> bool:
    """Whether a host name is arXiv's."""
    return bool(_ARXIV_NAME.fullmatch(host))


def next_address(asked: str, answer: requests.Response) -> str | None:
    """Return where a redirect leads, None where the answer is none.

    A redirect stays where a person asked: on arXiv's hosts, or on the host and port of the replica
    that was named; and it never leaves TLS. Raises `SourceError`: bad_answer.
    """
    if not answer.is_redirect:
        return None
    location = answer.headers.get("Location", "")
    try:
        target = urljoin(answer.url, location)
        before, after = urlsplit(answer.url), urlsplit(target)
        start = urlsplit(asked)
        stays = (after.hostname, _port(after)) == (start.hostname, _port(start))
        if is_arxiv(start.hostname or ""):
            stays = is_arxiv(after.hostname or "") and _port(after) in _PORTS.values()
        if after.username is not None or after.password is not None or "\\" in after.netloc:
            stays = False
    except ValueError:
        stays = False
    if (
        not stays
        or after.scheme not in _PORTS
        or (before.scheme, after.scheme) == ("https", "http")
    ):
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message(
                "arXiv's answer leads to another place ({address}). It was not followed.",
                address=location.encode("utf-8", "replace").decode()[:80],
            ),
        )
    return target


def _port(parts: Any) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host that may be connected to.

    arXiv's have to be public. Any other host is a replica that a person named, wherever it is.
    Raises `SourceError`: offline where there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    listed = list(dict.fromkeys(str(item[4][0]) for item in found))
    if is_arxiv(host.rstrip(".").lower()):
        public = [address for address in listed if is_public(address)]
        if listed and not public:
            raise SourceError(
                ErrorKind.OFFLINE,
                message(
                    "{host} resolves to an address of a private network ({address}) here. It was "
                    "not asked: look at this machine's name server.",
                    host=host,
                    address=listed[0],
                ),
            )
        listed = public
    return listed[:_ADDRESSES]


class Deadline:
    """Cuts connections when their time is up, however slowly something still comes.

    A time-out of a socket starts anew with every byte, so that an answer of a byte a minute would
    never end.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._sockets: list[socket.socket] = []

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let the time run for the length of the block; raises `SourceError` if it ran out."""
        self.passed, self._sockets = False, []
        timer = threading.Timer(self.seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if self.passed:
                raise too_slow() from error
            raise
        finally:
            timer.cancel()
        if self.passed:  # a body without a length just ends where it is cut
            raise too_slow()

    def add(self, connection: socket.socket) -> None:
        """Watch a connection that was made."""
        self._sockets.append(connection)
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        for connection in self._sockets:
            with suppress(OSError):  # closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def too_slow() -> SourceError:
    """Return the error of an answer that takes too long."""
    return SourceError(ErrorKind.TIMEOUT, message("arXiv sends too slowly. Try again later."))


def careful_session(deadline: Deadline) -> requests.Session:
    """Return a session that connects to addresses that were looked at, under a deadline."""
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    class Connection(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.add(self.sock)

    class TlsConnection(urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.add(self.sock)

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    class Adapter(HTTPAdapter):
        pinned: str | None = None

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

        def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
            """Send to one address after another until one answers."""
            proxies = options.get("proxies") or {}
            if requests.utils.select_proxy(request.url, proxies):
                self.pinned = None  # the proxy looks names up, and goes where it may
                return super().send(request, *args, **options)
            parts = urlsplit(request.url)
            host = parts.hostname or ""
            request.headers["Host"] = parts.netloc.rpartition("@")[2]
            trouble: Exception | None = None
            for self.pinned in addresses(host, _port(parts) or 0):
                try:
                    return super().send(request, *args, **options)
                except requests.exceptions.ConnectionError as error:
                    trouble = error
            raise trouble or requests.exceptions.ConnectionError(f"{host} has no address")

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> Any:
            """Connect to the address, and ask for the certificate of the name."""
            where: Any
            how: Any
            where, how = super().build_connection_pool_key_attributes(request, verify, cert)
            if self.pinned is not None:
                if where["scheme"] == "https":
                    how |= {"server_hostname": where["host"], "assert_hostname": where["host"]}
                where["host"] = self.pinned
            return where, how

    class Session(requests.Session):
        def get_redirect_target(self, resp: Any) -> None:
            """Name no target: looking ahead, `requests` would read a redirect's body whole."""

    session = Session()
    for scheme in _PORTS:
        session.mount(f"{scheme}://", Adapter())
    return session
