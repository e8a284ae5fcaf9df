"""How much stands behind an analysis: a whole paper with an evaluation, or a page of text.

A note of three sentences looks easy and relevant because nothing in it speaks against it. What is
missing from a source is a doubt, not an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyzers.claims import ExtractedClaim
from analyzers.document import Document, Kind, Read
from analyzers.message import Message, message

FEW_WORDS = 1200
"""About two pages: shorter texts are abstracts, notes and announcements."""
SHARES = (1.0, 0.5, 0.25)
"""How much the analysis' facts count with none, one and both doubts; unknown counts nothing."""
_EVALUATION = re.compile(
    r"evaluation|experiment|result|benchmark|performance|measurement|empirical|ablation", re.I
)


@dataclass(frozen=True, slots=True)
class TrustReading:
    """The share (0 to 1) that facts and claims of this source count, and what they lack."""

    share: float
    doubts: tuple[Message, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {"share": self.share, "doubts": [doubt.to_json() for doubt in self.doubts]}


def read_trust(document: Document, claims: Sequence[ExtractedClaim]) -> TrustReading:
    """Ask two questions: was the whole text read, and is there an evaluation in it?"""
    doubts: list[Message] = []
    if document.read in (Read.ABSTRACT, Read.RECORD) or document.words < FEW_WORDS:
        doubts.append(message("only an abstract or a short text was read"))
    if not _has_evaluation(document, claims):
        doubts.append(message("no evaluation was found in what was read"))
    return TrustReading(SHARES[len(doubts)], tuple(doubts))


def _has_evaluation(document: Document, claims: Sequence[ExtractedClaim]) -> bool:
    """Whether a section about results, with figures or tables, or own numbers outside the front."""
    named = any(_EVALUATION.search(section.title) for section in document.sections)
    captions = sum(sentence.kind is not Kind.SENTENCE for sentence in document.sentences)
    body = sum(claim.own and not claim.in_abstract for claim in claims)
    return (named and (captions >= 1 or body >= 2)) or captions >= 3 or body >= 3
