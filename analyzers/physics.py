"""Claims held against the roofline: what no code on a device can reach, however good.

A measured run holds what its case must at least move and compute, the ceilings measured on its
device in the same session, and how long the baseline takes there. Baseline time over least time is
the most that can be gained on that device. A claimed speedup above it is a finding, with the
arithmetic; nothing here needs the technique's own code, so it holds for a better one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from analyzers.message import N_, Message, message

ALLOWANCE = 0.8
"""Share of the least time that a time may reach all the same: a copy, by which memory is measured,
is about a tenth slower than a pure read, and the measurement has noise of its own."""

MEMORY, ARITHMETIC = N_("memory"), N_("arithmetic")


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What one device does at most, measured on it: bytes a second, operations a second."""

    bytes_per_s: float
    flops_per_s: float
    by_precision: Mapping[str, float]

    @classmethod
    def read(cls, rates: Mapping[str, Any] | None) -> Ceilings | None:
        """Read `rates` of a run document's environment; `None` where they are missing."""
        if not isinstance(rates, Mapping):  # a run document may come from anywhere
            return None
        memory, arithmetic = rates.get("copy_bytes_per_s"), rates.get("matmul_flops_per_s")
        if not _is_rate(memory) or not _is_rate(arithmetic):
            return None
        named = rates.get("matmul")
        listed = named.items() if isinstance(named, Mapping) else ()
        known = {str(name): float(rate) for name, rate in listed if _is_rate(rate)}
        return cls(float(memory), float(arithmetic), known)


def _is_rate(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a case must at least do, in bytes moved and operations.

    `reference_bytes` is what it moves in the format that the technique replaces.
    """

    bytes: int
    flops: int
    precision: str | None = None
    reference_bytes: int | None = None

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Work | None:
        """Read a run's `bytes`, `flops`, `reference_bytes`; `None` where they are missing."""
        if not record.get("bytes") or record.get("flops") is None:
            return None
        roof, reference = record.get("roofline"), record.get("reference_bytes")
        precision = roof.get("precision") if isinstance(roof, Mapping) else None
        return cls(
            int(record["bytes"]),
            int(record["flops"]),
            precision if isinstance(precision, str) else None,
            int(reference) if _is_rate(reference) else None,
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that can be gained over a baseline on a device, and what sets it."""

    most: float
    least_us: float
    baseline_us: float
    bound: str


def limit(work: Work, ceilings: Ceilings, baseline_us: float) -> Limit:
    """Return how many times faster than a baseline any code can be on this device.

    Least time = max(bytes / bandwidth, operations / rate), the rate of the precision that the work
    is done in where it was measured, else the fastest measured: a limit may be too high, never too
    low. Raises `ValueError` unless the baseline's time is positive.
    """
    if baseline_us <= 0:
        raise ValueError("a time must be positive")
    fastest = max(ceilings.flops_per_s, *ceilings.by_precision.values(), 0.0)
    rate = ceilings.by_precision.get(work.precision or "", fastest)
    moving, computing = work.bytes / ceilings.bytes_per_s, work.flops / rate
    least_us = ALLOWANCE * 1e6 * max(moving, computing)
    bound = MEMORY if moving >= computing else ARITHMETIC
    return Limit(baseline_us / least_us, least_us, baseline_us, bound)


def byte_ratio(work: Work, ceilings: Ceilings) -> float | None:
    """Return how many times fewer bytes are moved than in the format that is replaced.

    Where memory is the limit in that format too, no more than this can be gained over code that
    uses the memory fully. `None` where it isn't the limit, or isn't known.
    """
    if not work.reference_bytes:
        return None
    if work.reference_bytes / ceilings.bytes_per_s < work.flops / ceilings.flops_per_s:
        return None
    return work.reference_bytes / work.bytes


def findings(
    claimed: float, work: Work, ceilings: Ceilings, baseline: str, baseline_us: float
) -> list[Message]:
    """Return why a claimed speedup over a baseline can't be on this device; empty if it can."""
    found = []
    here = limit(work, ceilings, baseline_us)
    if claimed > here.most:
        found.append(
            message(
                "physics: {baseline} takes {taken} µs here and {bound} alone takes {least} µs, "
                "so no code can be more than {most}x as fast on this device; {claimed}x is claimed",
                words=("bound",),
                baseline=baseline,
                taken=_digits(here.baseline_us),
                bound=here.bound,
                least=_digits(here.least_us),
                most=_digits(here.most),
                claimed=_digits(claimed),
            )
        )
    ratio = byte_ratio(work, ceilings)
    if ratio is not None and claimed > ratio / ALLOWANCE:
        found.append(
            message(
                "physics: it moves {ratio}x fewer bytes, and memory is the limit here: over code "
                "that uses the memory fully no more can be gained; {claimed}x is claimed",
                ratio=_digits(ratio),
                claimed=_digits(claimed),
            )
        )
    return found


def _digits(value: float) -> float:
    """Return three significant digits, whole from 100 on: 2000, not 2e+03."""
    rounded = float(f"{value:.3g}")
    return int(rounded) if rounded >= 100 else rounded
