"""Figures beside a run's time: error tables, ablations, capacity, and what the paper prints.

A gate asks whether a bar holds; a figure only tells. A workload that has some offers
`figures(name, case, device, seed, quick)`; they are made once a run, after its gates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prototypes.harness.statistics import significant

MOST_FIGURES = 200
"""A run carries no more: what is longer belongs into several cases."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was computed or measured here."""

    name: str
    """What it is, in a few words; unique within the run."""
    value: float
    unit: str = ""
    """`%`, `x`, `GB`, `tokens/s`, …; empty for a plain number."""
    paper: float | None = None
    """What the paper prints for the same thing, in the same unit."""
    note: str = ""
    """Where the paper prints it, or what is modelled rather than measured."""

    def to_json(self) -> dict[str, Any]:
        """Return the record; a value that JSON can't hold becomes null."""
        finite = math.isfinite(self.value)
        return {
            "name": self.name,
            "value": significant(self.value, 4) if finite else None,
            "unit": self.unit,
            "paper": self.paper,
            "note": self.note,
        }


def collect(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return figures by name, each once.

    Raises `ValueError` where two of them have one name, or there are more than `MOST_FIGURES`.
    """
    found: dict[str, Figure] = {}
    for figure in figures:
        if figure.name in found:
            raise ValueError(f"Two figures are named {figure.name!r}: give each its own name.")
        found[figure.name] = figure
    if len(found) > MOST_FIGURES:
        raise ValueError(f"{len(found)} figures are more than {MOST_FIGURES}: split the case.")
    return tuple(found.values())
