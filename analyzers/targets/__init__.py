"""What an engine has, needs and counts, as data: one TOML file per target."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzers.facts import DeviceClass, InTarget, Part, Scope, Technique
from analyzers.targets.hardware import device_classes

__all__ = ["EngineState", "Target", "TargetError", "available_targets", "load_target"]

SHIPPED = Path(__file__).parent


class TargetError(ValueError):
    """A target file that can't be used; the message says which key and why."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the engine has of one paper's technique since a date, with the evidence."""

    paper: str
    state: InTarget
    date: str
    why: Mapping[str, str]
    today: Mapping[str, str]
    """What the engine does instead: the baseline that counts. Empty in older entries."""
    evidence: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The engine that papers are ranked for.

    `shares` are fractions of a whole run's time; `devices` weigh hardware classes; hardware with
    a weight of at least `counts_from` counts.
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


def available_targets(folder: Path | None = None) -> list[str]:
    """Return the names of the shipped targets and of those in `folder`."""
    places = [SHIPPED, *([folder] if folder else [])]
    return sorted({file.stem for place in places for file in place.glob("*.toml")})


def load_target(name: str = "llama.cpp", folder: Path | None = None) -> Target:
    """Read a target; a file of that name in `folder` (a person's own) wins over the shipped one.

    Raises `TargetError` if there is no such target or its file is wrong.
    """
    for place in ([folder] if folder else []) + [SHIPPED]:
        path = place / f"{name}.toml"
        if "/" not in name and path.is_file():
            break
    else:
        known = ", ".join(available_targets(folder))
        raise TargetError(f"There is no target {name!r}. Known targets: {known}.")
    try:
        return _read(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise TargetError(f"The target file {path} can't be used: {error}.") from error


@lru_cache(maxsize=8)
def _read(text: str) -> Target:
    """Parse a target file: once, though every paper asks for it (5 ms)."""
    return _parse(tomllib.loads(text))


def _parse(record: Mapping[str, Any]) -> Target:
    shares = {Part(name): float(value) for name, value in record["shares"].items()}
    missing = [part.value for part in Part if part not in shares]
    if missing:
        raise ValueError(f"[shares] lacks {', '.join(missing)}")
    for part, share in shares.items():
        if not 0 < share <= 1:
            raise ValueError(f"share {part.value} = {share} isn't in 0 … 1")
    devices = dict(record["devices"])
    counts_from = float(devices.pop("counts_from"))
    weights = {DeviceClass(name): float(value) for name, value in devices.items()}
    for device, weight in weights.items():
        if not 0 <= weight <= 1:
            raise ValueError(f"device weight {device.value} = {weight} isn't in 0 … 1")
    return Target(
        name=record["name"],
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
            )
            for entry in record.get("engine", ())
        ),
    )
