"""What a claim compares with, as the sentence names it; nothing named stays None."""

from __future__ import annotations

import re

from analyzers.claiming.quantities import Quantity
from analyzers.facts import BaselineKind

_CUT = re.compile(
    r"[;()\[\]]|,(?!\s?(?:[A-Z][\w.-]+,?\s(?:and|or)\s))|\.(?:\s|$)"
    r"|\s(?:on|for|in|at|when|while|under|across|by|using|that|which|where|because"
    r"|since|respectively|as|thanks"
    r"|achiev\w+|with (?:a|an|the|negligible|minimal|comparable|only)|is|are|was|were"
    r"|can|could|has|have|leads?"
    r"|yields?|reach\w+|provid\w+|deliver\w+|per|due|via|despite|even|during|within"
    r"|through|depending|up to"
    r"|demonstrat\w+|show\w*|reduc\w+|improv\w+|enabl\w+|while|but|though|however|if|both)\b"
    r"|\s(?:and|or|to)\s(?=(?:up to |about |around |approximately |over |more than "
    r"|nearly |a |an )?[~\d])"
    r"|\s(?:and|or)\s(?=(?:is|are|reduc|improv|achiev|outperform|sav|provid|increas|lower)\w*)",
    re.I,
)
_AFTER = re.compile(
    r"\b(?:over|than|(?:as |when |if )?compared (?:to|with|against)|relative to"
    r"|against|versus|vs\.?"
    r"|in comparison (?:to|with)|(?:with respect|in contrast) to|w\.r\.t\.?"
    r"|comparing (?:to|with)|in contrast to"
    r"|below|above|improvement (?:of|over)|beyond)\s+(?=\S)",
    re.I,
)
_BEFORE = re.compile(
    r"\b(?:(?:as )?compared (?:to|with|against)|against|relative to|in comparison (?:to|with)"
    r"|with respect to|versus"
    r"|outperform(?:s|ed|ing)?|surpass(?:es|ed|ing)?|exceed(?:s|ed|ing)?|beat(?:s"
    r"|ing)?|improv(?:es|ed|ing)? (?:up)?on"
    r"|improv(?:es|ed|ing|ements?|ement)? over|speed-?\s?ups? over"
    r"|speed-?\s?ups? (?:relative|compared) to"
    r"|faster than|better than|lower than|higher than|smaller than|gains? over"
    r"|reductions? over|over)\s+(?=\S)",
    re.I,
)
_NOT_A_BASELINE = re.compile(
    r"^(?:\d(?!\d?-?bit)|all|time|those|speed-?ups?|latency|that|the (?:course|years?"
    r"|range|entire|whole|same|past|sequence"
    r"|layers?|network)|a (?:range|variety)"
    r"|\w+ (?:tasks|datasets|benchmarks|models|layers|steps|tokens|seeds|runs"
    r"|settings)\b|long|multiple|various"
    r"|different|several|each|which|what|that|this|these|half|twice|one|two|three|it"
    r"|them|expected|before$)",
    re.I,
)
_TRIM = re.compile(
    r"^(?:the|a|an|its|their|our|those of|that of|other|both|using|existing|of)\s+(?=\S)", re.I
)


_JOINED = re.compile(
    r"[^,;.]{0,70}(?:,\s?)?\b(?:and|or)\s(?:an? |up to |about |around |over |nearly "
    r"|approximately )*~?\s?"
)


def read_baseline(text: str, quantity: Quantity, others: list[Quantity]) -> str | None:
    """Return the words that name what `quantity` is compared with in the sentence `text`."""
    index = others.index(quantity)
    group, place = _group(text, others, index)
    end = others[group[-1]].end
    limit = next((q.start for q in others if q.start >= end), len(text))
    after = _find_after(text[end:limit])
    if after is None and limit < len(text) and _JOINED.fullmatch(text[end:limit]):
        # "2.3x prefill and 1.7x decoding speedup over A"; never "6.5x, with 1.4x over B"
        after = _find_after(text[limit:])
    if after is not None:
        return _pick(after, place, len(group), others, text)
    before = text[: others[group[0]].start]
    matches = list(_BEFORE.finditer(before))
    for match in reversed(matches):
        name = _name(before[match.end() :], keep_and=True)
        if name:
            return _pick(name, place, len(group), others, text)
    return None


