"""Does a repeat of a run find the same? How far the median moves, how often the interval holds it.

python -m benchmarks.repeatability [REPEATS] [--full] [--device cpu|cuda] [--case ID]

Runs one case of the sampling prototype again and again, each a session of its own with its own
processes, and prints for every contestant's time and speedup: the movement of the median from one
run to the next, and the share of pairs of runs in which the interval of the one holds the median of
the other (both ways). Do it on an otherwise idle machine; the load is printed with the result.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise, permutations
from pathlib import Path
from statistics import median
from typing import Any

CASE = "b1-v128256-k40-p0.95-m0.05-zipf"


def measured(case: str, device: str, full: bool, out: Path) -> dict[str, Any]:
    """Return the document of one session."""
    command = [sys.executable, "-m", "prototypes", "run", "sampling", "--quiet"]
    command += ["--device", device, "--case", case, "--out", str(out)]
    subprocess.run(command + ([] if full else ["--quick"]), check=False)
    document: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return document


def intervals(document: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return every interval of the shipped implementation's run by what it is of."""
    run = next(r for r in document["runs"] if r["shipped"])
    if run["status"] != "ok":
        raise SystemExit(f"The run ended as {run['status']}: {run['error']['message']}")
    found = {f"time of {run['implementation']}": run["time_us"]}
    for baseline in run["baselines"]:
        if baseline["speedup"]:
            found[f"time of {baseline['name']}"] = baseline["time_us"]
            found[f"speedup over {baseline['name']}"] = baseline["speedup"]
    return found


def movement(repeats: Sequence[dict[str, float]]) -> float:
    """Return the median change from one run's median to the next run's, as a share."""
    return median(abs(b["median"] / a["median"] - 1) for a, b in pairwise(repeats))


def coverage(repeats: Sequence[dict[str, float]]) -> tuple[int, int]:
    """Return how many ordered pairs of runs hold (a's interval has b's median), of how many."""
    pairs = list(permutations(repeats, 2))
    return sum(a["low"] <= b["median"] <= a["high"] for a, b in pairs), len(pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repeats", nargs="?", type=int, default=10)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--case", default=CASE)
    options = parser.parse_args()
    seen: dict[str, list[dict[str, float]]] = defaultdict(list)
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.repeats):
            loads.append(os.getloadavg()[0])
            out = Path(folder) / f"{number}.json"
            document = measured(options.case, options.device, options.full, out)
            for name, interval in intervals(document).items():
                seen[name].append(interval)
            print(f"[{number + 1}/{options.repeats}] load {loads[-1]:.2f}", file=sys.stderr)
    kind = "full" if options.full else "quick"
    print(
        f"{options.repeats} {kind} runs of {options.case} on {options.device}, load "
        f"{min(loads):.1f} to {max(loads):.1f}"
    )
    print("| | median of medians | moves by | interval, half | holds the repeat |")
    print("| --- | --- | --- | --- | --- |")
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, repeats in seen.items():
        held, pairs = coverage(repeats)
        of = totals[name.split()[0]]
        of[0] += held
        of[1] += pairs
        half = median((r["high"] - r["low"]) / 2 / r["median"] for r in repeats)
        middle = median(r["median"] for r in repeats)
        print(
            f"| {name} | {middle:.4g} | {100 * movement(repeats):.1f} % | {100 * half:.1f} % "
            f"| {100 * held / pairs:.0f} % |"
        )
    for what, (held, pairs) in totals.items():
        print(f"every {what}: {held} of {pairs} pairs, {100 * held / pairs:.1f} %")


if __name__ == "__main__":
    main()
