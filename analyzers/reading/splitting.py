"""Where a sentence ends in scientific English."""

from __future__ import annotations

import re

# the mark itself is part of the match: a pattern that begins with a look-behind is tried at every
# character, and took three times as long
_END = re.compile(
    r"[.?!][\"”’)\]]*(?:\[\d[\d,\s–-]*\])?\s+(?=[\"“‘(\[]?[A-Z0-9•∗*▪◦∼~≥+=\u0391-\u03a9]"
    # a name that begins small: "vLLM reads", "llama.cpp reads"
    r"|[a-z]{1,5}[A-Z][\w+-]*[\s'’]|[a-z]{2,12}\.[a-z]{2,4}\s[a-z])"
)
_END_OR_ITEM = re.compile(_END.pattern + r"|(?<=\w)[.:;?!]\s+(?=[•▪◦●■➢–]\s)|\s+(?=[•▪●■➢]\s)")
_ITEM = re.compile(r"[•▪◦●■➢–]\s")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|vs|cf|viz|resp|approx|fig|figs|eq|eqs|eqn|sec|sect|secs|tab|tabs"
    r"|alg|ch|app|appx|ref|refs|no|nos|vol|pp|ed|dr|prof|mr|ms|st|jr|inc|corp|ltd|co"
    r"|w\.r\.t|a\.k\.a"
    r"|def|thm|prop|lem|max|min|avg|dept|univ|int|conf|proc|trans|\d)"
    r"|(?:^|\s)[A-Z])\.$",
    re.I,
)
MAX_CHARACTERS = 4000
_NEAR = 60


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence of a paragraph, without outer white space."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in (_END_OR_ITEM if _ITEM.search(text) else _END).finditer(text):
        end = match.start() + (not match[0][0].isspace())  # the mark belongs to the sentence
        # a few characters tell: all of a text without ends would be looked through at each mark
        head = text[max(start, end - _NEAR) : end].rstrip('"”’)]')
        rest = text[match.end() : match.end() + _NEAR]
        abbreviated = _ABBREVIATION.search(head[-12:]) and rest[:1] not in "•▪●■➢"
        if abbreviated and not _ends_anyway(head, rest):
            continue
        _keep(spans, text, start, end)
        start = match.end()
    _keep(spans, text, start, len(text))
    return spans


def _ends_anyway(head: str, rest: str) -> bool:
    """Tell an end of sentence behind a number ("in 4. We show") or "etc." from an abbreviation."""
    if re.search(r"(?:\betc|\d)\.$", head, re.I):
        if re.search(r"\w\W.*\d\.\d+\.$", head) and re.match(r"[A-Z][a-z]+\b", rest):
            return True  # "in Section 4.5. After": no numbered item has words before it
        return bool(re.match(r"[A-Z][a-z]*,?\s[a-z(]", rest)) and not re.search(r"^\d+\.$", head)
    return bool(re.search(r"\bal\.$", head)) and bool(re.match(r"(?:We|In|The|This|Our)\s", rest))


def _keep(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_CHARACTERS:
        cut = text.rfind(" ", start, start + MAX_CHARACTERS)
        cut = cut if cut > start else start + MAX_CHARACTERS
        spans.append((start, cut))
        start = cut + (text[cut : cut + 1] == " ")
    if end > start:
        spans.append((start, end))
