"""What a prototype says of itself: frozen, typed, and free of torch.

A prototype is one folder with a `declaration.py` that holds `DECLARATION`. The code that needs
torch lives in other modules of the folder; `Declaration.module` names the one with `WORKLOAD`
(`prototypes.harness.workload.Workload`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Parameter = int | float | str

CASE_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9.]+)*")
NAME = re.compile(r"[a-z][a-z0-9_]*")


class DeclarationError(ValueError):
    """A declaration contradicts itself; the message says where."""


class Device(StrEnum):
    """Kinds of device that code is written for."""

    CPU = "cpu"
    CUDA = "cuda"


class Role(StrEnum):
    """Why a baseline is there."""

    PAPER = "paper"
    """The kind of baseline that the paper compares with."""
    STRONGEST = "strongest"
    """The best that a user has; the harness gives it to the fastest one measured."""
    ENGINE = "engine"
    """What the target engine does today."""


@dataclass(frozen=True, slots=True)
class Case:
    """One shape with its settings, from a real model; `seed` fixes the inputs that are timed."""

    id: str
    parameters: Mapping[str, Parameter]
    seed: int
    devices: tuple[Device, ...] = (Device.CPU, Device.CUDA)
    target_weight: float = 0.0
    """Its weight among the target cases; 0 if it isn't one. A target case times the technique
    against doing without it: only such a ratio says what the technique gains."""
    quick: bool = False
    """Whether `--quick` measures it too."""
    claims: tuple[str, ...] = ()
    """Keys of the claims that this case can test."""
    memory_bytes: int = 0
    """What its workspaces take at the most, besides inputs and outputs, where that is much."""


def _always(_: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Implementation:
    """One way in which this folder does the technique, on one kind of device."""

    name: str
    device: Device
    description: str
    shipped: bool = False
    quality_only: str = ""
    """Why it is not timed, where only what it computes says something (an emulation, say): it
    passes the gates, and no speed comes of it. Empty: it is timed."""
    applies: Callable[[Case], bool] = field(default=_always, compare=False)
    """Whether it is measured in this case; the shipped one is in every case of its device."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Something to compare with. `package` is the one whose version is recorded."""

    name: str
    description: str
    roles: tuple[Role, ...] = ()
    devices: tuple[Device, ...] = (Device.CPU, Device.CUDA)
    package: str = "torch"
    applies: Callable[[Case], bool] = field(default=_always, compare=False)
    """Whether it gives the same result in this case: only then is it comparable."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything about a prototype that can be known without running it.

    Raises `DeclarationError` when it contradicts itself.
    """

    name: str
    title: str
    paper: str
    """Slug of the paper in the catalog."""
    part: str
    """Which part of a whole run it speeds up (`sampling`, `decode_attention`, …)."""
    module: str
    implements: str
    deviates: tuple[str, ...]
    cases: tuple[Case, ...]
    implementations: tuple[Implementation, ...]
    baselines: tuple[Baseline, ...]
    claims: tuple[str, ...] = ()
    bars: Mapping[str, str] = field(default_factory=dict)
    """The gates in words: what is checked, and against which bar."""
    technique_checks: tuple[str, ...] = ()
    """Checks of `Workload.verify`, by name, that hold a call against full precision: missing such
    a bar is the technique's fault where a kernel set up afresh misses it as well (`misses`)."""
    untargeted: str = ""
    """Why it has no target case, where it can have none: its runs then move no score."""

    def __post_init__(self) -> None:
        self._check_names()
        for device in self.devices:
            shipped = [i.name for i in self.implementations if i.device is device and i.shipped]
            if len(shipped) != 1:
                raise DeclarationError(
                    f"{self.name}: exactly one implementation must be shipped on {device}, "
                    f"not {len(shipped)}"
                )
            for case in self.cases:
                if device in case.devices and not self.implementation(shipped[0]).applies(case):
                    raise DeclarationError(
                        f"{self.name}/{case.id}: {shipped[0]} is shipped on {device}, so it must "
                        "apply there"
                    )
        for case in self.cases:
            unknown = set(case.claims) - set(self.claims)
            if unknown:
                raise DeclarationError(f"{self.name}/{case.id}: undeclared claims {unknown}")
            if case.target_weight < 0:
                raise DeclarationError(f"{self.name}/{case.id}: a weight can't be negative")
            if case.memory_bytes < 0:
                raise DeclarationError(f"{self.name}/{case.id}: memory can't be negative")
            if case.target_weight and self.untargeted:
                raise DeclarationError(
                    f"{self.name}/{case.id}: a target case, where `untargeted` says there is none"
                )

    def _check_names(self) -> None:
        if not NAME.fullmatch(self.name):
            raise DeclarationError(f"{self.name!r} is no prototype name: use a-z, 0-9 and _")
        for case in self.cases:
            if not CASE_ID.fullmatch(case.id):
                raise DeclarationError(f"{self.name}: {case.id!r} is no case id")
        kinds = {
            "case": [c.id for c in self.cases],
            # One namespace: a run names both, and the workload builds either by its name.
            "implementation or baseline": [
                *(i.name for i in self.implementations),
                *(b.name for b in self.baselines),
            ],
        }
        for kind, names in kinds.items():
            twice = {n for n in names if names.count(n) > 1}
            if twice:
                raise DeclarationError(f"{self.name}: {kind} declared twice: {sorted(twice)}")
        if not self.cases or not self.implementations:
            raise DeclarationError(f"{self.name}: needs at least one case and one implementation")

    @property
    def devices(self) -> tuple[Device, ...]:
        """The kinds of device that it has an implementation for."""
        present = {i.device for i in self.implementations}
        return tuple(d for d in Device if d in present)

    def case(self, case_id: str) -> Case:
        """Return the case with this id; raises `KeyError`."""
        for case in self.cases:
            if case.id == case_id:
                return case
        raise KeyError(case_id)

    def has(self, case_id: str) -> bool:
        """Whether there is a case with this id."""
        return any(c.id == case_id for c in self.cases)

    def implementation(self, name: str) -> Implementation:
        """Return the implementation of this name; raises `KeyError`."""
        for implementation in self.implementations:
            if implementation.name == name:
                return implementation
        raise KeyError(name)

    def baselines_for(self, case: Case, device: Device) -> tuple[Baseline, ...]:
        """Return the baselines that give the same result in this case on this device."""
        return tuple(b for b in self.baselines if device in b.devices and b.applies(case))

    def to_json(self) -> dict[str, Any]:
        """Return the record that `python -m prototypes list --json` prints."""
        return {
            "name": self.name,
            "title": self.title,
            "papers": [self.paper],
            "part": self.part,
            "devices": [str(d) for d in self.devices],
            "implements": self.implements,
            "deviates": list(self.deviates),
            "implementations": [
                {
                    "name": i.name,
                    "device": str(i.device),
                    "shipped": i.shipped,
                    "quality_only": i.quality_only,
                    "description": i.description,
                    "cases": [c.id for c in self.cases if i.device in c.devices and i.applies(c)],
                }
                for i in self.implementations
            ],
            "cases": [
                {
                    "id": c.id,
                    "parameters": dict(c.parameters),
                    "seed": c.seed,
                    "devices": [str(d) for d in c.devices],
                    "target_weight": c.target_weight,
                    "quick": c.quick,
                    "claims": list(c.claims),
                    "memory_bytes": c.memory_bytes,
                    "baselines": [b.name for b in self.baselines if b.applies(c)],
                }
                for c in self.cases
            ],
            "baselines": [
                {
                    "name": b.name,
                    "roles": [str(r) for r in b.roles],
                    "devices": [str(d) for d in b.devices],
                    "description": b.description,
                }
                for b in self.baselines
            ],
            "claims": list(self.claims),
            "bars": dict(self.bars),
            "untargeted": self.untargeted,
        }
