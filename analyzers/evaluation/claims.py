"""Claims against labels: what was found, what was left alone, and how well each was told.

A label that is a claim is found when one of the paper's own claims has its value (1 %, or inside
the labelled range), a unit of the same kind, and a place that fits: words shared with the label's
quote (60 % of the shorter one), or its page and five words. A label that is none counts as wrongly
taken when such a claim fits it; where a true label fits it too, it decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzers.evaluation.labels import ClaimLabel, number

Record = Mapping[str, Any]
_UNITS = {
    "×": "x", "times": "x", "fold": "x", "-fold": "x", "percent": "%", "pp": "%", "points": "%",
    "bit": "bits",
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """Counts over all papers; `figures` makes shares of them."""

    papers: int = 0
    found: int = 0
    missed: int = 0
    negatives: int = 0
    wrongly_taken: int = 0
    right: dict[str, int] = field(default_factory=lambda: {"metric": 0, "bound": 0, "page": 0})
    baselines: int = 0
    baselines_right: int = 0
    exhaustive: int = 0
    exhaustive_right: int = 0
    own_claims: int = 0
    pages: int = 0
    places: int | None = None
    places_sound: int = 0
    remarks: list[tuple[str, ...]] = field(default_factory=list)

    def figures(self) -> dict[str, float | int | None]:
        """Return the shares; None where nothing was labelled."""
        labelled = self.found + self.missed
        recall = _share(self.found, labelled)
        rejection = None
        if self.negatives:
            rejection = 1 - self.wrongly_taken / self.negatives
        balanced = None
        if recall is not None and rejection is not None:
            both = recall + rejection
            balanced = 2 * recall * rejection / both if both else 0.0
        return {
            "papers": self.papers,
            "labelled": labelled,
            "found": self.found,
            "negatives": self.negatives,
            "wrongly_taken": self.wrongly_taken,
            "recall": _rounded(recall),
            "rejection": _rounded(rejection),
            "balanced": _rounded(balanced),
            "precision_exhaustive": _rounded(_share(self.exhaustive_right, self.exhaustive)),
            "claims_per_page": _rounded(_share(self.own_claims, self.pages), 2),
            "metric_accuracy": _rounded(_share(self.right["metric"], self.found)),
            "bound_accuracy": _rounded(_share(self.right["bound"], self.found)),
            "page_accuracy": _rounded(_share(self.right["page"], self.found)),
            "baseline_accuracy": _rounded(_share(self.baselines_right, self.baselines)),
            "places_sound": _rounded(_share(self.places_sound, self.places or 0)),
        }


def count_paper(tally: Tally, paper: str, labels: Sequence[ClaimLabel], analysis: Record) -> None:
    """Add one analysed paper to the tally."""
    own = own_claims(analysis)
    tally.papers += 1
    tally.own_claims += len(own)
    tally.pages += (analysis.get("document") or {}).get("pages") or 0
    true = [label for label in labels if label.is_claim]
    for label in true:
        _count_claim(tally, paper, label, own)
    for label in labels:
        if label.is_claim or any(_fits_label(other, label) for other in true):
            continue
        tally.negatives += 1
        if any(fitting_place(claim, label) for claim in own):
            tally.wrongly_taken += 1
            tally.remarks.append(("wrongly taken", paper, *_told(label)))
    if any(label.exhaustive for label in labels):
        _count_exhaustive(tally, paper, labels, own)


def own_claims(analysis: Record) -> list[Record]:
    """Return the claims that the paper makes about its own work."""
    return [claim for claim in analysis.get("claims") or [] if claim.get("own_result", True)]


def places_of(claim: Record) -> list[Record]:
    """Return a claim's places; a claim without a list of them is its own place."""
    return claim.get("places") or [{key: claim.get(key) for key in ("quote", "page", "boxes")}]


