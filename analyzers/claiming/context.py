"""What a number in a sentence counts: the metric, from the words that govern it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzers.claiming import words as w
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Metric

_HEDGE = (
    r"(?:up[- ]?to|about|around|approximately|roughly|nearly|almost|over|more than"
    r"|at least|as (?:much|high"
    r"|many|low) as|a factor of|factors of|an? (?:average|additional|impressive"
    r"|maximum|further|total|mean"
    r"|consistent|notable|significant|remarkable|substantial)|average|only|just"
    r"|merely|less than|within|by"
    r"|of|to|is|are|at|was|were|an?|the|another|further|additional|maximum|~|≥|≤|>|<"
    r"|\(|:|=|\+|below|under"
    r"|above|exceeding|from|between|close to|some|even|and|or|,|with|respectively"
    r"|achiev\w+|reach\w+|in|towards?)"
)
_ADJACENT_TAIL = re.compile(rf"(?:(?:\s|^){_HEDGE}|[\s(~≥≤><=+:,])*$", re.I)
_CLAUSE = re.compile(
    r"[;]|,?\s(?:while|whereas|although|but|however|though|since|because)\s|:\s|\.\s"
)
_STOP_RIGHT = re.compile(
    r"[;()\[\]]|\s(?:over|than|compared|relative|against|versus|vs|for|on|when|while"
    r"|with|at|across|under"
    r"|where|which|that|because|since|as|using|without|and|or|but|per|between|among"
    r"|only|if|respectively"
    r"|is|are|was|were|by|via|due|thanks|after|before|from|to)\b|,|\.(?:\s|$)",
    re.I,
)
_NOUN_OF = re.compile(
    r"(?:reductions?|improvements?|increases?|decreases?|gains?|drops?|sav(?:ing"
    r"|ings)|boosts?|loss(?:es)?"
    r"|degradation|growth|fall|rise)\s(?:in|of|on|to|for)\s((?:[\w/'-]+\s?){1,6})",
    re.I,
)
_SHARE = re.compile(
    r"\s?(?:of\s(?!theor|peak|the\s(?:theor|peak|max)|maximum)|sparsity|sparse\b|activat|"
    r"confidence|quantile|percentile|(?:\w+\s)?(?:sparsity|pruning\sratio|threshold|ratio\sof)\b)",
    re.I,
)
_SIZE = re.compile(
    r"\s?(?:the\s)?(?:size|number|length|amount|scale|width)\b(?!\s(?:reduc|sav|shrink|decreas))",
    re.I,
)
_VERB_BY = re.compile(
    r"\b(?:reduc|decreas|lower|cut|shrink|shrunk|sav|improv|increas|boost|accelerat"
    r"|speed|sped|speeded|enhanc"
    r"|outperform|surpass|exceed|compress|rais|shav|drop|degrad|beat|gain|scal|extend"
    r"|fall|fell|rise|los|slow"
    r"|higher|lower|smaller|fewer|faster|better|multipl|declin|amplif|worse|deteriorat|shorten)\w*\b",
    re.I,
)
_GOVERNOR = re.compile(
    r"\b(?:speed-?\s?ups?|accelerations?|improvements?|reductions?|decreases?"
    r"|savings?|gains?|increases?"
    r"|compression|drops?|loss(?:es)?|degradation|factor|ratios?|rates?|boosts?"
    r"|speeds?|multipliers?"
    r"|faster|slowdowns?|overheads?|improves?|advantage|margin)"
    r"(?:\s(?:ratios?|factors?|rates?|multipliers?|improvements?|reductions?|gains?))?"
    r"(?:\s(?:in|for|over|on|compared to|relative to|from|by|through)\s(?:[\w'./-]+\s?){1,7})?$",
    re.I,
)
_LEVEL = re.compile(
    r"\b(?:sparsity|sparsities|probability|proportion|share|portion|fraction|threshold|recall"
    r"|hit rates?|acceptance rates?|pruning ratios?)(?:\s(?:levels?|ratios?|rates?))?"
    r"(?:\s(?:of|up to|is|are|at|from|to|around|about|over|reaches|exceeds|can|reach"
    r"|between))*\s?$",
    re.I,
)
# "when the batch size increases by 8x" is what was done, not what came of it
_CAUSE = re.compile(
    r"\b(?:batch|sequence|context|prompt|length|size|number of \w+|models?"
    r"|parameters)\s(?:sizes?\s|lengths?\s)?"
    r"(?:is |are )?(?:increas|grow|rais|ris|scal|decreas|reduc|doubl)\w*\s(?:by|to"
    r"|up to)\s(?:about |up to )?$",
    re.I,
)
# "1.9x without any loss of quality and 2.1x with": what was kept isn't what the next number counts
_ASIDE = re.compile(
    r"\s(?:without(?:\sany)?|with\s(?:no|negligible|minimal|little))\s(?:[\w-]+\s){0,4}?"
    r"(?:degradation|loss|drop|change)(?:\s(?:in|of)\s[\w-]+)?(?=\s(?:and|or)\b|,)",
    re.I,
)
_ONLY = re.compile(
    r"\bonly\s(?:gets?|got|achieves?|obtains?|gives?|sees?|brings?|yields?)\s$", re.I
)
# "drops to 42%" tells where it ends, not by how much it changed
_TO_LEVEL = re.compile(
    r"\b(?:reduc|decreas|drop|fall|fell|declin|lower|increas|ris|rais|improv|grow|degrad|boost)\w*"
    r"\b[^,;%]{0,60}?(?<!up )(?<!close )(?<!compared )\bto\s"
    r"(?:about |around |only |just |merely |~)?$",
    re.I,
)
# "2.3x the throughput of A"
_RIVALS = re.compile(
    r"\s(?:the|that|as (?:much|high))\s((?:[\w-]+\s){0,2}?(?:throughput|speed|performance|goodput"
    r"|requests?|rate|bandwidth))\s(?:of|as)\b",
    re.I,
)
_UTILISED = re.compile(
    r"\b(?:of (?:the )?(?:theoretical|peak|maximum|max)"
    r"|(?:model )?flops(?:/s)? utili[sz]ation|mfu\b"
    r"|of (?:the )?(?:hardware|device)'?s? (?:peak|max))",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a quantity means: its metric, the words that said so, and the rule that read them."""

    metric: Metric
    phrase: str
    rule: str


