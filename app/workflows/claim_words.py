"""A claim in a sentence of ours, from what was found about it; never the paper's own sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.message import message
from app.labels import say
from app.reports.text import clean, shorten

if TYPE_CHECKING:
    from db.models import Claim

LONGEST_PART = 60


def claim_words(claim: Claim, language: str) -> str:
    """Return "up to 2.4x speedup over vLLM, on an RTX 4090" for a claim, in one language."""
    if claim.text:
        return clean(say(claim.text, language))
    number = f"{claim.value:.4g}"
    if claim.value_high is not None:
        number += f"–{claim.value_high:.4g}"
    unit = claim.unit if claim.unit in ("x", "%") else f" {claim.unit}".rstrip()
    if claim.bound in ("exact", "range"):
        told = message(
            "{number} {metric}", words=("metric",), number=number + unit, metric=claim.metric
        )
    else:
        told = message(
            "{bound} {number} {metric}",
            words=("bound", "metric"),
            bound=claim.bound,
            number=number + unit,
            metric=claim.metric,
        )
    if claim.baseline:
        told = message("{claim} over {baseline}", claim=told, baseline=_part(claim.baseline))
    if claim.hardware:
        told = message("{claim}, on {hardware}", claim=told, hardware=_part(claim.hardware))
    return clean(say(told, language))


def _part(text: str) -> str:
    return shorten(text, LONGEST_PART)
