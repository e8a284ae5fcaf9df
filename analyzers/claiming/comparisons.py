"""What a paper compares with outside a claim's own sentence.

Each place where the paper says what it is measured against is a `Comparison`: "we use A as the
baseline", "normalised to A", "compared with A", "the FP16 baseline", or a claim that names its
own. A claim that names none takes the one stated just before it, or in the caption it speaks of,
or else the paper's usual one: the group of comparisons with the most weight for its kind of
metric. Every weight is a rule of thumb about how plainly such a wording defines a baseline.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analyzers.claiming.baselines import is_own
from analyzers.claiming.names import cut_name, is_best_known, is_generic, without_citations
from analyzers.claiming.subjects import hardware_in
from analyzers.document import Document, Kind, Sentence
from analyzers.facts import Metric

MIN_WEIGHT = 0.8
"""A name with less weight than this is no paper's usual baseline."""


class Family(StrEnum):
    """Kinds of metric that share a baseline."""

    SPEED = "speed"
    SIZE = "size"
    QUALITY = "quality"
    ANY = "any"


class Source(StrEnum):
    """Where a claim's baseline was found; the first are the plainest."""

    SENTENCE = "sentence"
    BEFORE = "sentence before"
    CAPTION = "caption"
    PAPER = "paper"

    @property
    def reason(self) -> str:
        """Say it for people."""
        return _REASONS[self]

    @property
    def is_near(self) -> bool:
        """Whether it was said with the claim, so that it can tell two claims apart."""
        return self in (Source.SENTENCE, Source.BEFORE)

    @property
    def rank(self) -> int:
        """0 for the plainest."""
        return list(Source).index(self)