def read_metric(text: str, quantity: Quantity, others: list[Quantity]) -> Reading | None:
    """Return what `quantity` counts in the normalised sentence `text`; None if it is no result.

    `others` are all quantities of the sentence: neighbours in a list ("1.45x and 2x speedup")
    share the words that follow the last or stand before the first.
    """
    index = others.index(quantity)
    right = _right(text, quantity, others, index)
    left = _left(text, quantity, others, index)
    after = text[quantity.end : quantity.end + 40]
    if (quantity.unit == "x" and w.HARDWARE_COUNT.match(after)) or _ONLY.search(left):
        return None
    if quantity.unit == "bits":
        return _bits(text, quantity, left)
    if quantity.form == "derived":
        return _derived(text, quantity)
    if quantity.unit == "%" and (saved := _saved_share(left, text[quantity.end :])):
        return _metric(saved, text, quantity, "saves a share of")
    if quantity.unit in ("%", "x") and (_SHARE.match(after) or _LEVEL.search(left)):
        return None
    if quantity.unit == "%" and _UTILISED.search(text[quantity.end : quantity.end + 60]):
        if re.match(
            r"\s?(?:model )?flops(?:/s)? utili[sz]ation|\s?mfu\b", text[quantity.end :], re.I
        ):
            return Reading(Metric.OTHER, right.strip(), "utilisation")
        if re.search(r"\b(?:only|merely|just|as low as)\s(?:about |around |~)?$", left):
            return None  # a shortfall, no achievement
        rate = re.search(r"\b(?:reach|achiev|attain|up to|utiliz)\w*[\w\s,/.]{0,60}$", left, re.I)
        return Reading(Metric.OTHER, right.strip(), "utilisation") if rate else None
    if quantity.unit == "x" and (whose := _RIVALS.match(right)):
        return _metric(f"higher {whose[1]}", text, quantity, "number + the … of a rival")
    if reading := _by_right(right, text, quantity):
        return reading
    return _by_left(left, text, quantity)


def _right(text: str, quantity: Quantity, others: list[Quantity], index: int) -> str:
    """Return what follows; past the next numbers if only a list's glue is between."""
    end = quantity.end
    for following in others[index + 1 :]:
        between = text[end : following.start]
        if not re.fullmatch(
            r"\s?(?:\([^()]*\))?\s?(?:,|and|or|to|/|,\s?and|as well as|up to|about|-|~|\s)*\s?",
            between,
        ):
            break
        end = following.end
    limit = next((q.start for q in others if q.start >= end), len(text))
    return text[end : min(limit, end + 110)]


