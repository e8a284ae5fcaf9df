"""Inputs made by chance for every parser of what comes from outside: how each ended.

    python -m benchmarks.fuzz [--count 2000] [--seed 0] [--only NAME]

Prints how many inputs were taken and how many refused in a sentence; anything else is printed with
its input and ends the program with 1. The runs files that are odd in one place each come last.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.hostile.fuzzers import Fuzzer, _run_file, fuzzers
from tests.hostile.odd_runs import odd_documents


def main() -> None:
    """Try every parser, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="inputs for each parser")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one parser by its name")
    asked = parser.parse_args()
    known = fuzzers()
    wrong = 0
    for name, fuzzer in known.items():
        if asked.only in (None, name):
            wrong += _tell(name, *_tried(fuzzer, asked.count, asked.seed))
    if asked.only in (None, "odd runs"):
        typed = known["runs files"].typed
        ends: Counter[str] = Counter()
        started = time.monotonic()
        for what, content in odd_documents():
            ends[_ended(Fuzzer(None, _run_file, typed), content, what)] += 1  # type: ignore[arg-type]
        wrong += _tell("odd runs", ends, time.monotonic() - started)
    sys.exit(1 if wrong else 0)


def _tried(fuzzer: Fuzzer, count: int, start: int) -> tuple[Counter[str], float]:
    ends: Counter[str] = Counter()

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(fuzzer.inputs)
    def one(made: Any) -> None:
        ends[_ended(fuzzer, made, made)] += 1

    started = time.monotonic()
    one()
    return ends, time.monotonic() - started


def _ended(fuzzer: Fuzzer, made: Any, what: Any) -> str:
    try:
        fuzzer.parse(made)
    except fuzzer.typed:
        return "refused"
    except Exception as error:  # the finding: anything that isn't said
        print(f"  {type(error).__name__}: {str(error)[:100]!r} from {str(what)[:300]!r}")
        return "wrong"
    return "taken"


def _tell(name: str, ends: Counter[str], seconds: float) -> int:
    print(
        f"{name:20} {ends.total():6} tried  {ends['taken']:6} taken  {ends['refused']:6} refused"
        f"  {ends['wrong']:4} wrong  {seconds:6.1f} s"
    )
    return ends["wrong"]


if __name__ == "__main__":
    main()
