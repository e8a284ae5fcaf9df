"""How long it takes to score and rank a catalog anew, by its size, beside sorting a bare table.

python -m benchmarks.rerank [PAPERS]
"""

from __future__ import annotations

import random
import sys

from analyzers.facts import (
    BaselineKind,
    Bound,
    Claim,
    Complexity,
    DeviceClass,
    Measurement,
    Metric,
    PaperFacts,
    Part,
    Scope,
    Technique,
)
from analyzers.scoring import rank, score_paper
from analyzers.targets import load_target
from benchmarks.timing import print_times, seconds_of


def papers(count: int) -> list[PaperFacts]:
    """Return papers with a handful of claims each and a measurement for one in ten."""
    chance = random.Random(0)
    made = []
    for number in range(count):
        claims = tuple(
            Claim(
                key=f"{number}/{i}",
                metric=Metric.SPEEDUP,
                value=chance.uniform(1.05, 6),
                bound=chance.choice(list(Bound)),
                baseline_kind=chance.choice(list(BaselineKind)),
                scope=chance.choice(list(Scope)),
                in_abstract=chance.random() < 0.3,
            )
            for i in range(chance.randrange(8))
        )
        measurements = ()
        if number % 10 == 0:
            speedup = chance.uniform(0.5, 4)
            measurements = (
                Measurement(
                    device_id="cpu",
                    device_class=DeviceClass.CPU,
                    part=Part.DECODE_ATTENTION,
                    scope=Scope.KERNEL,
                    speedup=speedup,
                    low=speedup * 0.95,
                    high=speedup * 1.05,
                    baseline_role="engine",
                    baseline="engine",
                    run_ids=("r",),
                    measured_at="2026-11-24",
                    provisional=False,
                    quality_pass=True,
                ),
            )
        made.append(
            PaperFacts(
                paper_id=str(number),
                title=f"Paper {number}",
                technique=chance.choice(list(Technique)),
                relevance=chance.random(),
                complexity=chance.choice(list(Complexity)),
                claims=claims,
                measurements=measurements,
            )
        )
    return made


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    target = load_target()
    rows = []
    for size in (10, 1000, count):
        group = papers(size)
        taken = seconds_of(lambda g=group: rank(score_paper(p, target) for p in g), 3)
        rows.append((f"score and rank {size} papers", taken))
    numbers = [(p.relevance or 0, p.title) for p in papers(count)]
    rows.append((f"sort {count} bare rows by one column", seconds_of(lambda: sorted(numbers), 3)))
    print_times(rows)


if __name__ == "__main__":
    main()
