"""Cores to measure on, and what else the machine was doing meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

STAT = Path("/proc/stat")


def times() -> dict[int, tuple[int, int, int]]:
    """Return (busy, idle, stolen) ticks of each core since boot; empty where it isn't told."""
    found = {}
    try:
        text = STAT.read_text("ascii")
    except OSError:
        return {}
    for line in text.splitlines():
        name, *fields = line.split()
        if not name.startswith("cpu") or not name[3:].isdigit():
            continue
        user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(int, [*fields, *"0" * 8])
        busy = user + nice + system + irq + softirq
        found[int(name[3:])] = (busy, idle + iowait, steal)
    return found


def idlest(count: int, window_s: float = 0.15) -> tuple[int, ...] | None:
    """Return the cores, of those allowed to us, that did least over a moment; None without /proc.

    Ties go to the last ones: interrupts go to the first.
    """
    before = times()
    if not before:
        return None
    time.sleep(window_s)
    after = times()
    allowed = [core for core in os.sched_getaffinity(0) if core in before and core in after]

    def busy(core: int) -> int:
        return sum(after[core][i] - before[core][i] for i in (0, 2))

    return tuple(sorted(sorted(allowed, key=lambda c: (busy(c), -c))[:count])) or None


class Load:
    """What the whole machine did between two moments."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._times = times()

    def to_json(self, threads: int, cores: tuple[int, ...] | None) -> dict[str, Any]:
        """Return threads, pinned cores, load before and after, share busy and stolen since."""
        now = times()
        spent = [
            sum(
                after[i] - self._times[core][i]
                for core, after in now.items()
                if core in self._times
            )
            for i in range(3)
        ]
        total = sum(spent) or 1
        return {
            "threads": threads,
            "pinned_cores": list(cores) if cores else None,
            "load": [round(self._load, 2), round(os.getloadavg()[0], 2)],
            "busy_share": round(spent[0] / total, 3),
            "stolen_share": round(spent[2] / total, 4),
        }
