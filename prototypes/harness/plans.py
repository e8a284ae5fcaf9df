"""What a session measures and how: its settings, and the measurements that they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prototypes.harness.declarations import Case, Declaration, Device, Implementation


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session measures."""

    device: Device
    quick: bool = False
    case: str | None = None
    seconds: float = 300.0
    """Wall time that one measurement may take."""
    memory_bytes: int = 8 << 30
    threads: int = 1
    """CPU threads of the measured code: one by default, the setting with the least noise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement to be made."""

    declaration: Declaration
    case: Case
    implementation: Implementation
    module: str

    @property
    def label(self) -> str:
        """What a progress line calls it."""
        return f"{self.declaration.name} {self.case.id} {self.implementation.name}"


def plan(declarations: Sequence[Declaration], settings: Settings) -> list[Plan]:
    """Return the measurements that these settings ask for; the shipped implementations first."""
    plans = []
    for declaration in declarations:
        module = f"{declaration.module.rpartition('.')[0]}.declaration"
        chosen = [i for i in declaration.implementations if i.device is settings.device]
        for case in declaration.cases:
            if settings.device not in case.devices:
                continue
            if settings.case is not None and case.id != settings.case:
                continue
            if settings.case is None and settings.quick and not case.quick:
                continue
            for implementation in chosen:
                if settings.quick and not implementation.shipped:
                    continue
                if not implementation.applies(case):
                    continue
                plans.append(Plan(declaration, case, implementation, module))
    # If time runs out, what counts is there.
    return sorted(plans, key=lambda p: not p.implementation.shipped)
