"""How a run can end; each way has its name."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The end of one run. Only `OK` carries a speed."""

    OK = "ok"
    BROKEN = "broken"
    """Failed the fidelity gate: our bug."""
    BELOW_QUALITY = "below_quality"
    """Failed the quality gate: the technique's flaw."""
    QUALITY_ONLY = "quality_only"
    """Passed both gates, and isn't timed: only what it computes says something."""
    NOT_RUNNABLE = "not_runnable"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    IMPLAUSIBLE = "implausible"
    """Faster than the device can be."""
    CANCELLED = "cancelled"
    ERROR = "error"
    """The code raised an exception."""
