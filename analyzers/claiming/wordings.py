"""How papers say what they compare with: wordings that define a baseline, and plain baselines.

Every weight is a rule of thumb about how plainly a wording defines a baseline.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from analyzers.facts import Metric


class Family(StrEnum):
    """Kinds of metric that share a baseline."""

    SPEED = "speed"
    SIZE = "size"
    QUALITY = "quality"
    ANY = "any"


def family_of(metric: Metric) -> Family:
    """Return the kind of metric that a claim's number is."""
    if metric.is_speed:
        return Family.SPEED
    if metric in (Metric.MEMORY_REDUCTION, Metric.COMPRESSION_RATIO, Metric.BITWIDTH):
        return Family.SIZE
    if metric in (Metric.ACCURACY_DROP, Metric.ERROR_REDUCTION):
        return Family.QUALITY
    return Family.ANY


_SPEED = re.compile(r"speed|fast|latenc|throughput|runtime|wall-?clock|tokens/s|time\b", re.I)
_SIZE = re.compile(r"memory|footprint|compress|size\b|storage", re.I)
_QUALITY = re.compile(r"accura|perplexit|ppl\b|quality|bleu|rouge|error|loss\b|degrad", re.I)


def family_in(text: str) -> Family:
    """Return the one kind of metric that a sentence speaks of, else ANY."""
    found = [
        family
        for family, pattern in (
            (Family.SPEED, _SPEED),
            (Family.SIZE, _SIZE),
            (Family.QUALITY, _QUALITY),
        )
        if pattern.search(text)
    ]
    return found[0] if len(found) == 1 else Family.ANY


_PLAIN = (
    r"(?:vanilla|standard|regular|plain|conventional|naive|ordinary|normal|original|traditional"
    r"|full|dense|exact|pure|uncompressed|unquantized|unmodified|default)"
)
_DECODING = re.compile(
    rf"\b(?:{_PLAIN}[\s-])?(?:(?:auto-?regressive|greedy|sequential|token-by-token)[\s-])"
    r"(?:decoding|generation|inference|execution|baseline)"
    r"|\b(?:vanilla|standard|regular|conventional|naive|plain|normal|ordinary)\s"
    r"(?:decoding|generation|inference|execution)",
    re.I,
)
_PRECISION = re.compile(
    r"\b(?:fp-?16|f16|bf16|bfloat16|float16|fp-?32|16-bit|32-bit"
    r"|(?:full|half)[- ]precision|uncompressed|unquantized)\b",
    re.I,
)
_ATTENTION = re.compile(
    r"\b(?:full|dense|standard|vanilla|naive|exact|regular|original|quadratic)\s(?:causal\s)?"
    r"(?:self-|softmax\s)?attention",
    re.I,
)
_CACHE = re.compile(r"\b(?:full|uncompressed|complete)[\s-](?:kv[\s-])?cache\b", re.I)
_DENSE = re.compile(r"\bdense(?:\s(?:models?|baselines?|inference|attention|kernels?))?\b", re.I)
_TRANSFORMER = re.compile(rf"\b(?:{_PLAIN}\s)?Transformers?\b")


class Topic(NamedTuple):
    """A plain way of doing: how papers call it, and the words of papers that do without it.

    `needles` are what a sentence in lower case must hold for the pattern to match.
    """

    name: str
    pattern: re.Pattern[str]
    about: re.Pattern[str]
    needles: tuple[str, ...]


TOPICS = (
    Topic(
        "precision",
        _PRECISION,
        re.compile(r"quanti[sz]|\bint8\b|\d-bit|low-bit|low-precision", re.I),
        ("16", "32", "precision", "uncompressed", "unquantized"),
    ),
    Topic(
        "decoding",
        _DECODING,
        re.compile(
            r"speculative|draft|lossless acceleration|parallel decoding|early exit"
            r"|multiple tokens|self-speculat",
            re.I,
        ),
        ("decod", "generation", "inference", "execution", "regressive", "greedy"),
    ),
    Topic("attention", _ATTENTION, re.compile(r"attention", re.I), ("attention",)),
    Topic(
        "cache",
        _CACHE,
        re.compile(r"cache (?:\w+\s)?(?:compress|evict|reduc|prun)|evict", re.I),
        ("cache",),
    ),
    Topic("dense", _DENSE, re.compile(r"spars|prun", re.I), ("dense",)),
    Topic("architecture", _TRANSFORMER, re.compile(r"architecture", re.I), ("transformer",)),
)
CONCEPTS = TOPICS[:5]
"""Topics whose names all speak of one thing; of architectures there are many."""

CUES = (
    "baseline", "compar", "normali", "relative to", "respect to", "against", "versus", " vs",
    " over ", "benchmark", "evaluate ",
)  # fmt: skip
"""What a sentence in lower case must hold to say what the paper compares with."""