def _left(text: str, quantity: Quantity, others: list[Quantity], index: int) -> str:
    """Return what stands before, from the start of the clause; past the numbers of a list."""
    head = text[max(0, quantity.start - 220) : quantity.start]
    cut = [match.end() for match in _CLAUSE.finditer(head)]
    return head[cut[-1] :] if cut else head


def _by_right(right: str, text: str, quantity: Quantity) -> Reading | None:
    bare = re.sub(
        r"^\s*(?:\([^()]{0,40}\)\s?)?(?:or more|or higher|on average|and above)?", "", right
    )
    noun = re.match(r"\s?(?:[\w/'-]+\s){0,4}?", bare)
    if noun and (of := _NOUN_OF.match(bare.lstrip())):
        return _metric(of[0], text, quantity, "number + change of")
    stop = _STOP_RIGHT.search(" " + bare.lstrip(" -"))
    phrase = (" " + bare.lstrip(" -"))[: stop.start() if stop else 70].strip()
    chosen = " ".join(phrase.split()[:6])
    if not chosen:
        return None
    if (of := _NOUN_OF.search(bare[:90])) and of.start() <= len(phrase):
        chosen = f"{phrase} {of[1]}"
    if (worse := w.WORSE.search(chosen)) and (
        worse[0][:4].lower() in ("less", "lowe", "fewe")
        or not re.search(r"less|lower|reduc", chosen, re.I)
    ):
        return None
    changes = (
        w.SPEED.search(chosen)
        or w.DOWN.search(chosen)
        or w.UP.search(chosen)
        or w.COMPRESSION.search(chosen)
    )
    if quantity.unit == "x" and not changes and w.THROUGHPUT.search(chosen):
        return Reading(Metric.THROUGHPUT_GAIN, chosen, "number + throughput")
    if not changes or _SIZE.match(chosen):
        return None
    return _metric(chosen, text, quantity, "number + change")


def _by_left(left: str, text: str, quantity: Quantity) -> Reading | None:
    left = re.sub(r"\s?\([^()]{3,}\)(?=\s)", "", left)
    left = _ASIDE.sub("", left)
    trimmed = _ADJACENT_TAIL.sub("", _without_list(left)).rstrip()
    if not trimmed:
        return None
    joint = left[len(trimmed) :].lower()
    if _CAUSE.search(left):
        return None
    if quantity.unit == "%" and _TO_LEVEL.search(left):
        return None
    if match := _GOVERNOR.search(trimmed[-110:]):
        phrase = trimmed[-110:][max(0, match.start() - 45) :]
        if w.WORSE.search(match[0]) and not w.DOWN.search(phrase):
            return None
        if (
            w.SPEED.search(phrase)
            or w.DOWN.search(phrase)
            or w.UP.search(phrase)
            or re.search(r"compression|multiplier", phrase, re.I)
        ):
            # "an increase of 136% in the hit rate": what rises stands behind the number
            what = re.match(r"\s(?:in|of)\s(?:the\s)?((?:[\w/-]+\s?){1,4})", text[quantity.end :])
            if what and re.search(r"\b(?:of|by|up to)\s$", left[-8:]):
                return _metric(f"{match[0]} in {what[1]}", text, quantity, "change of + number")
            return _metric(phrase, text, quantity, "change of + number")
    verbs = list(_VERB_BY.finditer(trimmed))
    if verbs and re.search(
        r"\b(?:by|to|up[- ]?to|only|another|than|~|a factor|for|at|about|of)\b|~",
        joint + " " + trimmed[-12:],
    ):
        verb = verbs[-1]
        if len(trimmed) - verb.start() > 130:
            return None
        phrase = trimmed[verb.start() :]
        if w.WORSE.match(phrase):
            return None
        return _metric(phrase, text, quantity, "verb … by number")
    if verbs and not joint.strip() and len(trimmed) - verbs[-1].start() < 60:
        return _metric(trimmed[verbs[-1].start() :], text, quantity, "verb + number")
    return None


def _saved_share(left: str, right: str) -> str | None:
    """Read "saves 42% of training costs", which is no share but a reduction."""
    verb = re.search(
        r"\b(?:sav|reduc|cut|lower|eliminat)\w*\s(?:up to |about |over |~)?$", left, re.I
    )
    what = re.match(r"\sof\s((?:the\s)?(?:[\w/-]+\s?){1,3})", right)
    return f"{verb[0]}{what[1]}" if verb and what else None


