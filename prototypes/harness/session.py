"""The parent's side: a child for the device's probe, then one a case and implementation."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from prototypes.harness import environment
from prototypes.harness.declarations import Case, Declaration, Device, Implementation
from prototypes.harness.document import Document, now, run_record
from prototypes.harness.isolation import CancelledError, Ended, Limits, run_child
from prototypes.harness.progress import Progress
from prototypes.harness.registry import ROOT
from prototypes.harness.status import Status

PROBE_SECONDS = 240.0


class ProbeError(Exception):
    """The device can't be used; safe to show to a person."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session measures."""

    device: Device
    quick: bool = False
    case: str | None = None
    seconds: float = 300.0
    """Wall time that one measurement may take."""
    memory_bytes: int = 8 << 30
    threads: int = 1
    """CPU threads of the measured code: one by default, the setting with the least noise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement to be made."""

    declaration: Declaration
    case: Case
    implementation: Implementation
    module: str

    @property
    def label(self) -> str:
        """What a progress line calls it."""
        return f"{self.declaration.name} {self.case.id} {self.implementation.name}"


def plan(declarations: Sequence[Declaration], settings: Settings) -> list[Plan]:
    """Return the measurements that these settings ask for; the shipped implementations first."""
    plans = []
    for declaration in declarations:
        module = f"{declaration.module.rpartition('.')[0]}.declaration"
        chosen = [i for i in declaration.implementations if i.device is settings.device]
        for case in declaration.cases:
            if settings.device not in case.devices:
                continue
            if settings.case is not None and case.id != settings.case:
                continue
            if settings.case is None and settings.quick and not case.quick:
                continue
            for implementation in chosen:
                if settings.quick and not implementation.shipped:
                    continue
                plans.append(Plan(declaration, case, implementation, module))
    # If time runs out, what counts is there.
    return sorted(plans, key=lambda p: not p.implementation.shipped)


def run(
    plans: Sequence[Plan], settings: Settings, document: Document, progress: Progress
) -> Document:
    """Make all measurements and save after each.

    Raises `ProbeError` if the device can't be used and `CancelledError` after having recorded the
    run that was cut off.
    """
    document.environment = _environment(settings, progress)
    document.save()
    for item in plans:
        started_at = now()
        progress.begin(item.label)
        try:
            ended = run_child(_request(item, settings, document), _limits(settings), progress.step)
        except CancelledError:
            document.add(_record(item, document, settings, started_at, _dead(Status.CANCELLED)))
            raise
        record = _record(item, document, settings, started_at, ended)
        document.add(record)
        progress.end(summary(record))
    document.environment["gpu_after"] = (
        environment.gpu_state() if settings.device is Device.CUDA else None
    )
    document.finish()
    return document


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


def _environment(settings: Settings, progress: Progress) -> dict[str, Any]:
    progress.begin(f"device {settings.device}")
    started_at = now()
    request = {
        "task": "probe",
        "device": str(settings.device),
        "quick": settings.quick,
        "threads": settings.threads,
    }
    limits = Limits(PROBE_SECONDS, _limits(settings).memory_bytes)
    ended = run_child(request, limits, progress.step)
    if ended.result is None:
        raise ProbeError(
            f"The device {settings.device} can't be used here: {ended.message}"
            + ("" if settings.device is Device.CPU else " Try --device cpu.")
        )
    result = ended.result
    progress.end(result["device_name"])
    gpu = None
    if settings.device is Device.CUDA:
        gpu = {**result.pop("gpu", {}), **(environment.gpu_state() or {})}
        result["software"]["driver"] = gpu.get("driver_version")
    return {
        **result,
        "gpu": gpu,
        "started_at": started_at,
        "host": environment.host(),
        "git": environment.git_state(),
        "harness_hash": environment.code_hash(ROOT / "harness"),
        "quick": settings.quick,
    }


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
    }


def _limits(settings: Settings) -> Limits:
    bounded = settings.device is Device.CPU
    return Limits(settings.seconds, settings.memory_bytes if bounded else None)


def _record(
    item: Plan, document: Document, settings: Settings, started_at: str, ended: Ended
) -> dict[str, Any]:
    measured = ended.result if ended.result is not None else _death(ended)
    folder = ROOT / item.declaration.name
    return run_record(
        item.declaration,
        item.case,
        item.implementation,
        document.environment.get("device", str(settings.device)),
        environment.code_hash(folder),
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