def _group(text: str, others: list[Quantity], index: int) -> tuple[list[int], int]:
    """Return the list of numbers that `index` is part of ("A, B and C times"), and its place."""
    group = [index]
    glue = r"\s?(?:\([^()]*\))?\s?(?:,|and|or|/|,\s?and|as well as|\s)+\s?(?:up to|about|~)?\s?"
    while group[0] > 0 and re.fullmatch(
        glue, text[others[group[0] - 1].end : others[group[0]].start]
    ):
        group.insert(0, group[0] - 1)
    while group[-1] + 1 < len(others) and re.fullmatch(
        glue, text[others[group[-1]].end : others[group[-1] + 1].start]
    ):
        group.append(group[-1] + 1)
    return group, group.index(index)


def _find_after(text: str) -> str | None:
    text = re.split(r",\s(?:which|while|whereas|but)\s|;", text[:260])[0]
    for match in _AFTER.finditer(text):
        if name := _name(text[match.end() :], keep_and=True):
            return name
    return None


def _name(text: str, keep_and: bool) -> str | None:
    text = re.sub(
        r"\s?\((?:[^()]*(?:et al|19\d\d|20\d\d)[^()]*)\)|\s?\[\d[\d,\s-]*\]", "", text[:200]
    )
    text = re.sub(r"\s[A-Z][a-z]+ et al\.? ?\(?\d{4}[a-z]?\)?", "", text)
    cut = _CUT.search(text)
    name = text[: cut.start() if cut else 90].strip(" ,:\"'“”.")
    for _ in range(2):
        name = _TRIM.sub("", name)
    name = " ".join(name.split()[:12])
    if len(name) < 2 or _NOT_A_BASELINE.match(name) or not re.search(r"[A-Za-z]{2}", name):
        return None
    return name[:100]


def _pick(name: str, place: int, count: int, others: list[Quantity], text: str) -> str:
    """Deal "A and B" out over "2.1x and 2.7x"; one name holds for all numbers of the list."""
    parts = [
        part.strip() for part in re.split(r",\s*(?:and\s)?|\s(?:and|or)\s", name) if part.strip()
    ]
    return parts[place] if count > 1 and len(parts) == count else name


_KINDS: tuple[tuple[BaselineKind, re.Pattern[str]], ...] = (
    (BaselineKind.ENGINE, re.compile(r"llama\.cpp|ggml", re.I)),
    (
        BaselineKind.BEST_KNOWN,
        re.compile(
            r"state[- ]of[- ]the[- ]art|\bsota\b|best (?:known|existing|prior|baseline)", re.I
        ),
    ),
    (
        BaselineKind.PLAIN,
        re.compile(
            r"\b(?:fp16|fp32|bf16|16-bit|full[- ]precision|half[- ]precision"
            r"|uncompressed|unquantized|dense|vanilla"
            r"|standard|naive|eager|plain|original|autoregressive|auto-regressive"
            r"|greedy|pytorch|hugging ?face"
            r"|transformers?|without|no |cublas|sequential|regular|uncached)",
            re.I,
        ),
    ),
    (
        BaselineKind.NAMED_RIVAL,
        re.compile(
            r"[A-Z][A-Za-z]*[A-Z\d][\w.-]*|\bv[lL][lL][mM]\b|xformers|[A-Z][\w]+-\w+|[A-Z]{3,}"
        ),
    ),
    (
        BaselineKind.UNNAMED,
        re.compile(r"baseline|existing|prior|previous|other|conventional", re.I),
    ),
)


def kind_of(baseline: str | None) -> BaselineKind:
    """Class the words of a baseline; the person who corrects facts has the last word."""
    if not baseline:
        return BaselineKind.UNNAMED
    for kind, pattern in _KINDS:
        if pattern.search(baseline):
            return kind
    return BaselineKind.UNNAMED
