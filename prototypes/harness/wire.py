"""Outcomes between processes: all of one as JSON and back, so that several can be joined.

What a person or the catalog reads is `Outcome.to_json`; this is the harness talking to itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any

from prototypes.harness.declarations import Baseline, Role
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check, GateReport, PassedGates
from prototypes.harness.outcome import Contestant, Outcome, Timing
from prototypes.harness.roofline import Rates
from prototypes.harness.workload import Work


def fields(check: Check) -> dict[str, Any]:
    """Return what a check was made of."""
    return {f.name: getattr(check, f.name) for f in fields_of(check)}


def pack_checks(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Return checks as records that hold every digit."""
    return [fields(c) for c in checks]


def unpack_checks(records: Iterable[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Return the checks of `pack_checks`."""
    return tuple(Check(**record) for record in records)


def pack(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome of a first process as a record."""
    timing = outcome.timing
    return {
        "fidelity": pack_checks(outcome.report.fidelity),
        "quality": pack_checks(outcome.report.quality),
        "replay": pack_checks(outcome.replay),
        "gate_seed": outcome.gate_seed,
        "figures": [asdict(f) for f in outcome.figures],
        "quality_only": outcome.quality_only,
        "absent": [{"baseline": _pack_baseline(b), "why": why} for b, why in outcome.absent],
        "timing": None if timing is None else _pack_timing(timing),
    }


def unpack(record: Mapping[str, Any]) -> Outcome:
    """Return the outcome of `pack`; raises `GateError` if it has times without passed gates."""
    report = GateReport(unpack_checks(record["fidelity"]), unpack_checks(record["quality"]))
    timing = record["timing"]
    return Outcome(
        report,
        gate_seed=record["gate_seed"],
        timing=None if timing is None else _unpack_timing(timing, PassedGates(report)),
        absent=tuple((_unpack_baseline(a["baseline"]), a["why"]) for a in record["absent"]),
        replay=unpack_checks(record["replay"]),
        figures=tuple(Figure(**f) for f in record["figures"]),
        quality_only=record["quality_only"],
    )


def _pack_timing(timing: Timing) -> dict[str, Any]:
    return {
        "candidate": timing.candidate,
        "contestants": [
            {"baseline": _pack_baseline(c.baseline), "samples": c.samples, "version": c.version}
            for c in timing.contestants
        ],
        "method": timing.method,
        "work": asdict(timing.work),
        "floor_us": timing.floor_us,
        "impossible_us": timing.impossible_us,
        "rounds": list(timing.rounds),
        "noise_floor": timing.noise_floor,
        "roof": timing.roof.to_json() if timing.roof else None,
        "kernel_alone": timing.kernel_alone,
        "setup_us": {name: list(times) for name, times in timing.setup_us.items()},
    }


def _unpack_timing(record: Mapping[str, Any], gates: PassedGates) -> Timing:
    rest = {k: v for k, v in record.items() if k not in ("contestants", "work", "roof", "rounds")}
    return Timing(
        gates=gates,
        contestants=tuple(
            Contestant(_unpack_baseline(c["baseline"]), c["samples"], c["version"])
            for c in record["contestants"]
        ),
        work=Work(**record["work"]),
        roof=Rates(**record["roof"]) if record["roof"] else None,
        rounds=tuple(record["rounds"]),
        **rest,
    )


def _pack_baseline(baseline: Baseline) -> dict[str, Any]:
    return {
        "name": baseline.name,
        "description": baseline.description,
        "roles": [str(r) for r in baseline.roles],
    }


def _unpack_baseline(record: Mapping[str, Any]) -> Baseline:
    roles = tuple(Role(r) for r in record["roles"])
    return Baseline(record["name"], record["description"], roles)
