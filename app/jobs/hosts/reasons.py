"""Why work on other hosts could not be done, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzers.message import Message, message


class HostsLostError(Exception):
    """The work can't be done: its hosts, or the way to them, stayed away."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


class CodeDiffersError(Exception):
    """Every host that could do the work has other code than this machine."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def no_scheduler(address: str, seconds: float, trouble: Message | None) -> Message:
    """Return what to say when the scheduler stayed away, or wasn't trusted."""
    if trouble is not None:
        return message("{why} Given up after {seconds} s.", why=trouble, seconds=round(seconds))
    return message(
        "The scheduler {address} could not be reached for {seconds} s: start it again "
        "(assay hosts serve), or mend the network; then retry.",
        address=address,
        seconds=round(seconds),
    )


def no_answer(address: str) -> Message:
    """Return what to say when nobody listens at the scheduler's address."""
    return message("No scheduler answers at {address}.", address=address)


def not_trusted(address: str, why: str) -> Message:
    """Return what to say of somebody whose certificate isn't good."""
    return message(
        "What answers at {address} shows no certificate that is trusted here ({why}).",
        address=address,
        why=why,
    )


def waiting(why: Message) -> Message:
    """Return what to say while the way to the hosts is closed."""
    return message("Waiting: {why}", why=why)


def nobody_offers(needs: Sequence[str], hosts: Sequence[Mapping[str, Any]]) -> Message:
    """Return what to say while no host is there that could do the work."""
    wanted = " + ".join(needs)
    if not hosts:
        return message("Waiting for a host: {needs}. None is there.", needs=wanted)
    there = sorted(f"{host['name']} ({', '.join(sorted(host['resources']))})" for host in hosts)
    return message(
        "Waiting for a host: {needs}. There are {hosts}.", needs=wanted, hosts=", ".join(there)
    )


def busy(hosts: Sequence[str]) -> Message:
    """Return what to say while all hosts that could do the work do other work."""
    return message("Waiting until a host is free: {hosts}.", hosts=", ".join(sorted(hosts)))


def unable(hosts: Sequence[str]) -> Message:
    """Return what to say when every host that could do the work failed; each "name (why)"."""
    return message(
        "No host could do it: {hosts}. Mend that, then retry.", hosts=", ".join(sorted(set(hosts)))
    )


def no_host(needs: Sequence[str], seconds: float) -> Message:
    """Return what to say when nobody offered what the work needs."""
    return message(
        "For {seconds} s no host offered {needs}: start one (assay hosts join), then retry.",
        seconds=round(seconds),
        needs=" + ".join(needs),
    )


def too_often(tries: int) -> Message:
    """Return what to say of work whose hosts went away one after another."""
    return message(
        "Given up after {tries} tries: each time the host went away. The work itself may take it "
        "down, by its memory for example; look at the hosts, then retry.",
        tries=tries,
    )


def differs(here: str, hosts: Sequence[str]) -> Message:
    """Return what to say when the hosts have other code; each "name (version+hash)"."""
    return message(
        "Other code than here ({here}) on {hosts}: bring them to the same version "
        "(git pull && make setup), and the work goes there again.",
        here=here,
        hosts=", ".join(sorted(set(hosts))),
    )
