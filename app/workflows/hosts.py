"""Setting up and looking at other hosts: the scheduler, the workers, who offers what."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analyzers.message import message
from app.errors import AssayError, UsageError
from app.jobs.hosts.address import VARIABLE, SchedulerAddress, is_loopback, parse_address

CPU, GPU = "cpu", "cuda"


def address_of(url: str | None) -> SchedulerAddress:
    """Return the scheduler that a command named, else that of `ASSAY_SCHEDULER`.

    Raises `UsageError` where there is none, or where it can't be used.
    """
    named = (url or os.environ.get(VARIABLE, "")).strip()
    if not named:
        raise UsageError(
            message("Name the scheduler: tls://HOST:PORT, here or in ASSAY_SCHEDULER.")
        )
    return parse_address(named)


def serve_scheduler(url: str | None, listen: str) -> None:
    """Be the scheduler until a signal comes; raises `AssayError` where its port is taken.

    `UsageError` where this machine's certificates aren't good: nobody could connect.
    """
    from app.jobs.hosts.serving import serve

    address = address_of(url)
    _check(address, listen)
    try:
        serve(address, listen)
    except OSError as error:
        told = message(
            "The scheduler can't listen on {address}: {why}.",
            address=address.url,
            why=error.strerror or str(error),
        )
        raise AssayError(told) from error


def join_scheduler(
    url: str | None, *, device: str, offers: Sequence[str], reads: bool, name: str, listen: str
) -> int:
    """Keep a worker of this machine running until a signal comes.

    `device` is "cpu", "cuda", "cuda:N" or "" for none. Raises `UsageError` for another, and where
    nothing is offered or this machine's certificates aren't good.
    """
    from app.jobs.hosts.code import READING
    from app.jobs.hosts.serving import default_name, join

    address = address_of(url)
    _check(address, listen)
    kind, _, number = device.partition(":")
    if kind not in ("", CPU, GPU) or (number and (kind != GPU or not number.isdecimal())):
        raise UsageError(
            message("The device is cpu, cuda or cuda:N, not {device!r}.", device=device)
        )
    resources = [kind] * bool(kind) + [READING] * reads + list(offers)
    if not resources:
        raise UsageError(message("A host that reads no papers needs a device to offer."))
    if wrong := [
        label for label in offers if not label.replace("-", "").replace(".", "").isalnum()
    ]:
        raise UsageError(
            message("{label!r} can't be offered: letters, figures, - and . only.", label=wrong[0])
        )
    environment = {**os.environ, **({"CUDA_VISIBLE_DEVICES": number} if number else {})}
    called = name or default_name() + (f"-{kind}{number}" if kind else "")
    return join([address.url, called, listen, *resources], environment)


def _check(address: SchedulerAddress, listen: str) -> None:
    from app.jobs.hosts.certificates import good_until

    if address.tls is not None:
        good_until(address.tls)
    if listen and address.tls is None and not is_loopback(listen):
        raise UsageError(
            message(
                "Plain tcp listens on this machine alone, not on {host}: use a tls:// address.",
                host=listen,
            )
        )


def told_of(hosts: Sequence[Mapping[str, Any]]) -> str:
    """Return hosts in one line: "a (cpu, read), b (cuda, h100)"."""
    return ", ".join(f"{host['name']} ({', '.join(host['offers'])})" for host in hosts)


class Offers:
    """The devices that hosts offer, asked now and then, in a thread: a page doesn't wait for it."""

    def __init__(self, ask: Callable[[str | None], list[dict[str, Any]]], again_s: float) -> None:
        self._ask = ask
        self._again_s = again_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked_at = -math.inf
        self._known: list[str] | AssayError | None = None

    def devices(self, wait_s: float) -> list[str] | None:
        """Return which of cpu and cuda some host offers; None while that isn't known.

        Waits so long only where nothing is known yet. Raises `AssayError` where the scheduler
        doesn't answer.
        """
        with self._lock:
            is_due = time.monotonic() - self._asked_at > self._again_s
            if is_due and (self._thread is None or not self._thread.is_alive()):
                self._asked_at = time.monotonic()
                self._thread = threading.Thread(target=self._look, name="hosts", daemon=True)
                self._thread.start()
            thread = self._thread
        if self._known is None and thread is not None:
            thread.join(wait_s)
        if isinstance(self._known, AssayError):
            raise self._known
        return self._known

    def _look(self) -> None:
        try:
            there = {offer for host in self._ask(None) for offer in host["offers"]}
        except AssayError as error:
            self._known = error
        else:
            self._known = [device for device in (CPU, GPU) if device in there]


def list_hosts(url: str | None) -> list[dict[str, Any]]:
    """Return who works for the scheduler, by name.

    Each {"name", "address", "offers": [resource], "code", "same_code", "busy"}; "code" is what it
    had on its disk within the last half minute. Raises `AssayError` where the scheduler doesn't
    answer.
    """
    from app.jobs.hosts.code import code_version
    from app.jobs.hosts.connection import Connection
    from app.jobs.hosts.reasons import no_answer

    address = address_of(url)
    connection = Connection(address, lambda said: None)
    if not connection.open():
        raise AssayError(connection.trouble or no_answer(address.url))
    try:
        connection.look()
        here = code_version()
        return sorted(
            (
                {
                    "name": str(host["name"]),
                    "address": where,
                    "offers": sorted(host["resources"]),
                    "code": code_of(host),
                    "same_code": code_of(host) == here,
                    "busy": bool(host.get("metrics", {}).get("executing")),
                }
                for where, host in connection.hosts.items()
            ),
            key=lambda host: (host["name"], host["address"]),
        )
    finally:
        connection.close()


def code_of(host: Mapping[str, Any]) -> str | None:
    """Return the code of a host as the scheduler tells it; None for one that says nothing."""
    code = host.get("metrics", {}).get("code") or host.get("code")
    return None if code is None else str(code)


OFFERS = Offers(list_hosts, again_s=20.0)
"""What the hosts of `ASSAY_SCHEDULER` offer, for the pages of this process."""
