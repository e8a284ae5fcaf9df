"""The way to the scheduler: one client that is made anew when it broke, and who works there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any
from uuid import uuid4

from app.jobs.hosts.address import SchedulerAddress
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
        # a connection that breaks is told in a sentence, not by tracebacks
        configure(logging.CRITICAL)
        distributed: Any = import_module("distributed")
        try:
            client = distributed.Client(
                self.scheduler.url,
                security=self.scheduler.security(),
                timeout=CONNECT_S,
                set_as_default=False,
                name="assay",
            )
        except (OSError, ValueError):  # ValueError: the scheduler is just ending
            return False
        client.subscribe_topic(self.topic, lambda event: self._hear(event[1]))
        self._client, self._looked_at = client, 0.0
        return True

    def close(self) -> bool:
        """Leave the scheduler; return whether there was a connection."""
        client, self._client = self._client, None
        if client is None:
            return False
        self.begin_to_wait()
        with suppress(Exception):  # it is gone, or going
            client.close(timeout=1)
        return True

    def look(self) -> bool:
        """Ask who is there, once a second at most; return whether it was asked."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_S:
            return False
        self._looked_at = now
        self.hosts = self._client.scheduler_info()["workers"]
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
