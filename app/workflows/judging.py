"""The verdicts of a paper's claims on the devices that were measured."""

from __future__ import annotations

from analyzers.message import message
from analyzers.scoring import Ranked, headline_order
from analyzers.scoring.verdicts import Verdict, VerdictKind, judge
from analyzers.targets import Target
from app.workflows.assembling import Assembled, scoring_claim

_NO_CLAIM = Verdict(VerdictKind.UNTESTED, None, (message("the paper has no speed claim"),))
_SAYS_NOTHING = (VerdictKind.UNTESTED,)


def claim_verdicts(paper: Assembled) -> dict[str, list[Verdict]]:
    """Return each claim's verdicts, one a measured device; none where nothing was measured."""
    return {
        row.key: [
            judge(scoring_claim(row), device, runs) for device, runs in sorted(paper.runs.items())
        ]
        for row in paper.claims
    }


def headline_verdict(paper: Assembled, ranked: Ranked, target: Target) -> Verdict:
    """Return the paper's verdict: its headline claim's on the ranking device.

    Where the ranking device has no run for it: that of the first claim in headline order with a
    run there.
    """
    device = ranked.device.device_id if ranked.device else None
    if device is None and paper.runs:
        device = max(paper.runs, key=lambda d: max(r.measured_at for r in paper.runs[d]))
    if ranked.belief.headline is None:
        return _NO_CLAIM
    if device is None:
        return Verdict(VerdictKind.UNTESTED, None, (message("nothing has been measured"),))
    order = [h.claim for h in headline_order(paper.facts, target)]
    verdicts = [judge(claim, device, paper.runs.get(device, ())) for claim in order]
    return next((v for v in verdicts if v.kind not in _SAYS_NOTHING), verdicts[0])
