"""One measurement over several fresh processes: set up beside each other, timed one by one.

Imports, gates and checks of one process may run beside those of another, never beside a timing
(`turns`). The first passes the gates and times; the others check again, and time. A number
leaves only if every one of them was right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prototypes.harness import timing, wire
from prototypes.harness.contest import CHECKING
from prototypes.harness.isolation import Child, Ended, Limits, Report
from prototypes.harness.outcome import Contestant, Outcome, without_times
from prototypes.harness.roofline import Rates
from prototypes.harness.status import Status

START_SECONDS = 120.0
"""For the imports, which don't count as measuring."""
FIRST_SHARE = 0.6
"""Of the progress of a measurement: the first process, which has the gates."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the processes of one measurement are started with, and may use together."""

    limits: Limits
    processes: int
    preload: tuple[str, ...]
    cores: tuple[int, ...] | None
    threads: int | None
    mark: str
    lock: str | None = None
    all_cores: tuple[int, ...] | None = None
    """More than one core: one more process times with as many threads as there are."""


@dataclass(slots=True)
class _Clock:
    """The wall time that is left to a measurement."""

    seconds: float
    started: float

    def limits(self, limits: Limits) -> Limits:
        left = self.seconds - (time.monotonic() - self.started)
        return replace(limits, seconds=max(left, 0.01))


class Group:
    """The processes of one measurement, started together, in a `with`: none is left afterwards."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.children: list[Child] = []
        self.together: Child | None = None
        try:
            for _ in range(plan.processes):
                self.children.append(self._start(plan.cores, plan.threads))
            if plan.all_cores:
                self.together = self._start(plan.all_cores, len(plan.all_cores))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, cores: tuple[int, ...] | None, threads: int | None) -> Child:
        plan = self.plan
        return Child(plan.limits, plan.preload, cores, threads, plan.mark, plan.lock)

    def wait_ready(self) -> None:
        """Wait until all have imported what they need: that doesn't count as measuring."""
        for child in self._all():
            child.wait_ready(START_SECONDS)

    @property
    def others(self) -> list[Child]:
        """All but the first, which passes the gates."""
        return self._all()[1:]

    def close(self) -> None:
        """End what is left of them."""
        for child in self._all():
            child.close()

    def _all(self) -> list[Child]:
        return [*self.children, *([self.together] if self.together else [])]


def begin(request: dict[str, Any], group: Group) -> None:
    """Give all processes of a group their requests: they go to work, and take turns to time."""
    plan, together = group.plan, group.together
    shared = {**request, "processes": plan.processes}
    group.children[0].send(shared)
    for number, child in enumerate(group.others, start=1):
        again = {**shared, "task": "repeat", "number": number}
        if child is together:
            again |= {"threads": len(plan.all_cores or ())}
        child.send(again)


def finish(
    request: dict[str, Any],
    group: Group,
    report: Report | None = None,
    timed: Callable[[], None] = lambda: None,
) -> Ended:
    """Return how the measurement ended: with the record of all processes, or how one of them died.

    `timed` is called once when the first process has timed: the processes of what comes next may be
    started then, they take turns with the others of this group. The group is used up.
    """
    together, others = group.together, group.others
    clock = _Clock(group.plan.limits.seconds, time.monotonic())
    first = _finish(group.children[0], clock, _when_timed(report, timed), 0.0, FIRST_SHARE)
    if first.result is None or "wire" not in first.result:
        return first
    outcome = wire.unpack(first.result["wire"])
    if outcome.timing is None:
        return _ended(outcome, first)
    width = (1 - FIRST_SHARE) / max(len(others), 1)
    for number, child in enumerate(others, start=1):
        begin = FIRST_SHARE + (number - 1) * width
        ended = _finish(child, clock, report, begin, width)
        if ended.result is None:
            why = f"In process {number + 1}: {ended.message}"
            return Ended(ended.status, None, why, ended.log)
        if child is together:
            return _ended(outcome, first, _all_threads(outcome, ended.result, request))
        outcome = join(outcome, ended.result, number)
        if outcome.timing is None:
            break
    return _ended(outcome, first)


def _when_timed(report: Report | None, timed: Callable[[], None]) -> Report:
    def told(fraction: float, message: str) -> None:
        if message == CHECKING:
            timed()
        if report is not None:
            report(fraction, message)

    return told


