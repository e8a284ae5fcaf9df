"""The verdicts of a paper's claims on the devices that were measured."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.message import message
from analyzers.scoring import Ranked, headline_order
from analyzers.scoring.verdicts import Verdict, VerdictKind, judge
from analyzers.targets import Target
from app.workflows.assembling import Assembled, scoring_claim

_NO_CLAIM = Verdict(VerdictKind.UNTESTED, None, (message("the paper has no speed claim"),))
_SAYS_NOTHING = (VerdictKind.UNTESTED,)
_SAYS_LITTLE = (*_SAYS_NOTHING, VerdictKind.NOT_RUNNABLE)
"""What is about a device rather than about the paper: another device may know more."""


def claim_verdicts(paper: Assembled) -> dict[str, list[Verdict]]:
    """Return each claim's verdicts, one a measured device; none where nothing was measured."""
    return {
        row.key: [
            judge(scoring_claim(row), device, runs) for device, runs in sorted(paper.runs.items())
        ]
        for row in paper.claims
    }


def headline_verdict(
    paper: Assembled, ranked: Ranked, target: Target, device: str | None = None
) -> Verdict:
    """Return the paper's verdict: its headline claim's on the ranking device.

    Where the ranking device has no run for it: that of the first claim in headline order with a
    run there. Where it has none at all (only quality was run there, say): what the other devices
    say, the weightiest first, the newest on ties; the verdict names its device. With `device` that
    one alone is asked.
    """
    if ranked.belief.headline is None:
        return _NO_CLAIM
    devices = _devices(paper, ranked, target, device)
    if not devices:
        return Verdict(VerdictKind.UNTESTED, None, (message("nothing has been measured"),))
    order = [h.claim for h in headline_order(paper.facts, target)]
    found = [
        next((v for v in verdicts if v.kind not in _SAYS_NOTHING), verdicts[0])
        for asked in devices
        for verdicts in [[judge(claim, asked, paper.runs.get(asked, ())) for claim in order]]
    ]
    for silent in (_SAYS_LITTLE, _SAYS_NOTHING):
        if told := next((v for v in found if v.kind not in silent), None):
            return told
    return found[0]


def _devices(paper: Assembled, ranked: Ranked, target: Target, device: str | None) -> Sequence[str]:
    """Return the devices to ask, in order: the one that the person chose, else all with runs."""
    if device is not None:
        return [device] if device in paper.runs else []
    first = ranked.device.device_id if ranked.device else None
    if paper.facts.below_quality:
        first = paper.ranking_device

    def place(name: str) -> tuple[bool, float, str]:
        runs = paper.runs[name]
        newest = max(run.measured_at for run in runs)
        return name == first, target.weight(runs[0].device_class), newest

    return sorted(paper.runs, key=place, reverse=True)
