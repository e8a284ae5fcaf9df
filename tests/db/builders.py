"""Small catalogs and run documents for the tests of the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db.models import Claim, Environment, Paper, Reading, Run
from db.queries import papers


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def add_paper(session: Session, paper_id: str = "fast", **values: Any) -> Paper:
    return papers.add(
        session, **{"paper_id": paper_id, "title": f"The paper called {paper_id}", **values}
    )


def add_current(session: Session) -> Reading:
    reading = Reading(id="current", title={"en": "Today", "zh": "当前"}, frozen=False)
    session.add(reading)
    session.flush()
    return reading


def add_claim(session: Session, key: str = "fast/speed", **values: Any) -> Claim:
    record: dict[str, Any] = {
        "paper_id": "fast",
        "source": "seed",
        "metric": "speedup",
        "value": 2.0,
        "unit": "x",
        "bound": "exact",
        "baseline_kind": "unnamed",
    }
    claim = Claim(key=key, **{**record, **values})
    session.add(claim)
    session.flush()
    return claim


def interval(median: float, half: float = 0.1) -> dict[str, float]:
    return {"median": median, "low": median - half, "high": median + half}


def run(case: str = "b1-v32000", *, times: float | None = 2.0, **values: Any) -> dict[str, Any]:
    """A run as the harness writes it; a passing one unless told otherwise."""
    return {
        "prototype": "sampling",
        "case": case,
        "implementation": "rejection",
        "device": "cpu",
        "scope": "call",
        "status": "ok",
        "fidelity": {"pass": True, "checks": []},
        "quality": {"checks": []},
        "quality_pass": True,
        "time_us": interval(50.0),
        "samples": [49.0, 50.0, 51.0],
        "speedup": interval(times) if times else None,
        "baselines": [
            {
                "name": "sort",
                "role": "strongest",
                "version": "1",
                "time_us": interval(100.0),
                "speedup": interval(times) if times else None,
                "available": True,
            }
        ],
        "shipped": True,
        "target_weight": 1.0,
        "claims": ["fast/speed"],
        "provisional": False,
        "error": None,
        **values,
    }


def failed_run(status: str = "below_quality", **values: Any) -> dict[str, Any]:
    quality = False if status == "below_quality" else None
    record = run(times=None, status=status, time_us=None, quality_pass=quality)
    return {**record, **values}


def document(
    *runs: dict[str, Any],
    device_id: str = "some-cpu",
    started_at: str = "2026-01-02T03:04:05+00:00",
    **environment: Any,
) -> dict[str, Any]:
    return {
        "schema": 1,
        "environment": {
            "device_id": device_id,
            "device_name": device_id.replace("-", " "),
            "device_class": "cpu",
            "device": "cpu",
            "started_at": started_at,
            **environment,
        },
        "runs": list(runs),
    }


def stored_run(session: Session, **values: Any) -> Run:
    """A run row written past the import, to see what the database itself refuses."""
    if session.get(Environment, "env") is None:
        session.add(
            Environment(
                id="env",
                device_id="some-cpu",
                device_name="some cpu",
                device_class="cpu",
                started_at="2026-01-02T03:04:05.000000+00:00",
                record={},
            )
        )
        session.flush()
    record: dict[str, Any] = {
        "id": "run",
        "environment_id": "env",
        "prototype": "sampling",
        "case": "b1",
        "implementation": "rejection",
        "device": "cpu",
        "device_id": "some-cpu",
        "scope": "call",
        "status": "ok",
        "fidelity_pass": True,
        "quality_pass": True,
        "time_us": 50.0,
        "speedup": 2.0,
        "started_at": "2026-01-02T03:04:05.000000+00:00",
        "record": {},
    }
    row = Run(**{**record, **values})
    session.add(row)
    session.flush()
    return row
