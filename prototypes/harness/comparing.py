"""Two documents side by side: is a kernel faster than it was, slower, the same, or can't one say?

Runs are of different times, so their rounds don't pair up: the ratio's interval comes from both
medians' bootstraps. Runs that were measured in different ways aren't compared, and the reason is
said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prototypes.harness.comparison import Compared, compare
from prototypes.harness.source_hash import is_same_code
from prototypes.harness.statistics import Interval

MOST_BYTES = 64 << 20
KEY = ("prototype", "case", "implementation", "scope")

Record = Mapping[str, Any]


class ComparingError(Exception):
    """A document can't be read, or nothing in two of them can be compared; safe to show."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One kernel in both documents: how many times faster B is, or why that can't be said."""

    prototype: str
    case: str
    implementation: str
    scope: str
    speed: Interval | None
    """Time of A over time of B."""
    compared: Compared | None
    why: str | None
    notes: tuple[str, ...] = ()
    """What differs and may be the reason: code, versions, clocks."""

    def to_json(self) -> dict[str, Any]:
        """Return the record that `compare --json` prints."""
        return {
            "prototype": self.prototype,
            "case": self.case,
            "implementation": self.implementation,
            "scope": self.scope,
            "answer": str(self.compared.answer) if self.compared else None,
            "speed": self.speed.to_json() if self.speed else None,
            "noise": self.compared.noise if self.compared else None,
            "more_rounds": self.compared.more_rounds if self.compared else None,
            "why_not": self.why,
            "notes": list(self.notes),
        }

    def line(self) -> str:
        """Return the pair as a line for people."""
        head = f"{self.prototype} {self.case} {self.implementation}"
        if self.speed is None or self.compared is None:
            return f"{head}: not compared. {self.why}"
        told = f"{head}: {self.compared.answer}, {_ratio(self.speed)}"
        if self.compared.more_rounds:
            told += f"; about {self.compared.more_rounds} more rounds would settle it"
        return told + (f" ({'; '.join(self.notes)})" if self.notes else "")


def read(path: Path) -> dict[str, Any]:
    """Return a run document; raises `ComparingError` with one sentence if the file is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ComparingError(f"{path} is larger than {MOST_BYTES >> 20} MB: no run document.")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ComparingError(f"Can't read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ComparingError(f"{path} is no JSON: make it by `run NAME --out FILE`.") from error
    if not isinstance(document, dict) or not _is_list_of_runs(document.get("runs")):
        raise ComparingError(f"{path} is no run document: make it by `run NAME --out FILE`.")
    if not isinstance(document.get("environment"), dict):
        raise ComparingError(f"{path} has no environment: nothing says what it was measured on.")
    return document


def _is_list_of_runs(runs: Any) -> bool:
    return isinstance(runs, list) and all(
        isinstance(run, dict) and all(isinstance(run.get(name), str) for name in KEY)
        for run in runs
    )


def pairs(first: Record, second: Record) -> list[Pair]:
    """Return every kernel of either document, in the order of the first.

    Raises `ComparingError` if they have none in common.
    """
    ours, theirs = _by_key(first), _by_key(second)
    if not ours.keys() & theirs.keys():
        raise ComparingError(
            "The two documents have no run of the same prototype, case and implementation."
        )
    found = []
    for key in dict.fromkeys((*ours, *theirs)):
        a, b = ours.get(key), theirs.get(key)
        why = _why_not(a, b, first["environment"], second["environment"])
        if a is None or b is None or why is not None:
            found.append(Pair(*key, speed=None, compared=None, why=why))
            continue
        speed = _speed(a["time_us"], b["time_us"])
        noise = _noise(first["environment"], second["environment"])
        rounds = min(len(a.get("samples") or ()), len(b.get("samples") or ())) or 1
        notes = _notes(a, b, first["environment"], second["environment"])
        found.append(Pair(*key, speed, compare(speed, noise, rounds), None, notes))
    return found


def _by_key(document: Record) -> dict[tuple[str, str, str, str], Record]:
    # The last one counts: a document may hold a run and its repeat.
    return {
        (r["prototype"], r["case"], r["implementation"], r["scope"]): r for r in document["runs"]
    }


def _why_not(a: Record | None, b: Record | None, here: Record, there: Record) -> str | None:
    if a is None or b is None:
        return f"Only {'B' if a is None else 'A'} has it."
    devices = here.get("device_id"), there.get("device_id")
    if devices[0] != devices[1]:
        return f"A is of {devices[0]}, B of {devices[1]}: the devices would be compared."
    for name, run in (("A", a), ("B", b)):
        if not isinstance(run.get("time_us"), dict):
            return f"{name} has no time: its status is {run.get('status')}."
        if not _is_interval(run["time_us"]):
            return f"{name} holds a time that is no interval of positive numbers."
    if (a.get("case_parameters"), a.get("seed")) != (b.get("case_parameters"), b.get("seed")):
        return "The case isn't the same any more: other parameters or another seed."
    for name in ("timer", "cache"):
        ways = [(r.get("method") or {}).get(name) for r in (a, b)]
        if ways[0] != ways[1]:
            return f"They were timed differently: {ways[0]} in A, {ways[1]} in B ({name})."
    threads = here.get("threads"), there.get("threads")
    if threads[0] != threads[1] and a.get("device") == "cpu":
        return f"A had {threads[0]} threads, B {threads[1]}."
    return None


def _speed(a: Record, b: Record) -> Interval:
    """Return A's time over B's; relative half-widths of independent medians add in quadrature."""
    middle = a["median"] / b["median"]
    up = math.hypot(math.log(a["high"] / a["median"]), math.log(b["median"] / b["low"]))
    down = math.hypot(math.log(a["median"] / a["low"]), math.log(b["high"] / b["median"]))
    return Interval(middle, middle * math.exp(-down), middle * math.exp(up))


def _is_interval(time: Record) -> bool:
    ends = [time.get(name) for name in ("low", "median", "high")]
    if not all(isinstance(e, (int, float)) and math.isfinite(e) and e > 0 for e in ends):
        return False
    low, middle, high = (float(e) for e in ends if e is not None)
    return low <= middle <= high


def _noise(here: Record, there: Record) -> float:
    floors = [e.get("noise_floor") for e in (here, there)]
    return max((float(f) for f in floors if isinstance(f, (int, float))), default=0.0)


def _notes(a: Record, b: Record, here: Record, there: Record) -> tuple[str, ...]:
    notes = []
    if not is_same_code(a.get("code_hash"), b.get("code_hash")):
        notes.append("the kernels differ")
    if here.get("harness_hash") != there.get("harness_hash"):
        notes.append("the harness differs")
    before, after = here.get("software") or {}, there.get("software") or {}
    for name in ("torch", "triton", "cuda", "driver", "python"):
        if before.get(name) != after.get(name):
            notes.append(f"{name} {before.get(name)} in A, {after.get(name)} in B")
    if a.get("provisional") or b.get("provisional"):
        notes.append("a quick run: provisional")
    return tuple(notes)


def _ratio(speed: Interval) -> str:
    return f"{speed.median:.3g}x [{speed.low:.3g}, {speed.high:.3g}] as fast"
