"""What the authors say they bring, in their own sentence."""

from __future__ import annotations

import re
from collections.abc import Collection

from analyzers.document import Document, Kind, Sentence

MAX_TEXT = 700
_PROPOSES = re.compile(
    r"\b(?:we|this (?:paper|work|report|study|post)|in this (?:paper|work|blog post))\b[^.]{0,60}"
    r"\b(?:propose|present|introduc\w+|develop|design|describ\w+|show how|build|explore|study"
    r"|demonstrate|investigate|provide|release|implement|analy[sz]e|tackle|address)s?\b",
    re.I,
)
_STRONG = re.compile(
    r"\b(?:we|this (?:paper|work)|paper)\s(?:\w+,?\s){0,2}"
    r"(?:propose|present|introduce|develop)s?\b",
    re.I,
)
_MINOR = re.compile(
    r"\b(?:theorem|lemma|proof|notation|definition|results? in (?:section|appendix|table)"
    r"|background|(?:present|provide|show)s? (?:the |our |an? )?(?:\w+ )?(?:results?|example|proof"
    r"|details|overview|ablation)|in this (?:sub)?section"
    r"|(?:two|three|four|several|following|principal) (?:[\w-]+ )?(?:techniques|components"
    r"|contributions|ideas))\b",
    re.I,
)


def read_contribution(
    document: Document, names: Collection[str] = ()
) -> dict[str, str | int | None] | None:
    """Return {"text", "page"}: the sentence that says what is new; None if none does.

    `names` are those of the authors' work, in lower case.
    Abstract before body, "we propose" before "we study", a whole sentence before a cut one.
    """
    candidates = [s for s in document.sentences if s.kind is Kind.SENTENCE][:160]
    abstract = [s for s in candidates if s.in_abstract]
    for sentences, patterns, whole in (
        (abstract, (_STRONG, _PROPOSES, *_definitions(names)), True),
        (abstract, (_STRONG,), False),
        (candidates, (_STRONG, _PROPOSES), True),
    ):
        for pattern in patterns:
            for sentence in sentences:
                if pattern.search(sentence.text) and _fits(sentence, whole):
                    return _quote(sentence)
    return _quote(abstract[0]) if abstract else None


def _definitions(names: Collection[str]) -> list[re.Pattern[str]]:
    """Return what finds "QuickSum is a kernel that …"."""
    listed = "|".join(re.escape(name) for name in sorted(names) if len(name) > 2)
    return [re.compile(rf"\b(?:{listed})\b.{{0,30}}\bis (?:an?|the)\b", re.I)] if listed else []


def _fits(sentence: Sentence, whole: bool) -> bool:
    text = sentence.text.strip()
    if len(text.split()) < 8 or _MINOR.search(text):
        return False
    return not whole or (text[-1:] in '.!:;)”"' and len(text) <= MAX_TEXT)


def _quote(sentence: Sentence) -> dict[str, str | int | None]:
    return {"text": sentence.text[:MAX_TEXT], "page": sentence.page}
