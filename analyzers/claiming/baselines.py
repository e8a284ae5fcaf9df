"""What a claim compares with, as its sentence names it; nothing named stays None."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzers.claiming.names import cut_name, is_generic, kind_of
from analyzers.claiming.quantities import Quantity
from analyzers.facts import BaselineKind

_COMPARED = (
    r"(?:as |when |if )?compar(?:ed|ing) (?:to|with|against)|relative to|against|versus|vs\.?"
    r"|in comparison (?:to|with)|with respect to|in contrast to|w\.r\.t\.?"
)
_AFTER = re.compile(
    rf"\b(?:(?:improvements?|gains?|speed-?\s?ups?) over|over|than|{_COMPARED}"
    r"|below|above|beyond)\s+(?=\S)",
    re.I,
)
_BEFORE = re.compile(
    rf"\b(?:{_COMPARED}"
    r"|outperform(?:s|ed|ing)?|surpass(?:es|ed|ing)?|exceed(?:s|ed|ing)?|beat(?:s|ing)?"
    r"|improv(?:es?|ed|ing) (?:up)?on|improv(?:es?|ed|ing|ements?) over"
    r"|(?:faster|better|lower|higher|smaller|cheaper|more \w+|less \w+|fewer \w+) than"
    r"|(?:(?:speed-?\s?ups?|gains?|reductions?)\s)?over)\s+(?=\S)",
    re.I,
)
_FALLBACKS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        # "the same results as greedy decoding, but 2x faster": that is what it is faster than
        r"\b(?:identical|same|equivalent|equal|comparable|similar)\s(?:[\w-]+\s){0,2}?"
        r"(?:results?|outputs?|quality|accurac\w+|performance|perplexity|text|tokens)\s"
        r"(?:\([^()]{1,40}\)\s)?"
        r"(?:as|to|with)\s(?!the (?:same|number))",
        # "matches the throughput of A with 10% better accuracy"
        r"\b(?:match|retain|maintain|preserv)(?:es|ing|ed|s)?\s(?:the\s)?(?:[\w-]+\s){1,3}?of\s",
        r"\b(?:instead of|rather than|in place of|as opposed to|unlike|replacing|down from)\s",
        # "from 589 ms for FP16 inference to 130 ms"
        r"\bfrom\s\d[\d.,]*\s?(?:[mµu]?s|milliseconds|seconds|minutes|hours|[GM]B)\s"
        r"(?:for|with|in|of|using|by|under)\s",
        # "…, while vLLM can only …"
        r"\b(?:while|whereas)\s(?=[^,;.]{2,60}\s(?:can|could|cannot|only|fails?|runs? out)\b)",
    )
)
_JOINED = re.compile(
    r"[^,;.]{0,70}(?:,\s?)?\b(?:and|or)\s(?:an? |up to |about |around |over |nearly "
    r"|approximately )*~?\s?"
)
_LITTLE_WORD = re.compile(r"\b(?:the|a|an|to|with|of|our|its|and|in|on)\b", re.I)
_OF_WHOM = re.compile(
    r"\s(?:the|that|as (?:much|high|many|fast))\s(?:[\w-]+\s){0,3}?(?:of|as)\s(?=\S)", re.I
)
_OWN_NOUN = re.compile(
    r"\s?(?:[\w-]+\s){0,3}?(?:speed-?\s?ups?|reductions?|improvements?|gains?|savings?|drops?|faster"
    r"|lower|higher|less|fewer|smaller|more)\b",
    re.I,
)
_CONTRAST = re.compile(
    r"(?:^|,\s)(?P<name>[^,;]{3,60}?)\s(?:achieves?|reach(?:es)?|obtains?|yields?|has|takes?|needs?"
    r"|requires?|attains?|gets?|runs?)\b[^;]*?,?\s(?:while|whereas|but)\s(?=(?P<rest>.*))",
    re.I,
)
_PART = re.compile(
    r"(?:^|,\s|;\s|\bthat\s)(?:\w+ly,?\s|moreover,?\s|further(?:more)?,?\s|also,?\s|the\s|our\s|using\s|adding\s"
    r"|\([a-z\d]+\)\s|and\s)*"
    r"(?P<name>(?:[\w-]+\s){0,4}?(?:graph|execution|caching|strateg(?:y|ies)|scheduling|scheduler"
    r"|optimi[sz]ations?|fusion|kernel|mechanism|pruning|batching|prefetching|reordering|overlap\w*"
    r"|quantization|parallelism|sharing|offloading|pipelin\w+|partitioning|tiling|module|compression"
    r"|balancing|sampling))"
    r"(?:\sin\s\w+)?\s(?:can\s|could\s|also\s|(?:to\s)?further\s|effectively\s|significantly\s)*"
    r"(?:reduc|improv|increas|accelerat|speed|boost|cut|lower|sav|bring|shav|yield|giv|provid)(?:e?s|ed|e)?\b"
    r"[^;]*$",
    re.I,
)
_WE_USE = re.compile(r"(?:we\s)?(?:use|apply|add|employ|using|applying|adding)\s", re.I)
_WHOLE = re.compile(
    r"\b(?:this|these|its|results?|method|approach|system|framework|proposed|model|it|we|they)\b",
    re.I,
)
_QUANTITY = re.compile(
    r"\b(?:ttft|tpot|tbt|itl|latenc\w+|throughput|accurac\w+|perplexity|quality|memory|speed\w*"
    r"|performance|scores?|outputs?|results?)$|^[A-Z]{2,4}$|\d\s?%",
    re.I,
)
_ANOTHER_CLAUSE = re.compile(r",\s(?:which|while|whereas|but)\s|;|\.\s\(?\w\)\s")
_BEATS = re.compile(
    r"\b(?:outperform|surpass|exceed|beat)(?:s|ed|ing)?\s(?P<name>[^,;]{2,100}?)\sby\s"
    r"(?:up to |about |around |over |more than |an? |average of |as much as |~)*$",
    re.I,
)
"""What is beaten "by 2x" is named right there; an "over" behind the number may be over models."""
_THE_BASELINE = re.compile(
    r"\b(?P<name>(?:[A-Z][\w.+-]*|fp16|16-bit|dense|full|vanilla|standard|autoregressive|greedy"
    r"|uncompressed|unquantized|full-precision)(?:[\s-][\w.+-]+){0,2})\sbaselines?\b"
)


_A_BASELINE = re.compile(r"\b(?:the|our|that) baseline(?:'s)?\b(?! models?)", re.I)


def read_baseline(
    text: str, quantity: Quantity, others: list[Quantity], own: Sequence[str] = ()
) -> str | None:
    """Return the words that name what `quantity` is compared with in the sentence `text`.

    `own` are names of the authors' method, which is no baseline of theirs.
    """
    # "2x against the 16-bit model": bits are part of a name, no result of their own
    results = [q for q in others if q is quantity or q.unit != "bits"]
    index = results.index(quantity)
    group, place = _group(text, results, index)
    start, end = results[group[0]].start, results[group[-1]].end
    limit = next((q.start for q in results if q.start >= end), len(text))
    beaten = _BEATS.search(text, 0, start)
    name = cut_name(beaten["name"]) if beaten else None
    name = name or _find_after(text, end, limit, own)
    if name is None and (whose := _OF_WHOM.match(text, end)):
        name = cut_name(text[whose.end() :])
    if name is None and limit < len(text) and _JOINED.fullmatch(text[end:limit]):
        # "2.3x prefill and 1.7x decoding speedup over A"; never "6.5x, with 1.4x over B"
        name = _find_after(text, limit, len(text), own)
    name = name or _find_before(text, quantity, results, start, own)
    if name is not None:
        return _dealt(name, place, len(group))
    return (
        _find_elsewhere(text, own)
        or _find_in_contrast(text, start, own)
        or _find_part(text[:start], own)
        or ("baseline" if _A_BASELINE.search(text) else None)
    )


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


def _find_after(text: str, start: int, limit: int, own: Sequence[str]) -> str | None:
    """Return the name behind the first comparison that begins between `start` and `limit`."""
    stop = _ANOTHER_CLAUSE.search(text, start, min(len(text), start + 260))
    limit = min(limit, stop.start() if stop else start + 260)
    for match in _AFTER.finditer(text, start):
        if match.start() >= limit:
            return None
        name = cut_name(text[match.end() :])
        if name and not is_own(name, own):
            return name
    return None


def _find_before(
    text: str, quantity: Quantity, others: list[Quantity], start: int, own: Sequence[str]
) -> str | None:
    """Return the name behind the last comparison before the number.

    One that belongs to an earlier number ("29% less latency than A, 28% less for B") is passed by
    where the number has a noun of its own behind a comma.
    """
    whole = bool(_OWN_NOUN.match(text, quantity.end))
    for match in reversed(list(_BEFORE.finditer(text, 0, start))):
        earlier = any(q.end <= match.start() for q in others)
        if whole and earlier and "," in text[match.end() : start]:
            continue
        name = cut_name(text[match.end() : start])
        if name and not is_own(name, own):
            return name
    return None


def _find_elsewhere(text: str, own: Sequence[str]) -> str | None:
    """Return what the sentence sets the work beside without the words of a comparison."""
    match = _THE_BASELINE.search(text)
    if match and not is_generic(match["name"]) and not _LITTLE_WORD.search(match["name"]):
        return match["name"]
    if without := _without_own(text, own):
        return without
    for pattern in _FALLBACKS:
        for match in pattern.finditer(text):
            name = cut_name(text[match.end() :])
            if name and not is_own(name, own) and _is_system(name):
                return name
    return None


def _without_own(text: str, own: Sequence[str]) -> str | None:
    """Return "without A" where the sentence tells what holds without the authors' work."""
    for match in re.finditer(r"\b(?:without|w/o)\s(?:using\s)?(?=\S)", text):
        rest = text[match.end() : match.end() + 60]
        name = next((o for o in own if is_own(rest, [o])), None)
        if name is not None:
            return f"without {name}"
    return None


