"""Why work on other hosts could not be done, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

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


def no_scheduler(address: str, seconds: float) -> Message:
    """Return what to say when the scheduler stayed away."""
    return message(
        "The scheduler {address} could not be reached for {seconds} s: start it again "
        "(assay hosts serve), or mend the network; then retry.",
        address=address,
        seconds=round(seconds),
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
