"""The way to the scheduler: one client that is made anew when it broke, and who works there."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from analyzers.message import Message
from app.errors import UsageError
from app.jobs.hosts.address import CA, CERTIFICATE, KEY, SchedulerAddress
from app.jobs.hosts.certificates import good_until
from app.jobs.hosts.reasons import not_trusted
from app.jobs.hosts.serving import configure

CONNECT_S = 5.0
LOOK_AGAIN_S = 1.0

Hosts = dict[str, dict[str, Any]]
"""{address: {"name", "resources": {name: count}, "code": as it started, …}}."""


class Connection:
    """A connection to a scheduler, made when it is first needed.

    `hear` is called in another thread with what hosts say under this connection's topic.
    """

    def __init__(
        self, scheduler: SchedulerAddress, hear: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self.scheduler = scheduler
        self.topic = f"assay-{uuid4().hex}"
        self.hosts: Hosts = {}
        """Who was there when it was last asked."""
        self.trouble: Message | None = None
        """Which certificate keeps the two apart; None where none does."""
        self._hear = hear
        self._client: Any = None
        self._away_since = time.monotonic()
        self._looked_at = 0.0

    def is_up(self) -> bool:
        """Whether the connection that was made still holds."""
        return self._client is not None and self._client.status == "running"

    def away_s(self) -> float:
        """How long there has been no connection, in seconds; 0 while there is one."""
        return 0.0 if self._client is not None else time.monotonic() - self._away_since

    def begin_to_wait(self) -> None:
        """Count the time without a connection from now on."""
        self._away_since = time.monotonic()

    def open(self) -> bool:
        """Connect; False where the scheduler doesn't answer within some seconds."""
        if not self._answers():
            return False
        # a connection that breaks is told in a sentence, not by tracebacks
        configure(logging.CRITICAL)
        distributed: Any = import_module("distributed")

        class Client(distributed.Client):  # type: ignore[misc]
            def start(self, **settings: Any) -> None:
                try:
                    super().start(**settings)
                except BaseException:
                    _end(self)  # else its finalizer would wait for what never began
                    raise

            async def _reconnect(self) -> None:
                # A connection that broke is made anew, whole, by `open`: half of one is in no way.
                await self._close()

        try:
            client = Client(
                self.scheduler.url,
                security=self.scheduler.security(),
                timeout=CONNECT_S,
                set_as_default=False,
                name="assay",
            )
        except (OSError, ValueError):  # ValueError: the scheduler is just ending
            self._look_at_own_certificate()
            return False
        client.subscribe_topic(self.topic, lambda event: self._hear(event[1]))
        self._client, self._looked_at = client, 0.0
        return True

    def _answers(self) -> bool:
        """Whether somebody of the same authority listens: asked first, for it is known at once."""
        parts = urlsplit(self.scheduler.url)
        self.trouble = None
        try:
            where = str(parts.hostname), int(parts.port or 0)
            with socket.create_connection(where, timeout=CONNECT_S) as plain:
                if self.scheduler.tls is None:
                    return True
                with self._tls_context(self.scheduler.tls).wrap_socket(plain):
                    return True
        except ssl.SSLError as error:
            why = str(getattr(error, "verify_message", "") or error.reason or error)
            self.trouble = not_trusted(self.scheduler.url, why)
            self._look_at_own_certificate()
            return False
        except OSError:
            return False

    def _look_at_own_certificate(self) -> None:
        """Where this machine's own is what is wrong, say that: the other side doesn't."""
        if self.scheduler.tls is not None:
            try:
                good_until(self.scheduler.tls)
            except UsageError as error:
                self.trouble = error.reason

    @staticmethod
    def _tls_context(folder: Path) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=folder / CA)
        context.check_hostname = False  # the authority says who may come in, not where they are
        context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
        return context

    def close(self) -> bool:
        """Leave the scheduler; return whether there was a connection."""
        client, self._client = self._client, None
        if client is None:
            return False
        self.begin_to_wait()
        _end(client)
        return True

    def look(self) -> bool:
        """Ask who is there, once a second at most; return whether it was asked."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_S:
            return False
        self._looked_at = now
        told = self._client.scheduler_info()
        if "workers" not in told:  # the scheduler is new, and hasn't introduced itself yet
            return False
        self.hosts = told["workers"]
        return True

    def give(
        self,
        key: str,
        needs: Sequence[str],
        only: Sequence[str] | None,
        function: Callable[..., Any],
        *args: Any,
    ) -> Any:
        """Hand `function(*args)` to a host that offers what it needs; return Dask's future."""
        return self._client.submit(
            function,
            *args,
            key=key,
            resources=dict.fromkeys(needs, 1),
            workers=list(only) if only is not None else None,
            pure=False,
        )


def _end(client: Any) -> None:
    """Close a client whose scheduler may be gone; its finalizer is not to try it once more."""
    with suppress(Exception):
        client.close(timeout=1)
    client.status = "closed"
