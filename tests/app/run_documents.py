"""Run documents as `python -m prototypes run` writes them, small, for feedback tests."""

from __future__ import annotations

from typing import Any

CLAIM = "flashinfer-sampling/sampling-time"


def interval(median: float, half: float = 0.02) -> dict[str, float]:
    return {"median": median, "low": median * (1 - half), "high": median * (1 + half)}


def run(
    case: str = "b1-v128256",
    *,
    paper: float | None = 12.0,
    engine: float | None = 1.5,
    status: str = "ok",
    **changes: Any,
) -> dict[str, Any]:
    passed = status == "ok"
    baselines = [
        {
            "name": name,
            "role": role,
            "roles": [role],
            "version": "torch 2.13",
            "time_us": interval(100.0 * ratio) if passed else None,
            "speedup": interval(ratio) if passed else None,
            "available": True,
        }
        for name, role, ratio in (("torch_sort", "paper", paper), ("topk", "engine", engine))
        if ratio is not None
    ]
    return {
        "prototype": "sampling",
        "paper": "sampling",
        "part": "sampling",
        "case": case,
        "implementation": "torch_sieve",
        "shipped": True,
        "target_weight": 1.0,
        "device": "cpu",
        "scope": "call",
        "status": status,
        "fidelity": {"pass": status != "broken", "checks": []},
        "quality": {"pass": status == "ok", "checks": []},
        "quality_pass": passed if status in ("ok", "below_quality") else None,
        "time_us": interval(100.0) if passed else None,
        "samples": [],
        "method": "wall",
        "baseline": "topk" if passed and engine else None,
        "speedup": interval(engine) if passed and engine else None,
        "baselines": baselines,
        "bytes": 1,
        "flops": 1,
        "roofline_fraction": None,
        "claims": [CLAIM],
        "code_hash": "0",
        "provisional": False,
        "error": None,
    } | changes


def document(*runs: dict[str, Any], **environment: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "environment": {
            "device_id": "test-cpu",
            "device_name": "Test CPU",
            "device_class": "cpu",
            "device": "cpu",
            "started_at": "2026-11-24T00:00:00+00:00",
            "noise_floor": 0.02,
            "quick": False,
        }
        | environment,
        "runs": list(runs or [run()]),
    }
