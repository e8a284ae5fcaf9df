"""The setting of a whole paper, for claims whose own sentence doesn't repeat it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from analyzers.claiming.claim import ExtractedClaim
from analyzers.claiming.subjects import is_starved, times_starved
from analyzers.document import Document
from analyzers.facts import Regime, Scope


def add_setting(claims: Iterable[ExtractedClaim], document: Document) -> None:
    """Mark end-to-end claims of a paper about models that don't fit on the card.

    Its title or its abstract says so, the abstract more than once: one mention may be a contrast.
    """
    abstract = document.abstract or ""
    if not is_starved(document.title or "") and times_starved(abstract) < 2:
        return
    for claim in claims:
        if claim.subject.regime is None and claim.subject.scope is Scope.END_TO_END:
            claim.subject = replace(claim.subject, regime=Regime.MEMORY_STARVED)
