"""What moved a paper's score: the claim it rests on, the measurements, and the steps since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.i18n import translator
from app.reports.sections import PaperSection

STEPS = 4
"""So many of the last steps are told."""


def movers(
    papers: Sequence[PaperSection], steps: Mapping[str, Sequence[str]], language: str
) -> dict[str, tuple[str, ...]]:
    """Return sentences by paper id; `steps` are those of the score's history, in words."""
    _ = translator(language)
    told = {}
    for paper in papers:
        found = []
        headline = next((claim for claim in paper.claims if claim.is_headline), None)
        if headline:
            found.append(_("It rests on the claim {key}.").format(key=headline.key))
        runs = {
            verdict.run_id[:10]: verdict.device
            for claim in paper.claims
            for verdict in claim.verdicts
            if verdict.run_id and verdict.measured
        }
        if runs:
            found.append(_("Measured by: {runs}.").format(runs=_(", ").join(list(runs)[:STEPS])))
        last = list(steps.get(paper.row.paper_id, ()))[-STEPS:]
        if last:
            found.append(_("Since then: {steps}.").format(steps=_("; ").join(last)))
        told[paper.row.paper_id] = tuple(found)
    return told
