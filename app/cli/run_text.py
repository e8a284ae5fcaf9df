"""Stored runs as lines for people on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

Record = Mapping[str, Any]

RUN_COLUMNS = {
    "id": "id",
    "at": "measured",
    "prototype": "prototype",
    "case": "case",
    "implementation": "implementation",
    "device": "device",
    "state": "state",
    "time": "time us",
    "paper": "vs paper",
    "strongest": "vs strongest",
    "engine": "vs engine",
}
SPARED_COLUMNS = ("implementation", "device", "at", "strongest", "paper", "prototype", "engine")
"""What a narrow window does without, in this order."""
_SHORT_ID = 12
_ELSEWHERE = frozenset(
    {"fidelity", "quality", "baselines", "samples", "time_us", "speedup", "method", "error"}
    | {"prototype", "case", "implementation", "status"}
)


def run_row(run: Record) -> dict[str, str]:
    """Return a run in brief as a row of the table."""
    return {
        "id": str(run["id"])[:_SHORT_ID],
        "at": str(run["at"])[:16].replace("T", " "),
        "prototype": str(run["prototype"]),
        "case": str(run["case"]),
        "implementation": str(run["implementation"]),
        "device": str(run["device_id"]),
        "state": _state(run["status"], run.get("provisional"), run["stale"]),
        "time": _number((run.get("time_us") or {}).get("median")),
        **{role: _against(run, role) for role in ("paper", "strongest", "engine")},
    }


def run_lines(shown: Record) -> Iterator[str]:
    """Yield all that is stored of a run, a line each."""
    run = shown["run"]
    yield f"{run['prototype']} {run['case']} {run['implementation']} on {shown['device_name']}"
    yield f"run {shown['id']}: {_state(run['status'], run.get('provisional'), shown['stale'])}"
    if run.get("time_us"):
        yield f"time {_interval(run['time_us'])} us"
    if isinstance(run.get("error"), dict):
        yield f"trouble: {run['error'].get('message', '')}"
    fidelity = run.get("fidelity") if isinstance(run.get("fidelity"), dict) else {}
    yield from _gate("fidelity", fidelity, (fidelity or {}).get("pass"))
    quality = run.get("quality") if isinstance(run.get("quality"), dict) else {}
    yield from _gate("quality", quality, run.get("quality_pass"))
    yield "baselines:"
    for baseline in run.get("baselines") or ():
        yield f"  {_baseline(baseline)}"
    samples = [s for s in _list(run.get("samples")) if isinstance(s, (int, float))]
    if samples:
        yield (
            f"samples: {len(samples)}, median {_number(median(samples))} us, "
            f"{_number(min(samples))} to {_number(max(samples))}"
        )
    if isinstance(run.get("method"), dict):
        yield f"method: {run['method'].get('summary', '')}"
    yield "fields:"
    yield from _fields({k: v for k, v in run.items() if k not in _ELSEWHERE})
    yield "environment:"
    yield from _fields(shown["environment"])


def _state(status: Any, provisional: Any, stale: Any) -> str:
    marks = [str(status), *(["quick"] if provisional else []), *(["stale"] if stale else [])]
    return ", ".join(marks)


def _gate(name: str, gate: Any, passed: Any) -> Iterator[str]:
    verdict = {True: "passed", False: "failed"}.get(passed, "not tried")
    checks = [c for c in _list((gate or {}).get("checks")) if isinstance(c, dict)]
    yield f"{name}: {verdict}, {len(checks)} checks"
    for check in checks:
        sign = "ok  " if check.get("pass") else "FAIL"
        bar = f"bar {_number(check.get('bar'))}"
        yield f"  {sign} {check.get('name', '')}: {_number(check.get('value'))} ({bar})"


def _baseline(baseline: Record) -> str:
    roles = baseline.get("roles") or [baseline.get("role") or ""]
    head = f"{baseline.get('name')} [{', '.join(map(str, roles))}] {baseline.get('version') or ''}"
    if not baseline.get("available", True):
        return f"{head}: not available here. {baseline.get('why') or ''}".rstrip()
    if not baseline.get("speedup"):
        return head.rstrip()
    told = f"{head}: {_interval(baseline['time_us'])} us, {_interval(baseline['speedup'])}x"
    answer = baseline.get("comparison")
    return f"{told}, {answer.get('answer')}" if isinstance(answer, dict) else told


def _fields(record: Record, prefix: str = "  ") -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}: {value}"


def _against(run: Record, role: str) -> str:
    for baseline in run.get("baselines") or ():
        roles = baseline.get("roles") or [baseline.get("role")]
        if role in roles and baseline.get("speedup"):
            return f"{baseline['speedup']['median']:.3g}x"
    return ""


def _list(value: Any) -> list[Any]:
    """Return a list that a run holds; something else there, as it may come from anywhere, none."""
    return value if isinstance(value, list) else []


def _interval(value: Any) -> str:
    if not isinstance(value, dict):
        return "?"
    low, middle, high = (_number(value.get(part)) for part in ("low", "median", "high"))
    return f"{middle} [{low}, {high}]"


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e8 else f"{value:.4g}"
