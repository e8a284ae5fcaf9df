"""Which hosts could do a piece of work, and what there is to say where none can."""

from __future__ import annotations

from app.jobs.hosts.connection import Hosts
from app.jobs.hosts.reasons import CodeDiffersError, HostsLostError, busy, differs, unable
from app.jobs.hosts.work import Unfit, Work


def fit_for(work: Work, hosts: Hosts) -> list[str]:
    """Return the addresses of those that offer what it needs, and haven't failed at it."""
    return [
        address
        for address, host in hosts.items()
        if address not in work.unfit and all(host["resources"].get(need) for need in work.needs)
    ]


def note_unfit(work: Work, hosts: Hosts, why: str, *, has_other_code: bool) -> None:
    """Give the work to the host that it was on no more."""
    for address, host in hosts.items():
        if host["name"] == work.host:
            work.unfit[address] = Unfit(work.host, why, has_other_code)


def hopeless(work: Work, hosts: Hosts) -> CodeDiffersError | HostsLostError | None:
    """Return how work ends for which only hosts are left that can't do it; None where none are."""
    there = [unfit for address, unfit in work.unfit.items() if address in hosts]
    if not there:
        return None
    told = [str(unfit) for unfit in there]
    if all(unfit.has_other_code for unfit in there):
        return CodeDiffersError(differs(work.code, told))
    return HostsLostError(unable(told))


def wait_for_a_free_one(work: Work, hosts: Hosts) -> None:
    """Have work that was given out, and hasn't begun, say who is busy."""
    names = [str(hosts[address]["name"]) for address in fit_for(work, hosts)]
    work.wait_for(busy(names), "busy")