_REASONS = {
    Source.SENTENCE: "its baseline is named in the sentence",
    Source.BEFORE: "its baseline is named just before the sentence",
    Source.CAPTION: "its baseline is named in the caption that it speaks of",
    Source.PAPER: "its baseline is the paper's usual one",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a claim compares with, and how that is known."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Comparison:
    """A name that the sentence number `at` compares with; the weight says how plainly."""

    at: int
    name: str
    weight: float
    family: Family


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


def _family_in(text: str) -> Family:
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
_TOPICS = (
    (
        "precision",
        _PRECISION,
        re.compile(r"quanti[sz]|\bint8\b|\d-bit|low-bit|low-precision", re.I),
    ),
    (
        "decoding",
        _DECODING,
        re.compile(
            r"speculative|draft|lossless acceleration|parallel decoding|early exit"
            r"|multiple tokens|self-speculat",
            re.I,
        ),
    ),
    ("attention", _ATTENTION, re.compile(r"attention", re.I)),
    ("cache", _CACHE, re.compile(r"cache (?:\w+\s)?(?:compress|evict|reduc|prun)|evict", re.I)),
    ("dense", _DENSE, re.compile(r"spars|prun", re.I)),
    ("architecture", _TRANSFORMER, re.compile(r"architecture", re.I)),
)
_PLAIN_TOPICS = _TOPICS[:5]
"""A plain way of doing, how papers call it, and the words of papers that do without it."""

_CUE = re.compile(
    r"baseline|compare|normali[sz]ed|relative to|with respect to|against|versus|\bvs\b"
    r"|speed-?up over|over the\b|than the\b",
    re.I,
)
_NAME = r"(?P<name>.{2,180})"
_DEFINITIONS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
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
_BEFORE_BASELINE = re.compile(
    r"(?:\b(?:the|a|an|with|to|over|our|and|of|from|than|vs\.?|versus|against)\s)(?P<name>(?:[\w.+/-]+\s){1,3})baselines?\b",
    re.I,
)
_MODIFIER = re.compile(
    r"^(?:(?:strong|other|all|same|different|various|existing|two|three|four|several|best|main"
    r"|simple|corresponding|competitive|previous|prior|original|established|these|those|"
    r"small|large|pure|other|common|popular|first|second|following|most|more|selected"
    r"|respective|optimized|our|and|of|the|a|with|to)\b\s?)+",
    re.I,
)
_RUN_IN = re.compile(
    r"\s*(?:\d[\d.]*\s)?(?:baselines?|comparisons?|baseline (?:methods|systems)"
    r"|compared methods|competing (?:methods|systems))\s?[.:]?\s*",
    re.I,
)
_REFERENCE = re.compile(r"\b(Fig(?:ure)?s?\.?|Tables?|Tab\.)\s?(\d+)", re.I)


class Comparisons:
    """All that a document compares with, in reading order."""

    def __init__(self, document: Document, own: Sequence[str]) -> None:
        self._sentences = document.sentences
        self._own = tuple(own)
        self._found: list[Comparison] = []
        self._captions: dict[str, int] = {}
        self._plain: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._usual: dict[tuple[Family, str], str | None] = {}
        front = document.front or "\n".join(s.text for s in document.sentences[:8])
        self._text = "\n".join(s.text for s in document.sentences).lower()
        self._topics = [name for name, _, topic in _TOPICS if topic.search(front)]
        for at, sentence in enumerate(document.sentences):
            self._scan(at, sentence)

    def add(self, at: int, name: str, metric: Metric, *, weight: float) -> None:
        """Take in what a claim's own sentence compares with."""
        if _is_name(name):
            self._found.append(Comparison(at, name, weight, family_of(metric)))
        self._usual.clear()

    def find(self, at: int, text: str, metric: Metric) -> Baseline | None:
        """Return what the claim in sentence `at` compares with, if its sentence doesn't say it."""
        if metric is Metric.BITWIDTH:
            return None  # a width is no change from something
        family = family_of(metric)
        self._found.sort(key=lambda comparison: comparison.at)
        for source, found in (
            (Source.BEFORE, self._just_before(at, family)),
            (Source.CAPTION, self._in_caption(at, text, family)),
            (Source.PAPER, self.usual(family, self._sentences[at].section)),
        ):
            if found:
                return Baseline(found, source)
        return None

    def usual(self, family: Family, section: str) -> str | None:
        """Return the name with the most weight for a kind of metric, its own section first."""
        if (family, section) not in self._usual:
            self._usual[family, section] = self._weigh(family, section)
        return self._usual[family, section]

    def _scan(self, at: int, sentence: Sentence) -> None:
        text = sentence.text
        if sentence.kind is not Kind.SENTENCE and (label := _REFERENCE.match(text)):
            self._captions.setdefault(_key(label), at)
        for topic, pattern, _ in _TOPICS:
            if topic in self._topics:
                for match in pattern.finditer(text):
                    self._plain[topic][match[0]] += 1
        previous = self._sentences[at - 1].text if at else ""
        run_in = bool(_RUN_IN.fullmatch(previous))
        if not (run_in or _CUE.search(text)):
            return
        family = _family_in(text)
        seen: set[str] = set()
        for pattern, weight in _DEFINITIONS:
            for match in pattern.finditer(text):
                self._take(at, cut_name(match["name"]), weight + run_in, family, seen)
        for match in _BEFORE_BASELINE.finditer(text):
            name = _MODIFIER.sub("", match["name"]).strip()
            if name and re.search(r"[A-Z\d]|^(?:dense|full|auto|greedy|vanilla|standard)", name):
                self._take(at, cut_name(name), 1.5, family, seen)

    def _take(
        self, at: int, name: str | None, weight: float, family: Family, seen: set[str]
    ) -> None:
        if name is None or is_own(name, self._own) or name in seen:
            return
        name = without_citations(name).strip()
        if is_generic(name) or not _is_name(name):
            return
        seen.add(name)
        self._found.append(Comparison(at, name, weight, family))

    def _between(self, first: int, last: int) -> Iterable[Comparison]:
        low = bisect_left(self._found, first, key=lambda comparison: comparison.at)
        for comparison in self._found[low:]:
            if comparison.at >= last:
                return
            yield comparison

    def _just_before(self, at: int, family: Family) -> str | None:
        section = self._sentences[at].section
        near = [
            c
            for c in self._between(max(0, at - 2), at)
            if c.weight >= 2
            and self._sentences[c.at].section == section
            and _fits(c.family, family)
        ]
        return max(near, key=lambda c: (c.at, c.weight)).name if near else None

    def _in_caption(self, at: int, text: str, family: Family) -> str | None:
        for label in _REFERENCE.finditer(text):
            begin = self._captions.get(_key(label))
            if begin is None:
                continue
            end = begin
            while end < len(self._sentences) and self._sentences[end].kind is Kind.CAPTION:
                end += 1
            fits = [c for c in self._between(begin, end) if _fits(c.family, family)]
            if fits:
                return max(fits, key=lambda c: c.weight).name
        return None

    def _weigh(self, family: Family, section: str) -> str | None:
        groups: list[tuple[frozenset[str], dict[str, float]]] = []
        for comparison in self._found:
            share = 1.0 if comparison.family is family else 0.7
            if Family.ANY not in (comparison.family, family) and comparison.family is not family:
                share = 0.25
            if section and self._sentences[comparison.at].section == section:
                share *= 2
            if self._is_predecessor(comparison.name):
                share *= 0.5
            if _MODEL.match(comparison.name):
                share *= 0.1
            _put(groups, comparison.name, comparison.weight * share)
        most = max((sum(self._plain[topic].values()) for topic in self._topics), default=0)
        for topic in self._topics:
            names = self._plain[topic]
            total = sum(names.values())
            # a paper on two subjects is mostly about the one that it speaks of more
            bonus = _TOPIC_WEIGHT.get((topic, family), 2.0) * total / (total + 4)
            bonus *= (total / most) ** 0.5 if most else 0.0
            for name, count in names.items():
                _put(groups, name, bonus * count / total)
        if not groups:
            return None
        _, names_of = max(groups, key=lambda group: sum(group[1].values()))
        if sum(names_of.values()) < MIN_WEIGHT:
            return None
        return max(names_of, key=lambda name: (_is_exact(name), self._count(name), names_of[name]))

    def _count(self, name: str) -> int:
        return self._text.count(name.lower())

    def _is_predecessor(self, name: str) -> bool:
        """Tell whether a name is that of the authors' work with another number."""
        stem = re.sub(r"[\s-]?v?\d+$", "", name.split(" (")[0]).lower()
        return any(re.sub(r"[\s-]?v?\d+$", "", own).lower() == stem for own in self._own)


_MODEL = re.compile(
    r"(?:llama|opt|bloom|gpt|qwen|mi[sx]tral|t5|falcon|gemma|phi|bert|vicuna|deepseek)[\w.-]*"
    r"(?:[\s-]\d+(?:\.\d+)?[bm])?(?:\s(?:models?|baseline))?$",
    re.I,
)


def _is_exact(name: str) -> bool:
    """Tell "FP16" from "half-precision": of words for one precision, the number says it."""
    return bool(re.search(r"\d", name)) if _PRECISION.search(name) else True


_TOPIC_WEIGHT = {
    ("precision", Family.SIZE): 6.0,
    ("precision", Family.QUALITY): 6.0,
    ("precision", Family.SPEED): 4.0,
    ("decoding", Family.SPEED): 8.0,
    ("decoding", Family.QUALITY): 6.0,
    ("attention", Family.QUALITY): 5.0,
    ("dense", Family.SPEED): 4.0,
    ("dense", Family.QUALITY): 5.0,
    ("cache", Family.SIZE): 6.0,
    ("cache", Family.QUALITY): 6.0,
}


def _put(groups: list[tuple[frozenset[str], dict[str, float]]], name: str, weight: float) -> None:
    """Add a name to the group that speaks of the same thing, or open one."""
    key = _concept(name)
    for known, names in groups:
        shared = len(known & key)
        if shared and (shared == min(len(known), len(key)) or shared / len(known | key) >= 0.5):
            names[name] = names.get(name, 0.0) + weight
            return
    groups.append((key, {name: weight}))


_FILLERS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "with",
        "and",
        "or",
        "to",
        "in",
        "on",
        "for",
        "its",
        "their",
        "baseline",
        "baselines",
        "model",
        "models",
        "method",
        "methods",
        "implementation",
        "implementations",
        "version",
        "system",
        "systems",
        "inference",
        "kernel",
        "kernels",
        "counterpart",
        "counterparts",
        "data",
        "format",
        "precision",
        "library",
        "libraries",
        "latency",
        "large",
        "existing",
        "standard",
        "vanilla",
        "original",
        "pure",
        "default",
    ]
)


def _concept(name: str) -> frozenset[str]:
    for topic, pattern, _ in _PLAIN_TOPICS:
        if pattern.search(name):
            return frozenset({topic})
    words = re.findall(r"[a-z0-9.+]+", name.lower().replace("-", ""))
    return frozenset(word for word in words if word not in _FILLERS) or frozenset({name.lower()})


def _is_name(name: str) -> bool:
    """Tell a system's or a plain method's name from other words behind "compared with"."""
    if is_best_known(name) or any(pattern.search(name) for _, pattern, _ in _PLAIN_TOPICS):
        return True
    words = name.split()
    if re.fullmatch(r"[CGNT]PUs?(?:\sand\s[CGNT]PUs?)?", name) or hardware_in(name):
        return False
    return len(words) <= 8 and any(
        re.match(r"(?:[A-Z]|[a-z]+[A-Z\d])[\w.+/-]*", word) for word in words[:4]
    )


def _fits(said: Family, wanted: Family) -> bool:
    return said in (wanted, Family.ANY) or (said is Family.SPEED and wanted is Family.ANY)


def _key(label: re.Match[str]) -> str:
    return label[1][:3].lower() + label[2]
