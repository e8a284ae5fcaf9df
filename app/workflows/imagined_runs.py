"""Runs that nobody made yet: what the score would be if a prototype measured this or that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from analyzers.facts import DeviceClass, Measurement, PaperFacts, Part, Scope
from analyzers.message import N_, Message, message
from analyzers.scoring import Ranked, score_paper
from analyzers.scoring.belief import MEASUREMENT_FLOOR, Z95
from analyzers.scoring.ratios import amdahl
from analyzers.scoring.recommendation import GROUP_ORDER
from analyzers.targets import Target

SLOWEST, FASTEST = 0.25, 64.0
"""Between these speedups the thresholds are looked for."""
_GRID = 33

_CLASSES = {
    DeviceClass.CPU: N_("a CPU"),
    DeviceClass.CONSUMER_GPU: N_("a consumer GPU"),
    DeviceClass.DATACENTRE_GPU: N_("a data-centre GPU"),
}

Tried = tuple[str, Message, Ranked]
"""What kind of change, the change in words, and the paper scored with it."""
RankOf = Callable[[Ranked], int]
"""Where a paper would stand among the others."""


def imagined_runs(
    facts: PaperFacts, target: Target, now: Ranked, device: str | None, rank_of: RankOf
) -> Iterator[Tried]:
    """Yield what runs could show, and what it would do; `now` is the paper's score as it is.

    The claim confirmed, half of its gain, none; the least speedup for each better recommendation
    and for a place further up; under which one today's recommendation is lost; the most there is.
    """
    bench = _bench(facts, target, now, device)
    if bench is None:
        return
    where: dict[str, Any] = {"device": _CLASSES[bench.device_class], "part": bench.part.value}
    words: tuple[str, ...] = ("device", "part")
    if bench.stands_for is not None:
        where["device"] = bench.stands_for.device_name or bench.stands_for.device_id
        words = ("part",)

    headline = now.belief.headline
    if headline is not None and headline.part is bench.part:
        claimed = headline.speedup
        told = message(
            "a run on {device} confirms the claim: {speedup}x on {part}",
            words=words, speedup=claimed, **where,
        )  # fmt: skip
        yield "measurement", told, bench.measured(claimed)
        half = 1 + (claimed - 1) / 2
        told = message(
            "a run on {device} shows half the claimed gain: {speedup}x on {part}",
            words=words, speedup=half, **where,
        )  # fmt: skip
        yield "measurement", told, bench.measured(half)
    told = message("a run on {device} shows no gain: 1x on {part}", words=words, **where)
    yield "measurement", told, bench.measured(1.0)
    named = {"part": bench.part.value}
    seen = set()
    for speedup, ranked in _thresholds(bench, now):
        seen.add(speedup)
        told = message(
            "from {speedup}x measured on {part}: {run}x for the whole run",
            words=("part",), speedup=f"{speedup:.2f}", run=ranked.belief.run_speedup, **named,
        )  # fmt: skip
        yield "threshold", told, ranked
    overtaking = _overtaking(bench, now, rank_of)
    if overtaking is not None and overtaking[0] not in seen:
        told = message(
            "from {speedup}x measured on {part}: past the next paper",
            words=("part",), speedup=f"{overtaking[0]:.2f}", **named,
        )  # fmt: skip
        yield "overtakes", told, overtaking[1]
    kept = _kept_from(bench, now)
    if kept is not None:
        told = message(
            "under {speedup}x measured on {part}", words=("part",), speedup=f"{kept:.2f}", **named
        )
        yield "loses", told, bench.measured(kept - 0.01)
    share = target.shares[bench.part]
    if share < 1:
        told = message(
            "the most there is: were {part} {speedup}x as fast, a whole run could gain {run}x",
            words=("part",), part=bench.part.value, speedup=f"{FASTEST:g}",
            run=amdahl(FASTEST, share),
        )  # fmt: skip
        yield "ceiling", told, bench.measured(FASTEST)


@dataclass(frozen=True, slots=True)
class _Bench:
    """A run that nobody made yet: on which device, of which part, against which baseline."""

    facts: PaperFacts
    target: Target
    device: str | None
    stands_for: Measurement | None
    device_class: DeviceClass
    part: Part

    def measured(self, speedup: float) -> Ranked:
        """Return the paper's score if a full, sharp run gave `speedup`; it passes its bar."""
        spread = math.exp(Z95 * MEASUREMENT_FLOOR)
        base = self.stands_for
        run = Measurement(
            device_id=base.device_id if base else self.device or "-",
            device_class=self.device_class,
            part=self.part,
            scope=Scope.KERNEL,
            speedup=speedup,
            low=speedup / spread,
            high=speedup * spread,
            baseline_role=base.baseline_role if base else "engine",
            baseline=base.baseline if base else "",
            run_ids=(),
            measured_at=base.measured_at if base else "",
            provisional=False,
            quality_pass=True,
            device_name=base.device_name if base else "",
        )
        # the newest run of a device is the one that counts
        rest = tuple(m for m in self.facts.measurements if m is not base)
        changed = replace(self.facts, measurements=(*rest, run), below_quality=False)
        return score_paper(changed, self.target, self.device)