def _finish(
    child: Child,
    clock: _Clock,
    report: Report | None,
    begin: float,
    width: float,
) -> Ended:
    def scaled(fraction: float, message: str) -> None:
        if report is not None:
            report(begin + width * min(max(fraction, 0.0), 1.0), message)

    child.limits = clock.limits(child.limits)
    ended = child.finish(scaled)
    if ended.status is Status.TIMEOUT:
        return replace(ended, message=f"Took longer than {clock.seconds:g} s.")
    return ended


def _ended(
    outcome: Outcome, first: Ended, more: Callable[[dict[str, Any]], None] | None = None
) -> Ended:
    record = outcome.to_json()
    if more is not None and outcome.status is Status.OK:
        more(record)
    return Ended(Status.OK, record, "", first.log)


def join(outcome: Outcome, repeat: Mapping[str, Any], number: int) -> Outcome:
    """Return the outcome with another process's rounds added; without times if that one failed.

    A baseline that was missing there has no figures that could be joined: it leaves with the
    reason.
    """
    checks = wire.unpack_checks(repeat["checks"])
    failed = tuple(c.during(f"process {number + 1}") for c in checks if not c.passed)
    if failed or "samples" not in repeat:
        return without_times(outcome, failed)
    timed = outcome.timing
    assert timed is not None
    samples = repeat["samples"]
    candidate = repeat["candidate"]
    kept = [c for c in timed.contestants if c.baseline.name in samples]
    gone = [
        (c.baseline, repeat["absent"].get(c.baseline.name, "It couldn't run in every process."))
        for c in timed.contestants
        if c.baseline.name not in samples
    ]
    rounds = (*timed.rounds, len(samples[candidate]))
    joined = replace(
        timed,
        candidate=[*timed.candidate, *samples[candidate]],
        contestants=tuple(
            Contestant(c.baseline, [*c.samples, *samples[c.baseline.name]], c.version) for c in kept
        ),
        rounds=rounds,
        kernel_alone=[*timed.kernel_alone, *repeat["kernel_alone"]],
        setup_us={
            name: [*times, repeat["setup_us"][name]]
            for name, times in timed.setup_us.items()
            if name in repeat["setup_us"]
        },
        method=_method(timed.method, rounds),
    )
    return replace(outcome, timing=joined, absent=(*outcome.absent, *gone))


def _method(method: Mapping[str, Any], rounds: Sequence[int]) -> dict[str, Any]:
    together = {
        **method,
        "rounds": sum(rounds),
        "processes": len(rounds),
        "rounds_per_process": list(rounds),
    }
    return together | {"summary": timing.summary(together, len(rounds))}


def _all_threads(
    outcome: Outcome, repeat: Mapping[str, Any], request: Mapping[str, Any]
) -> Callable[[dict[str, Any]], None]:
    """Return what adds the times with all threads to a record; nothing where they can't be."""
    timed = outcome.timing
    checks = wire.unpack_checks(repeat["checks"])
    rates = request.get("rates_all_threads")
    threads = rates["threads"] if rates else None

    def add(record: dict[str, Any]) -> None:
        if timed is None or "samples" not in repeat or not all(c.passed for c in checks):
            failed = [c.name for c in checks if not c.passed]
            record["all_threads"] = {"threads": threads, "error": f"Failed {', '.join(failed)}."}
            return
        samples = dict(repeat["samples"])
        rivals = [c for c in timed.contestants if c.baseline.name in samples]
        own = samples[repeat["candidate"]]
        roof = Rates(**rates) if rates else None
        alone = replace(
            timed,
            candidate=own,
            contestants=tuple(replace(c, samples=samples[c.baseline.name]) for c in rivals),
            rounds=(len(own),),
            kernel_alone=[],
            setup_us={},
            impossible_us=roof.impossible_us(timed.work, 0) if roof else 0.0,
            floor_us=roof.floor_us(timed.work) if roof else None,
            roof=roof,
        )
        full = Outcome(outcome.report, outcome.gate_seed, timing=alone).to_json()
        rows = [
            {k: b[k] for k in ("name", "roles", "time_us", "speedup")} for b in full["baselines"]
        ]
        keys = ("time_us", "speedup", "baseline", "samples", "error")
        record["all_threads"] = {
            "threads": threads,
            **{k: full.get(k) for k in keys},
            "baselines": rows,
        }

    return add
