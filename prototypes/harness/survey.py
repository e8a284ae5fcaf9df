"""What a session records of its machine before it measures; a process of its own asks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prototypes.harness import environment
from prototypes.harness.declarations import Device
from prototypes.harness.document import now
from prototypes.harness.places import PRELOAD, Place, limits_of
from prototypes.harness.plans import Settings
from prototypes.harness.progress import Progress
from prototypes.harness.registry import ROOT

PROBE_SECONDS = 240.0


class ProbeError(Exception):
    """The device can't be used; safe to show to a person."""


def survey(settings: Settings, place: Place, progress: Progress) -> dict[str, Any]:
    """Return what the device says of itself and its ceilings, as a run document records it.

    Raises `ProbeError` if the device can't be used.
    """
    progress.begin(f"device {settings.device}")
    started_at = now()
    request = {
        "task": "probe",
        "device": str(settings.device),
        "quick": settings.quick,
        "threads": settings.threads,
    }
    limits = replace(limits_of(settings), seconds=PROBE_SECONDS)
    with place.child(limits, PRELOAD) as child:
        child.wait_ready(PROBE_SECONDS)
        ended = child.run(request, progress.step)
    if ended.result is None:
        raise ProbeError(
            f"The device {settings.device} can't be used here: {ended.message}"
            + ("" if settings.device is Device.CPU else " Try --device cpu.")
        )
    result = ended.result
    if place.all_cores:
        everyone = {**request, "only_rates": True, "threads": len(place.all_cores)}
        with place.child(limits, PRELOAD, with_all=True) as child:
            rates = child.run(everyone, progress.step).result
        result["rates_all_threads"] = rates["rates"] if rates else None
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
        "pinned_cores": list(place.cores) if place.cores else None,
    }