def fitting_place(claim: Record, label: ClaimLabel) -> Record | None:
    """Return the place of a claim that fits a label: one on its page, if there is one."""
    if not _same_value(claim, label):
        return None
    unit, wanted = _unit(claim.get("unit")), _unit(label.unit)
    if unit and wanted and unit != wanted and {unit, wanted} != {"x", "%"}:
        return None
    fits = [place for place in places_of(claim) if _same_place(place, label, unit == wanted)]
    on_page = (place for place in fits if place.get("page") == label.page)
    return next(on_page, fits[0] if fits else None)


def _count_claim(tally: Tally, paper: str, label: ClaimLabel, own: Sequence[Record]) -> None:
    hits = [(claim, place) for claim in own if (place := fitting_place(claim, label))]
    if not hits:
        tally.missed += 1
        tally.remarks.append(("missed", paper, *_told(label)))
        return

    def agreement(hit: tuple[Record, Record]) -> int:
        claim, place = hit
        same = (claim.get("metric") == label.metric) + (claim.get("bound") == label.bound)
        return same + (place.get("page") == label.page)

    claim, place = max(hits, key=agreement)
    tally.found += 1
    tally.right["metric"] += claim.get("metric") == label.metric
    tally.right["bound"] += claim.get("bound") == label.bound
    tally.right["page"] += label.page is None or place.get("page") == label.page
    if label.baseline:
        tally.baselines += 1
        tally.baselines_right += bool(_words(claim.get("baseline")) & _words(label.baseline))


def _count_exhaustive(
    tally: Tally, paper: str, labels: Sequence[ClaimLabel], own: Sequence[Record]
) -> None:
    """Count the places up to the last labelled page; cells of tables aren't labelled."""
    true = [label for label in labels if label.is_claim]
    last = max(label.page or 0 for label in labels)
    for claim in own:
        if _unit(claim.get("unit")) not in ("x", "%"):
            continue
        for place in places_of(claim):
            if place.get("kind") == "table" or (place.get("page") or 0) > last:
                continue
            tally.exhaustive += 1
            alone = {**claim, "places": [place]}
            if any(fitting_place(alone, label) for label in true):
                tally.exhaustive_right += 1
            else:
                value, unit = str(claim.get("value")), str(claim.get("unit"))
                told = (str(place.get("page")), f"{value} {unit}", str(place.get("quote"))[:160])
                tally.remarks.append(("not labelled", paper, *told))


def _told(label: ClaimLabel) -> tuple[str, str, str]:
    return str(label.page), f"{label.value} {label.unit or ''}".strip(), label.quote[:160]


def _fits_label(true: ClaimLabel, label: ClaimLabel) -> bool:
    claim = {
        "value": true.value,
        "value_high": true.value_high,
        "unit": true.unit,
        "quote": true.quote,
        "page": true.page,
    }
    return fitting_place(claim, label) is not None


def _same_value(claim: Record, label: ClaimLabel) -> bool:
    if label.value is None:
        return False
    value, high = number(claim.get("value")), number(claim.get("value_high"))
    for read in (value, high):
        if read is None:
            continue
        if label.value_high is not None and label.value <= read <= label.value_high:
            return True
        if abs(read - label.value) <= 0.01 * max(abs(label.value), 1e-9):
            return True
    # 1.43x and 43 % are one figure
    ratio = _unit(claim.get("unit")) == "x" and _unit(label.unit) == "%"
    return ratio and value is not None and abs((value - 1) * 100 - label.value) <= 1


def _same_place(place: Record, label: ClaimLabel, units_equal: bool) -> bool:
    read, wanted = _words(place.get("quote")), _words(label.quote)
    shared = len(read & wanted)
    if read and wanted and shared / min(len(read), len(wanted)) >= 0.6:
        return True
    on_page = label.page is not None and place.get("page") == label.page
    return on_page and units_equal and shared >= 5


def _words(text: str | None) -> set[str]:
    return set(re.findall(r"[a-z0-9.]+", (text or "").lower().replace("-", "")))


def _unit(text: str | None) -> str:
    bare = (text or "").strip().lower()
    return _UNITS.get(bare, bare)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
