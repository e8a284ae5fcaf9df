"""The parent's side: a child for the device's probe, then a few for each measurement."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from prototypes.harness import cpu, environment, foreign, several
from prototypes.harness.declarations import Device
from prototypes.harness.document import Document, now, run_record
from prototypes.harness.gpu import GpuWatch
from prototypes.harness.isolation import CancelledError, Ended
from prototypes.harness.orphans import Warden
from prototypes.harness.places import Place
from prototypes.harness.plans import Plan, Settings
from prototypes.harness.progress import Progress
from prototypes.harness.registry import ROOT
from prototypes.harness.several import Group
from prototypes.harness.source_hash import run_hash
from prototypes.harness.status import Status
from prototypes.harness.survey import ProbeError, survey
from prototypes.harness.turns import lock_file


def run(
    plans: Sequence[Plan], settings: Settings, document: Document, progress: Progress
) -> Document:
    """Make all measurements and save after each.

    Raises `ProbeError` if the device can't be used and `CancelledError` after having recorded the
    run that was cut off.
    """
    try:
        foreign.check_entries()
    except foreign.BaselinesError as error:
        raise ProbeError(str(error)) from error
    mark = uuid.uuid4().hex
    warden = Warden(mark)
    warden.watch()
    lock = lock_file()
    line = _Line()
    try:
        place = Place(settings, mark, lock.name)
        line.groups.append(Group(place.processes()))
        document.environment = survey(settings, place, progress)
        document.save()
        for number, item in enumerate(plans):
            warden.watch()
            following = plans[number + 1] if number + 1 < len(plans) else None
            _measure(item, following, settings, place, line, document, progress)
    finally:
        line.close()
        lock.close()
        warden.close()
    document.environment["gpu_after"] = (
        environment.gpu_state() if settings.device is Device.CUDA else None
    )
    document.finish()
    return document


@dataclass(slots=True)
class _Begun:
    """When a measurement began, and what the machine was doing since."""

    at: str = field(default_factory=now)
    load: cpu.Load = field(default_factory=cpu.Load)


@dataclass(slots=True)
class _Line:
    """Groups of processes that were started ahead, the next one first."""

    groups: list[Group] = field(default_factory=list)
    begun: _Begun | None = None
    """When the next one went to work, if it is at work already."""

    def close(self) -> None:
        """End them all."""
        for group in self.groups:
            group.close()


def _measure(
    item: Plan,
    following: Plan | None,
    settings: Settings,
    place: Place,
    line: _Line,
    document: Document,
    progress: Progress,
) -> None:
    """Measure one item; let the next one set up and pass its gates beside this one's.

    In full runs, which have more processes and larger cases, the next one starts only when this one
    has timed: two measurements then never hold their memory at once for long.
    """
    progress.begin(item.label)
    begun, line.begun = line.begun, None
    since = begun or _Begun()
    gpu = GpuWatch(settings.device is Device.CUDA)
    ahead = settings.quick and settings.device is Device.CPU

    def report(fraction: float, message: str) -> None:
        progress.step(fraction, message)
        gpu.look(message)

    def start_next() -> None:
        if following is not None and not line.groups:
            line.groups.append(Group(place.processes()))

    try:
        if not line.groups:
            line.groups.append(Group(place.processes()))
        with line.groups.pop(0) as group:
            request = _request(item, settings, document)
            if begun is None:
                group.wait_ready()
                several.begin(request, group)
            if ahead and following is not None:
                start_next()
                several.begin(_request(following, settings, document), line.groups[0])
                line.begun = _Begun()
            ended = several.finish(request, group, report, start_next)
    except CancelledError:
        document.add(_record(item, document, settings, since.at, _dead(Status.CANCELLED)))
        raise
    record = _record(item, document, settings, since.at, ended)
    record["cpu"] = since.load.to_json(settings.threads, place.cores)
    record["gpu"] = gpu.to_json()
    document.add(record)
    progress.end(summary(record))


@contextmanager
def cancel_on_signals() -> Iterator[None]:
    """Turn SIGTERM, SIGHUP and Ctrl-C into `CancelledError` in the main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise CancelledError(signal.Signals(number).name)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(record: dict[str, Any]) -> str:
    """Return a run's result in a few words."""
    if record["status"] != Status.OK:
        reason = (record["error"] or {}).get("message", "")
        return f"{record['status']}. {reason}".strip()
    speed = record["speedup"]
    text = f"{record['time_us']['median']:.4g} µs"
    if speed:
        text += (
            f", {speed['median']:.3g}x [{speed['low']:.3g}, {speed['high']:.3g}] "
            f"of {record['baseline']}"
        )
    return text


def _request(item: Plan, settings: Settings, document: Document) -> dict[str, Any]:
    return {
        "task": "measure",
        "declaration": item.module,
        "case": item.case.id,
        "implementation": item.implementation.name,
        "device": str(settings.device),
        "quick": settings.quick,
        "threads": settings.threads,
        "rates": document.environment.get("rates"),
        "rates_all_threads": document.environment.get("rates_all_threads"),
        "noise_floor": document.environment.get("noise_floor"),
    }


def _record(
    item: Plan, document: Document, settings: Settings, started_at: str, ended: Ended
) -> dict[str, Any]:
    measured = ended.result if ended.result is not None else _death(ended)
    return run_record(
        item.declaration,
        item.case,
        item.implementation,
        document.environment.get("device", str(settings.device)),
        run_hash(item.declaration, item.case, ROOT),
        started_at,
        settings.quick,
        measured,
    )


def _dead(status: Status) -> Ended:
    return Ended(status, None, "Stopped before it was done.")


def _death(ended: Ended) -> dict[str, Any]:
    record: dict[str, Any] = {
        "status": str(ended.status),
        "error": {"kind": str(ended.status), "message": ended.message},
    }
    if ended.log:
        record["log"] = ended.log[-2000:]
    return record