def _without_list(left: str) -> str:
    """Take away the earlier numbers of a list, so that the last number finds the list's head."""
    item = (
        r"(?:[~+]?(?:\d[\d.,]*(?:\s?[×x%]?\s?[-~]\s?\d[\d.,]*)?|two|three|four|five|six|seven|eight|nine|ten)"
        r"\s?(?:×|x\b|%|times\b)?(?:\s?\([^()]*\))?(?:\s(?:for|on|in|at"
        r"|over|with|when|under)\s[^,;]{1,50}?)?\s?(?:,\s?and|,|and|/|or)\s)"
    )
    return re.sub(rf"{item}+(?:by )?(?:up to |about |more than )?$", "", left, flags=re.I)


def _metric(phrase: str, text: str, quantity: Quantity, rule: str) -> Reading | None:
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
    if w.SPEED.search(phrase) and not (w.THROUGHPUT.search(phrase) and up):
        return Reading(Metric.SPEEDUP, clean, rule)
    if w.QUALITY.search(phrase) and quantity.unit == "%" and not w.LATENCY.search(phrase):
        if down:
            return Reading(Metric.ACCURACY_DROP, clean, rule)
        if re.search(r"performance|efficien", phrase, re.I) and w.SPEED.search(text):
            return Reading(Metric.SPEEDUP, clean, rule)
        return Reading(Metric.OTHER, clean, rule)
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
    if w.COMPRESSION.search(phrase):
        return Reading(Metric.COMPRESSION_RATIO, clean, rule)
    if w.COST.search(phrase):
        return Reading(Metric.OTHER, clean, rule) if up or down else None
    if up or down:
        return _by_sentence(text, clean, quantity, rule)
    return None


BY_SENTENCE = ", sentence"
"""Ends the rule of a reading whose metric the governing words don't tell."""


def _by_sentence(text: str, phrase: str, quantity: Quantity, rule: str) -> Reading | None:
    """Name a bare "improvement of 2x" by the nearest word of performance in the sentence."""
    first, last = max(0, quantity.start - 160), quantity.end + 120
    near: tuple[float, Metric] | None = None
    for pattern, metric in _NEAREST:
        for match in pattern.finditer(text, first, last):
            away = max(quantity.start - match.end(), 1.5 * (match.start() - quantity.end))
            if near is None or away < near[0]:
                near = (away, metric)
    metric = near[1] if near else Metric.OTHER
    if metric is Metric.OTHER and quantity.unit == "%" and re.search(r"degradation|\bloss", phrase):
        metric = Metric.ACCURACY_DROP  # what degrades without a name is the quality
    if metric is Metric.ACCURACY_DROP and not (w.DOWN.search(phrase) and quantity.unit == "%"):
        metric = Metric.OTHER
    if metric is Metric.MEMORY_REDUCTION and not w.DOWN.search(phrase):
        metric = Metric.OTHER
    if metric is Metric.OTHER and quantity.unit == "x" and _SPEED_BY_HABIT.search(phrase):
        metric = Metric.SPEEDUP  # a system that "improves 2x over" another is faster
    return Reading(metric, phrase, rule + BY_SENTENCE)


_SPEED_BY_HABIT = re.compile(r"outperform|surpass|performance|\bimprov\w+$|improvement", re.I)
_NEAREST = (
    (w.SPEED, Metric.SPEEDUP),
    (w.LATENCY, Metric.LATENCY_REDUCTION),
    (w.THROUGHPUT, Metric.THROUGHPUT_GAIN),
    (w.MEMORY, Metric.MEMORY_REDUCTION),
    (w.QUALITY, Metric.ACCURACY_DROP),
)


def _bits(text: str, quantity: Quantity, left: str) -> Reading | None:
    """Take a bit width as a claim only where something is brought down to it."""
    if re.search(
        r"(?:compress|quanti[sz]|reduc|bring|push|down)\w*\b[^.;]{0,70}?\b(?:to|at|into)\s"
        r"(?:as (?:low|few) as |only |about |around |~|an? |just |merely |the "
        r"|extreme(?:ly)? |mere |low |ultra-low )*$",
        left,
        re.I,
    ):
        return Reading(Metric.BITWIDTH, left[-60:].strip(), "brought down to bits")
    return None


def _derived(text: str, quantity: Quantity) -> Reading | None:
    near = text[max(0, quantity.start - 90) : quantity.end + 40]
    if not (w.DOWN.search(near) or w.SPEED.search(near) or re.search("improv", near, re.I)):
        return None
    if re.search(r"[GM]B\b", text[quantity.start : quantity.end]):
        return Reading(Metric.MEMORY_REDUCTION, near.strip(), "from … to")
    return Reading(Metric.LATENCY_REDUCTION, near.strip(), "from … to")
