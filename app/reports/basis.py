"""What a report rests on: the target that it ranks for, and the data and devices behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartShare:
    """The share of a whole run's time that a part takes, 0 to 1 (assumed)."""

    part: str
    share: float


@dataclass(frozen=True, slots=True)
class DeviceWeight:
    """How much a kind of device counts, and whether it counts as the target's own."""

    device_class: str
    weight: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Method:
    """The target that the ranking is for."""

    target: str
    target_date: str
    workload: str
    prompt_tokens: int
    generated_tokens: int
    batch: int
    shares: tuple[PartShare, ...]
    devices: tuple[DeviceWeight, ...]
    core_techniques: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceUsed:
    """A device that something was measured on, with its software; `run_ids` are shortened."""

    device_id: str
    name: str
    device_class: str
    software: tuple[tuple[str, str], ...]
    first_at: str
    last_at: str
    runs: int
    provisional: int
    prototypes: tuple[str, ...]
    run_ids: tuple[str, ...]
    stale: int = 0
    """Runs of code that has changed since."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report was made from; `fingerprint` hashes the facts, claims and runs behind it.

    `catalog_at` is the newest entry that the catalog has: a report tells no other time.
    """

    catalog_at: str
    program: str
    schema: str
    rubrics: tuple[str, ...]
    target_date: str
    devices: tuple[DeviceUsed, ...]
    runs: int
    fingerprint: str
