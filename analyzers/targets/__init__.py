"""What an engine has, needs and counts, as data: one TOML file per target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from json import dumps, loads
from pathlib import Path
from typing import Any

from analyzers.facts import DeviceClass, InTarget, Part, Regime, Scope, Technique
from analyzers.message import Message, message
from analyzers.targets.checking import problems
from analyzers.targets.files import (
    SHIPPED,
    available_targets,
    file_of,
    is_shipped,
    judged_targets,
    read_record,
)
from analyzers.targets.hardware import device_classes
from analyzers.targets.relevance import RelevanceRules, read_rules

__all__ = [
    "DEFAULT_TARGET",
    "SHIPPED",
    "EngineState",
    "Target",
    "TargetError",
    "available_targets",
    "file_of",
    "is_shipped",
    "judged_targets",
    "load_target",
    "target_of",
    "target_record",
]

DEFAULT_TARGET = "llama.cpp"
SMALL_BATCH = 4
"""Up to this batch a decode step is bound by reading weights: claims call more a large batch."""
_ROLES = ("engine", "strongest")
_WRONG = (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
"""What a record that breaks the shape raises where its rules are read."""


class TargetError(ValueError):
    """A target file that can't be used; `reason` says which key and why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.reason)


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the engine has of one paper's technique since a date, with the evidence.

    `relevance` (0 to 1) stands in for a paper whose own relevance was judged for another engine.
    """

    paper: str
    state: InTarget
    date: str
    why: Mapping[str, str]
    today: Mapping[str, str]
    """What the engine does instead: the baseline that counts. Empty in older entries."""
    evidence: tuple[Mapping[str, str], ...] = ()
    relevance: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The engine that papers are ranked for.

    `shares` are fractions of a whole run's time; `devices` weigh hardware classes; hardware with
    a weight of at least `counts_from` counts. `baseline_roles` says against which baseline a
    measurement counts here, the first that was run.
    """

    name: str
    title: Mapping[str, str]
    date: str
    workload: Mapping[str, Any]
    shares: Mapping[Part, float]
    devices: Mapping[DeviceClass, float]
    counts_from: float
    core_techniques: frozenset[Technique]
    default_parts: Mapping[Technique, tuple[Part, Part]]
    engine: tuple[EngineState, ...] = ()
    relevance: RelevanceRules = field(default_factory=RelevanceRules)
    baseline_roles: tuple[str, ...] = _ROLES
    base: str = ""
    """The shipped target that a person's own stands on: its facts hold where there are no own."""

    @property
    def home(self) -> Regime:
        """The regime that the engine runs in, by its workload's batch."""
        small = int(self.workload.get("batch", 1)) <= SMALL_BATCH
        return Regime.TARGET if small else Regime.LARGE_BATCH

    def weight(self, device_class: DeviceClass) -> float:
        """Return how much a measurement on such a device counts, 0 to 1."""
        return self.devices.get(device_class, 0.0)

    def counts(self, hardware: str | None) -> bool:
        """Return whether named hardware counts; unnamed or unknown hardware isn't held against."""
        classes = device_classes(hardware)
        return not classes or any(self.weight(c) >= self.counts_from for c in classes)

    def part_of(self, technique: Technique | None, scope: Scope | None) -> Part:
        """Return the part that a claim or a paper without one is taken to be about."""
        narrow, whole = self.default_parts.get(
            technique or Technique.OTHER, self.default_parts[Technique.OTHER]
        )
        return whole if scope is Scope.END_TO_END else narrow

    def engine_state(self, paper_id: str, date: str | None = None) -> EngineState | None:
        """Return the newest entry of a paper, up to `date` if one is given."""
        known = [e for e in self.engine if e.paper == paper_id and (date is None or e.date <= date)]
        return max(known, key=lambda e: e.date, default=None)


def load_target(name: str = DEFAULT_TARGET, folder: Path | None = None) -> Target:
    """Read a target; a file of that name in `folder` (a person's own) wins over the shipped one.

    Raises `TargetError` if there is no such target or its file is wrong.
    """
    path = _path(name, folder)
    try:
        return _read(dumps(read_record(path)))
    except TargetError as error:
        raise TargetError(
            message("The target file {path} can't be used. {why}", path=str(path), why=error.reason)
        ) from error
    except (OSError, *_WRONG) as error:
        raise _unusable(path, error) from error


def target_record(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the whole record that a target is read from; raises `TargetError`."""
    path = _path(name, folder)
    try:
        return read_record(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def target_of(record: Mapping[str, Any]) -> Target:
    """Return the target that a record describes; raises `TargetError` for one that can't be."""
    try:
        return _read(dumps(record))
    except TargetError:
        raise
    except _WRONG as error:
        raise TargetError(message("The target can't be used: {why}.", why=str(error))) from error


def _path(name: str, folder: Path | None) -> Path:
    path = file_of(name, folder)
    if path is None:
        known = ", ".join(available_targets(folder))
        raise TargetError(
            message("There is no target {name!r}. Known targets: {known}.", name=name, known=known)
        )
    return path


def _unusable(path: Path, error: Exception) -> TargetError:
    return TargetError(
        message("The target file {path} can't be used: {why}.", path=str(path), why=str(error))
    )


@lru_cache(maxsize=16)
def _read(written: str) -> Target:
    """Parse a record, once: every paper asks for it (5 ms)."""
    return _parse(loads(written))


def _parse(record: Mapping[str, Any]) -> Target:
    wrong = problems(record)
    if wrong:
        raise TargetError(wrong[0])
    shares = {Part(name): float(value) for name, value in record["shares"].items()}
    devices = dict(record["devices"])
    counts_from = float(devices.pop("counts_from"))
    weights = {DeviceClass(name): float(value) for name, value in devices.items()}
    base = record.get("base", record["name"])
    return Target(
        name=record["name"],
        base="" if base == record["name"] else base,
        title=record["title"],
        date=record["date"],
        workload=record["workload"],
        shares=shares,
        devices=weights,
        counts_from=counts_from,
        core_techniques=frozenset(Technique(t) for t in record["core_techniques"]),
        default_parts={
            Technique(name): (Part(parts[0]), Part(parts[1]))
            for name, parts in record["default_parts"].items()
        },
        engine=tuple(
            EngineState(
                paper=entry["paper"],
                state=InTarget(entry["state"]),
                date=entry["date"],
                why=entry["why"],
                today=entry.get("today", {}),
                evidence=tuple(entry.get("evidence", ())),
                relevance=entry.get("relevance"),
            )
            for entry in record.get("engine", ())
        ),
        relevance=read_rules(record.get("relevance", {})),
        baseline_roles=_baseline_roles(record),
    )


def _baseline_roles(record: Mapping[str, Any]) -> tuple[str, ...]:
    roles = tuple(record.get("baseline_roles", _ROLES))
    if sorted(roles) != sorted(_ROLES):
        raise ValueError(f"baseline_roles orders {' and '.join(_ROLES)}")
    return roles
