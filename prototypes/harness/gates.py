"""The two gates before any number, and the proof of having passed them.

Fidelity: does the code do what the technique says? Failing is our bug (`broken`). Quality: is the
technique good enough against full precision? Failing is the technique's (`below_quality`). A time
can only be built from `PassedGates`, and those only from checks that all passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from prototypes.harness.statistics import significant
from prototypes.harness.tricks import Trick


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: what was seen, the bar, and whether it held.

    `passed` follows from value and bar: no check can claim it. Build one by `at_most`, `at_least`
    or `none`.
    """

    name: str
    value: float
    bar: float
    is_ceiling: bool
    """Whether the bar is the most that may be seen; else the least."""
    trick: Trick | None = None
    """What it means if it fails, where that is a way of fooling the harness."""
    of_technique: bool = False
    """Whether it failed by the technique's nature, whatever gate it belongs to (`misses`)."""

    @classmethod
    def at_most(cls, name: str, value: float, bar: float, trick: Trick | None = None) -> Check:
        """Pass when `value` ≤ `bar`; NaN never passes."""
        return cls(name, value, bar, True, trick)

    @classmethod
    def at_least(cls, name: str, value: float, bar: float, trick: Trick | None = None) -> Check:
        """Pass when `value` ≥ `bar`; NaN never passes."""
        return cls(name, value, bar, False, trick)

    @classmethod
    def none(cls, name: str, count: int, trick: Trick | None = None) -> Check:
        """Pass when nothing of the kind was seen."""
        return cls(name, count, 0, True, trick)

    @property
    def passed(self) -> bool:
        """Whether it held."""
        return self.value <= self.bar if self.is_ceiling else self.value >= self.bar

    def during(self, phase: str, trick: Trick | None = None) -> Check:
        """Return the same check as one of a later phase, whose failure may mean another thing."""
        meant = None if self.of_technique else trick
        return replace(self, name=f"{phase}: {self.name}", trick=self.trick or meant)

    def to_json(self) -> dict[str, Any]:
        """Return the record; a value that JSON can't hold becomes null."""
        value = significant(self.value, 4) if math.isfinite(self.value) else None
        record: dict[str, Any] = {
            "name": self.name,
            "value": value,
            "bar": significant(self.bar, 4),
            "pass": self.passed,
        }
        if self.trick is not None and not self.passed:
            record["trick"] = str(self.trick)
        return record


@dataclass(frozen=True, slots=True)
class GateReport:
    """All checks of both gates; an empty quality gate has nothing to say (None)."""

    fidelity: tuple[Check, ...]
    quality: tuple[Check, ...] = ()

    @property
    def fidelity_pass(self) -> bool:
        """Whether there were fidelity checks, and all held."""
        return bool(self.fidelity) and all(c.passed for c in self.fidelity)

    @property
    def quality_pass(self) -> bool | None:
        """Whether all quality checks held; None where none was made."""
        return all(c.passed for c in self.quality) if self.quality else None

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that didn't hold."""
        return tuple(c for c in (*self.fidelity, *self.quality) if not c.passed)

    @property
    def tricks(self) -> tuple[Trick, ...]:
        """How the code tried to pass for right or fast, if it did; each once."""
        return tuple(dict.fromkeys(c.trick for c in self.failures if c.trick is not None))


@dataclass(frozen=True, slots=True)
class PassedGates:
    """The proof without which no time exists. Raises `GateError` from failed checks."""

    report: GateReport

    def __post_init__(self) -> None:
        if not self.report.fidelity_pass or not self.report.quality_pass:
            raise GateError(self.report)


class GateError(Exception):
    """A number was asked for without a full pass of both gates."""

    def __init__(self, report: GateReport) -> None:
        self.report = report
        names = ", ".join(c.name for c in report.failures) or "a gate made no check"
        super().__init__(f"gates not passed: {names}")


def merge(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Keep one check a name: the failed one farthest from its bar, else the nearest to it.

    What the technique missed stays beside it: it must not hide code that is wrong.
    """
    worst: dict[tuple[str, bool], Check] = {}
    for check in checks:
        key = (check.name, check.of_technique)
        seen = worst.get(key)
        if seen is None or _severity(check) > _severity(seen):
            worst[key] = check
    return tuple(worst.values())


def by_fault(checks: Iterable[Check]) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """Return the code's checks, and those that the technique missed: these are about quality."""
    merged = merge(checks)
    code = tuple(c for c in merged if not c.of_technique)
    return code, tuple(c for c in merged if c.of_technique)


def _severity(check: Check) -> tuple[bool, float]:
    distance = abs(check.value - check.bar)
    if math.isnan(distance):
        distance = math.inf
    return (not check.passed, -distance if check.passed else distance)