def _find_part(head: str, own: Sequence[str]) -> str | None:
    """Return "without A" of "A reduces the latency by 20%", where A is a part of the work."""
    match = _PART.search(head)
    if match is None:
        return None
    name = _WE_USE.sub("", match["name"])
    return None if is_own(name, own) or _WHOLE.search(name) else f"without {name}"


def _find_in_contrast(text: str, start: int, own: Sequence[str]) -> str | None:
    """Return A of "A takes long, while ours is 2x faster"."""
    match = _CONTRAST.search(text)
    if match is None or match.start("rest") > start:
        return None
    if not re.match(r"ours?\b|we\b", match["rest"], re.I) and not is_own(match["rest"], own):
        return None
    name = cut_name(match["name"])
    return None if name is None or is_own(name, own) or is_generic(name) else name


def _is_system(name: str) -> bool:
    """Tell whether a name is one of a system or a plain way of doing, not of a quantity."""
    if is_generic(name) or _QUANTITY.search(name):
        return False
    return kind_of(name) not in (BaselineKind.UNNAMED, BaselineKind.OWN)


def is_own(name: str, own: Sequence[str]) -> bool:
    """Tell whether `name` is the authors' name for their work, whole."""
    low = name.lower()
    if re.search(r"\b(?:without|w/o|no|minus|disabled)\b|-only\b", low):
        return False  # the authors' work with a part left out
    return any(re.match(rf"{re.escape(o.lower())}(?![\w]|-?\d)", low) for o in own)


def _dealt(name: str, place: int, count: int) -> str:
    """Deal "A and B" out over "2.1x and 2.7x"; one name holds for all numbers of the list."""
    parts = [
        part.strip() for part in re.split(r",\s*(?:and\s)?|\s(?:and|or)\s", name) if part.strip()
    ]
    return parts[place] if count > 1 and len(parts) == count else name