_NAME = r"(?P<name>.{2,180})"
DEFINITIONS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern, re.I), weight)
    for pattern, weight in (
        (
            r"\b(?:us(?:e|es|ed|ing)|tak(?:e|es|ing)|cho(?:o|se)\w*|adopt\w*|consider\w*|treat\w*"
            r"|employ\w*|implement\w*|select\w*|includ\w*|set|pick\w*)\s(?P<name>[^.;]{2,160}?)"
            r"\s(?:as|for)\s(?:an? |the |our |one of the |main |primary |strong |two |three "
            r"|several |comparison |competitive )*(?:[\w-]+ ){0,2}(?:baselines?|comparison)\b",
            3.0,
        ),
        (
            r"\bbaselines?(?: (?:methods?|systems?|models?|implementations?))?(?: (?:here|we use))?"
            rf"\s?(?:is|are|was|were|includes?|including|consists? of|comprises?|[:,–—-])\s{_NAME}",
            2.5,
        ),
        (
            r"\b(?:over|to|with|against|than)\s(?P<name>[^,.;]{2,60}),\s"
            r"(?:which is\s)?(?:a|the|our)\s(?:[\w-]+\s){0,2}baseline\b",
            2.5,
        ),
        (
            r"\bnormali[sz]ed\s(?:\w+\s)?(?:to|by|against|with respect to|w\.?r\.?t\.?|over"
            rf"|relative to)\s{_NAME}",
            3.0,
        ),
        (
            r"\b(?:we|to)\b[^.;]{0,60}?\b(?:compare|benchmark|evaluate)\s(?:[^.;]{1,80}?\s)?"
            rf"(?:to|with|against)\s{_NAME}",
            2.0,
        ),
        (rf"\b(?:speed-?ups?|gains?|improvements?|reductions?)\sover\s{_NAME}", 1.5),
        (
            r"\b(?:compared (?:to|with|against)|relative to|comparison (?:to|with)|against"
            rf"|versus|vs\.?)\s{_NAME}",
            1.0,
        ),
    )
)
BEFORE_BASELINE = re.compile(
    r"(?:\b(?:the|a|an|with|to|over|our|and|of|from|than|vs\.?|versus|against)\s)(?P<name>(?:[\w.+/-]+\s){1,3})baselines?\b",
    re.I,
)
MODIFIER = re.compile(
    r"^(?:(?:strong|other|all|same|different|various|existing|two|three|four|several|best|main"
    r"|simple|corresponding|competitive|previous|prior|original|established|these|those|"
    r"small|large|pure|other|common|popular|first|second|following|most|more|selected"
    r"|respective|optimized|our|and|of|the|a|with|to)\b\s?)+",
    re.I,
)
RUN_IN = re.compile(
    r"\s*(?:\d[\d.]*\s)?(?:baselines?|comparisons?|baseline (?:methods|systems)"
    r"|compared methods|competing (?:methods|systems))\s?[.:]?\s*",
    re.I,
)
RIVAL_SUBJECT = re.compile(
    r"(?:(?:However|Similarly|Meanwhile|Moreover|Also|Besides|While|Although|By contrast"
    r"|In (?:contrast|comparison)),?\s|(?:On|For|With|In)\s[^,]{2,50},\s)*"
    r"(?P<name>(?!(?:The|This|These|Our|We|It|In|On|For|A|An|As|All)\b)"
    r"(?:[A-Z][\w.+/-]*|[a-z]{1,5}[A-Z][\w+-]*)"
    r"(?:\s(?:and\s|w/\s)?(?:[A-Z][\w.+/-]*|[a-z]{1,5}[A-Z][\w+-]*))*)\s"
    r"(?:tr(?:y|ies)|[a-z]{2,}(?<!s)s|is|are|do|can|has|have|had|only|still|also|[a-z]+ly)\b"
)
"""A sentence about a system: "However, vLLM wastes …", "A and B w/ C try to …"."""
CONTRAST = re.compile(r"(?:in|by) contrast\b|conversely\b|however\b|on the contrary\b", re.I)
ANY_SUBJECT = re.compile(
    r"(?:(?:On|For|With|In|At)\s[^,]{2,50},\s)?(?P<name>(?:[\w-]+\s){0,3}[\w-]+)\s(?:achieves|reaches|has"
    r"|obtains|only|takes|needs|requires|suffers|incurs|can|shows|yields|gets|attains)\b"
)
"""What a sentence is about, in small letters too ("On X, speculative sampling achieves …")."""
REFERENCE = re.compile(r"\b(Fig(?:ure)?s?\.?|Tables?|Tab\.)\s?(\d+)", re.I)
