"""Numbers set beside a rival's own ("2x the throughput of A"), and verbs that are numbers."""

from __future__ import annotations

import re

from analyzers.claiming.metrics import BY_HABIT, Reading, name_metric
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Metric

_GOOD = r"(?:throughput|speed|performance|goodput|bandwidth|efficiency|rate)"
# "2.3x the throughput of A"
_THE_RIVALS = re.compile(
    rf"\s(?:the|that|as (?:much|high))\s((?:[\w-]+\s){{0,2}}?(?:{_GOOD}|requests?))\s(?:of|as)\b",
    re.I,
)
# "1.09x of A's throughput"
_OF_THE_RIVALS = re.compile(
    r"\sof\s(?:the\s)?(?:[\w.'-]+\s){1,3}?((?:(?:throughput|speed|performance|goodput)))\b", re.I
)
# "the throughput of A is", before "1.9x that of B"
_IS = re.compile(
    rf"\b({_GOOD})\b[^,;]{{0,60}}?\s(?:is|was|reaches|becomes)\s(?:up to |about |around |~)*$", re.I
)
_THAT_OF = re.compile(r"\s(?:that|those|the one)\s(?:of|with|under|in)\b", re.I)
# "achieves up to 7.4x over A" says no word of what
_ACHIEVES = re.compile(
    r"\b(?:achiev|reach|obtain|attain|deliver|see|observ|get)(?:e?s|ed|ing|e)?\s"
    r"(?:up to |about |around |over |an average of |nearly |more than |at least |~)*$",
    re.I,
)
_OVER = re.compile(r"\s(?:over|compared (?:to|with)|relative to|vs\.?|versus)\s(?=[A-Z]|the |a )")
# "15x of end-to-end speedup"
_OF_CHANGE = re.compile(
    r"\sof\s((?:[\w-]+\s){0,4}?(?:speed-?\s?ups?|reductions?|improvements?|savings?|gains?|accelerations?))\b",
    re.I,
)
_VERB = re.compile(r"(?:more than )?(?:halv|doubl|tripl)\w+", re.I)
# what is no gain when it doubles
_NO_GAIN = re.compile(
    r"\b(?:sizes?|lengths?|numbers?|amounts?|width|volume|comput\w+|work\w*|data|latenc\w+|costs?"
    r"|memory|times?|parameters|layers?|overheads?|accesses|traffic|precision|peak|hardware)\b",
    re.I,
)
_AS_FAST = re.compile(r"\s?as\s(?P<how>fast|quick(?:ly)?|(?:[\w-]+-)?efficient(?:ly)?)\sas\b", re.I)
_WHAT = re.compile(r"\s((?:[\w/-]+\s?){1,4})")
# "stays within 0.5% of the accuracy of A", where no loss is spoken of
_NEAR_QUALITY = re.compile(
    r"\b(?:accurac(?:y|ies)|perplexity|quality|scores?)\b[^,;]{0,50}?\swithin\s(?:about |~)?$", re.I
)
_OF_QUALITY = re.compile(
    r"\sof\s[^,;.]{0,40}?\b(?:accurac(?:y|ies)|perplexity|quality|scores?)\b", re.I
)


def read_beside(left: str, right: str, text: str, quantity: Quantity) -> Reading | None:
    """Return what such a number counts; `left` and `right` are what stands beside it."""
    if quantity.unit in ("%", "points"):
        near = _NEAR_QUALITY.search(left) or (
            re.search(r"\bwithin\s(?:about |~)?$", left) and _OF_QUALITY.match(right)
        )
        return Reading(Metric.ACCURACY_DROP, near[0].strip(), "within number") if near else None
    if quantity.unit != "x":
        return None
    rule = "number + the … of a rival"
    if of := _OF_CHANGE.match(right):
        return name_metric(of[1], text, quantity, "number of change")
    if whose := _THE_RIVALS.match(right):
        return name_metric(f"higher {whose[1]}", text, quantity, rule)
    if (whose := _OF_THE_RIVALS.match(right)) and quantity.value > 1:
        return name_metric(f"higher {whose[1]}", text, quantity, rule)
    if _THAT_OF.match(right) and (what := _IS.search(left)):
        return name_metric(f"higher {what[1]}", text, quantity, rule)
    if how := _AS_FAST.match(right):
        phrase = "faster" if how["how"][0] in "fq" else f"more {how['how']}"
        return name_metric(phrase, text, quantity, rule)
    if _OVER.match(right) and (verb := _ACHIEVES.search(left)):
        return Reading(Metric.SPEEDUP, verb[0].strip(), "number over a rival" + BY_HABIT)
    return None


def read_verb(right: str, text: str, quantity: Quantity) -> Reading | None:
    """Return what "halves" or "doubles" counts, by the words that follow in `right`."""
    what = _WHAT.match(right)
    if what is None:
        return None
    if text[quantity.start : quantity.end].lower().startswith("halv"):
        return name_metric(f"reduces {what[1]}", text, quantity, "verb of change")
    if _NO_GAIN.search(what[1]):
        return None
    return name_metric(f"increases {what[1]}", text, quantity, "verb of change")


def is_of_change(right: str) -> bool:
    """Tell whether "of a speedup" follows a number, and not what it is a share of."""
    return _OF_CHANGE.match(right) is not None


def is_of_rival(right: str) -> bool:
    """Tell whether a number is set beside a rival's own ("of A's throughput")."""
    return _OF_THE_RIVALS.match(right) is not None


def is_verb(quantity: Quantity, text: str) -> bool:
    """Tell whether a number is a verb ("halves", "doubling")."""
    return quantity.form == "word" and bool(_VERB.match(text, quantity.start))
