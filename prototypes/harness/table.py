"""A document as a table for people: each run against its baselines, then all cases as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

ROLES = ("paper", "engine", "strongest")


def render(document: Record) -> str:
    """Return the table: a line a run and baseline, then the weighted means with the worst case.

    `?` stands behind a comparison that more rounds would settle, with how many.
    """
    rows: list[Sequence[str]] = [
        ("case", "implementation", "µs", "of limit", "against", "role", "speedup", "")
    ]
    for run in document["runs"]:
        rows += _run_rows(run)
    lines = list(_aligned(rows))
    for summary in document.get("summaries", ()):
        lines.append(_summary_line(summary))
    noise = document["environment"].get("noise_floor")
    if noise is not None:
        lines.append(f"noise of this device: {100 * noise:.1f} %")
    return "\n".join(lines)


def _run_rows(run: Record) -> Iterator[tuple[str, ...]]:
    head = (run["case"], run["implementation"])
    if run["status"] != "ok":
        why = (run.get("error") or {}).get("message", "")
        yield (*head, "", "", "", "", run["status"], why[:100])
        return
    share = (run.get("roofline") or {}).get("fraction", run.get("roofline_fraction"))
    bound = (run.get("roofline") or {}).get("bound", "")
    told = f"{100 * share:.1f} % {bound}".strip() if share is not None else ""
    first = (*head, _figure(run["time_us"]), told)
    for baseline in run["baselines"]:
        if baseline.get("speedup") is None:
            continue
        roles = "+".join(r for r in baseline["roles"] if r in ROLES) or "other"
        yield (*first, baseline["name"], roles, _speed(baseline["speedup"]), _answer(baseline))
        first = ("", "", "", "")
    if first[0]:
        yield (*first, "", "", "", "")
    together = run.get("all_threads")
    if together and together.get("time_us"):
        name = f"  with {together['threads']} threads"
        speed = together.get("speedup")
        rival = together.get("baseline") or ""
        yield ("", name, _figure(together["time_us"]), "", rival, "", _speed(speed), "")


def _answer(baseline: Record) -> str:
    compared = baseline.get("comparison")
    if not compared:
        return ""
    more = compared.get("more_rounds")
    if compared["answer"] == "unclear":
        return f"unclear, {more} more rounds?" if more else "unclear, too near the noise"
    return str(compared["answer"])


def _figure(interval: Record) -> str:
    """Return a median and half its interval, with the digits that the interval earns."""
    middle, low, high = (float(interval[end]) for end in ("median", "low", "high"))
    half = (high - low) / 2
    digits = 3
    if half > 0:
        digits = max(2, min(4, len(f"{int(middle / half)}") + 1))
    return f"{_plain(middle, digits)} ± {_plain(100 * half / middle, 2)} %"


def _speed(interval: Record | None) -> str:
    if not interval:
        return ""
    ends = ", ".join(_plain(float(interval[end]), 3) for end in ("low", "high"))
    return f"{_plain(float(interval['median']), 3)}x [{ends}]"


def _plain(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    return str(int(rounded)) if abs(rounded) >= 100 else f"{rounded:g}"


def _summary_line(summary: Record) -> str:
    worst = summary["worst"]
    text = (
        f"{summary['prototype']} {summary['implementation']} against {summary['role']}: "
        f"{_speed(summary['speedup'])} over {summary['cases']} cases ({summary['basis']}), "
        f"worst {_plain(float(worst['speedup']['median']), 3)}x at {worst['case']}"
    )
    if summary["losses"]:
        text += f", {summary['losses']} lost"
    return text if summary["complete"] else text + "; incomplete: a case has no figure"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
