"""Which metric the words that govern a number name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzers.claiming import words as w
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Metric

BY_SENTENCE = ", sentence"
"""Ends the rule of a reading whose metric the governing words don't tell."""

BY_HABIT = ", habit" + BY_SENTENCE
"""Ends the rule of a speedup that nothing in the sentence calls one."""
PERFORMANCE = ", performance"
"""Ends the rule where "performance" may be the speed or the quality: the paper tells."""

_SPEED_BY_HABIT = re.compile(
    r"outperform|surpass|performance|\bimprov\w+(?:\s(?:it|them))?(?:\sby)?$|improvement", re.I
)
_REQUESTS = re.compile(r"\bmore\s(?:\w+\s)?(?:requests|load|users|queries)\b", re.I)
_AT_ONCE = re.compile(
    r"\b(?:at (?:the same time|once)|concurrent\w*|simultaneous\w*|in parallel)\b", re.I
)
# what is done once, before a model runs
_OFFLINE = re.compile(
    r"\b(?:schedul\w+|compil\w+|tuning|calibration|quanti[sz]ation|optimi[sz]ation|pre-?processing"
    r"|conversion|build|profiling)\stimes?\b",
    re.I,
)
_RUN_TIME_PERFORMANCE = re.compile(
    r"\b(?:run-?time|execution|inference|decoding|serving|kernel|end-to-end)\sperformance\b", re.I
)
_MORE_COST = re.compile(
    r"\b(?:footprint|memory\s(?:usage|consumption|use|overheads?|requirements?|cost)|more\s(?:\w+\s)?memory"
    r"|memory|(?:more|higher|extra|additional)\s(?:power|energy|comput\w+|flops|parameters|traffic"
    r"|overheads?|operations|communication|accesses))$",
    re.I,
)
_NEAREST = (
    (w.SPEED, Metric.SPEEDUP),
    (w.LATENCY, Metric.LATENCY_REDUCTION),
    (w.THROUGHPUT, Metric.THROUGHPUT_GAIN),
    (w.MEMORY, Metric.MEMORY_REDUCTION),
    (w.QUALITY, Metric.ACCURACY_DROP),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a quantity means: its metric, the words that said so, and the rule that read them."""

    metric: Metric
    phrase: str
    rule: str


def name_metric(phrase: str, text: str, quantity: Quantity, rule: str) -> Reading | None:
    """Tell the metric from the governing words, with the whole sentence to fall back on."""
    down, up = bool(w.DOWN.search(phrase)), bool(w.UP.search(phrase))
    clean = phrase.strip()
    if w.ERROR.search(phrase) and (down or quantity.unit == "x"):
        return Reading(Metric.ERROR_REDUCTION, clean, rule)
    rises = re.search(r"increas|higher|ris(?:e|ing)", phrase, re.I)
    if rises and re.search(r"ppl|perplexit", phrase, re.I):
        points = quantity.unit == "points"
        return Reading(Metric.ACCURACY_DROP, clean, rule) if points else None
    if re.match(r"(?:larg|long|bigg|great|high|mor)e?r?\b(?:\sthan)?$", clean, re.I) and not (
        w.SPEED.search(text) or w.THROUGHPUT.search(text)
    ):
        return None  # "20x larger than": a size, not a result
    if quantity.unit == "points":
        return Reading(Metric.ACCURACY_DROP if down else Metric.OTHER, clean, rule)
    if _OFFLINE.search(phrase) and (down or up):
        return Reading(Metric.OTHER, clean, rule) if down else None
    if _RUN_TIME_PERFORMANCE.search(phrase) and up:
        return Reading(Metric.SPEEDUP, clean, rule)
    if w.SPEED.search(phrase) and not (w.THROUGHPUT.search(phrase) and up):
        return Reading(Metric.SPEEDUP, clean, rule)
    if w.QUALITY.search(phrase) and quantity.unit == "%" and not w.LATENCY.search(phrase):
        unsure = PERFORMANCE if re.search(r"performance", phrase, re.I) else ""
        if down:
            return Reading(Metric.ACCURACY_DROP, clean, rule + unsure)
        if re.search(r"performance|efficien", phrase, re.I) and w.SPEED.search(text):
            return Reading(Metric.SPEEDUP, clean, rule)
        return Reading(Metric.OTHER, clean, rule + unsure)
    if _REQUESTS.search(phrase):
        at_once = _AT_ONCE.search(text)
        return Reading(Metric.OTHER if at_once else Metric.THROUGHPUT_GAIN, clean, rule)
    if w.THROUGHPUT.search(phrase):
        return Reading(Metric.THROUGHPUT_GAIN, clean, rule) if up or not down else None
    if w.LATENCY.search(phrase):
        return (
            Reading(Metric.LATENCY_REDUCTION, clean, rule)
            if down or re.search("improv", phrase, re.I)
            else None
        )
    if (
        w.MEMORY.search(phrase)
        and down
        and not re.search(r"access|bandwidth|traffic", phrase, re.I)
    ):
        if re.search(r"compress", phrase, re.I):
            return Reading(Metric.COMPRESSION_RATIO, clean, rule)
        return Reading(Metric.MEMORY_REDUCTION, clean, rule)
    if up and not down and _MORE_COST.search(phrase):
        return None  # what a gain costs
    if w.COMPRESSION.search(phrase):
        return Reading(Metric.COMPRESSION_RATIO, clean, rule)
    if w.COST.search(phrase):
        return Reading(Metric.OTHER, clean, rule) if up or down else None
    if up or down:
        return _by_sentence(text, clean, quantity, rule)
    return None


def _by_sentence(text: str, phrase: str, quantity: Quantity, rule: str) -> Reading | None:
    """Name a bare "improvement of 2x" by the nearest word of performance in the sentence."""
    first, last = max(0, quantity.start - 160), quantity.end + 120
    near: tuple[float, Metric, str] | None = None
    for pattern, metric in _NEAREST:
        for match in pattern.finditer(text, first, last):
            away = max(quantity.start - match.end(), 1.5 * (match.start() - quantity.end))
            if near is None or away < near[0]:
                near = (away, metric, match[0])
    metric = near[1] if near else Metric.OTHER
    if near and near[2].lower() == "performance" and quantity.unit == "%":
        loss = bool(w.DOWN.search(phrase))
        return Reading(Metric.ACCURACY_DROP if loss else Metric.OTHER, phrase, rule + PERFORMANCE)
    if metric is Metric.OTHER and quantity.unit == "%" and re.search(r"degradation|\bloss", phrase):
        metric = Metric.ACCURACY_DROP  # what degrades without a name is the quality
    if metric is Metric.ACCURACY_DROP and not (w.DOWN.search(phrase) and quantity.unit == "%"):
        metric = Metric.OTHER
    if metric is Metric.MEMORY_REDUCTION and not w.DOWN.search(phrase):
        metric = Metric.OTHER
    if metric is Metric.OTHER and quantity.unit == "x" and _SPEED_BY_HABIT.search(phrase):
        return Reading(Metric.SPEEDUP, phrase, rule + BY_HABIT)  # who "improves 2x" is faster
    return Reading(metric, phrase, rule + BY_SENTENCE)