def _bench(facts: PaperFacts, target: Target, now: Ranked, device: str | None) -> _Bench | None:
    """Return the run to imagine: another one on the ranking device, else the first that counts."""
    held = now.device
    if held is not None:
        return _Bench(facts, target, device, held, held.device_class, held.part)
    heaviest = max(DeviceClass, key=target.weight)
    if target.weight(heaviest) <= 0:
        return None
    headline = now.belief.headline
    part = headline.part if headline else target.part_of(facts.technique, Scope.KERNEL)
    return _Bench(facts, target, device, None, heaviest, part)


def _thresholds(bench: _Bench, now: Ranked) -> Iterator[tuple[float, Ranked]]:
    """Yield the smallest measured speedup from which each better recommendation holds.

    Better is an earlier group than today's; the advice gets better with the speed, never worse.
    """
    reached = _group(now)
    previous = SLOWEST
    for speedup in _grid():
        group = _group(bench.measured(speedup))
        while group < reached:
            better = partial(_is_before, bench, reached)
            least = _least(better, previous, speedup)
            ranked = bench.measured(least)
            yield least, ranked
            reached, previous = _group(ranked), least
        previous = speedup


def _is_before(bench: _Bench, group: int, speedup: float) -> bool:
    return _group(bench.measured(speedup)) < group


def _kept_from(bench: _Bench, now: Ranked) -> float | None:
    """Return the smallest measured speedup that keeps today's recommendation or betters it."""
    held = _group(now)

    def is_kept(speedup: float) -> bool:
        return _group(bench.measured(speedup)) <= held

    if is_kept(SLOWEST) or not is_kept(FASTEST):
        return None
    return _least(is_kept, SLOWEST, FASTEST)


def _overtaking(bench: _Bench, now: Ranked, rank_of: RankOf) -> tuple[float, Ranked] | None:
    """Return the smallest measured speedup that puts the paper before the one before it."""
    stands = rank_of(now)

    def is_better(speedup: float) -> bool:
        return rank_of(bench.measured(speedup)) < stands

    if stands == 1 or not is_better(FASTEST):
        return None
    least = _least(is_better, SLOWEST, FASTEST)
    return least, bench.measured(least)


def _grid() -> list[float]:
    step = math.log(FASTEST / SLOWEST) / (_GRID - 1)
    return [SLOWEST * math.exp(step * i) for i in range(_GRID)]


def _group(ranked: Ranked) -> int:
    return GROUP_ORDER[ranked.recommendation.advice]


def _least(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least speedup of two decimals for which `holds`; it holds at `high`."""
    first, last = math.floor(100 * low), math.ceil(100 * high)
    while first < last:
        middle = (first + last) // 2
        if holds(middle / 100):
            last = middle
        else:
            first = middle + 1
    return last / 100
