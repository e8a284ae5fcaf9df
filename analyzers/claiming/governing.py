"""The words that govern a number: those right of it ("2x faster"), or left ("faster by 2x")."""

from __future__ import annotations

import re

from analyzers.claiming import words as w
from analyzers.claiming.metrics import Reading, name_metric
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Metric

# what may stand between a governing word and its number: "a speedup of up to about", "faster by"
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
    r"|achiev\w+|reach\w+|in|towards?|ranging)"
)
_ADJACENT_TAIL = re.compile(rf"(?:(?:\s|^){_HEDGE}|[\s(~≥≤><=+:,])*$", re.I)
# where the words that follow a number no longer belong to it
_STOP_RIGHT = re.compile(
    r"[;()\[\]]|\s(?:over|than|compared|relative|against|versus|vs|for|on|when|while"
    r"|with|at|across|under"
    r"|where|which|that|because|since|as|using|without|and|or|but|per|between|among"
    r"|only|if|respectively"
    r"|is|are|was|were|by|via|due|thanks|after|before|from|to)\b|,|\.(?:\s|$)",
    re.I,
)
# "2x reduction in memory use": the change and what changes
_NOUN_OF = re.compile(
    r"(?:reductions?|improvements?|increases?|decreases?|gains?|drops?|sav(?:ing"
    r"|ings)|boosts?|loss(?:es)?"
    r"|degradation|growth|fall|rise)\s(?:in|of|on|to|for)\s((?:[\w/'-]+\s?){1,6})",
    re.I,
)
# "2x the number of heads" tells a size, not a result
_SIZE = re.compile(
    r"\s?(?:the\s)?(?:size|number|length|amount|scale|width)\b(?!\s(?:reduc|sav|shrink|decreas))",
    re.I,
)
# "reduces memory by 2x"
_VERB_BY = re.compile(
    r"\b(?:reduc|decreas|lower|cut|shrink|shrunk|sav|improv|increas|boost|accelerat"
    r"|speed|sped|speeded|enhanc"
    r"|outperform|surpass|exceed|compress|rais|shav|drop|degrad|beat|gain|scal|extend"
    r"|fall|fell|rise|los|slow"
    r"|higher|lower|smaller|fewer|faster|better|multipl|declin|amplif|worse|deteriorat|shorten)\w*\b",
    re.I,
)
# "a speedup (over A) of 2x"
_GOVERNOR = re.compile(
    r"\b(?:speed-?\s?ups?|accelerations?|improvements?|reductions?|decreases?"
    r"|savings?|gains?|increases?"
    r"|compression|drops?|loss(?:es)?|degradation|factor|ratios?|rates?|boosts?"
    r"|speeds?|multipliers?"
    r"|faster|slowdowns?|overheads?|improves?|advantage|margin)"
    r"(?:\s(?:ratios?|factors?|rates?|multipliers?|improvements?|reductions?|gains?))?"
    r"(?:\s(?:in|for|over|on|than|compared to|relative to|from|by|through)\s"
    r"(?:[\w'./-]+\s?){1,7})?$",
    re.I,
)
# "the improvement over A on long prompts goes from 1.3x"
_GOES = re.compile(
    r"\b(?P<what>(?:[\w-]+\s)?(?:speed-?\s?ups?|improvements?|gains?|benefits?|reductions?|savings?))\b"
    r"[^,;:]{0,110}?\s(?:go(?:es)?|runs?|rang(?:es?|ing)|var(?:y|ies|ying)|grows?|rises?|going|growing)\s"
    r"(?:up\s)?(?:from|between|to|as high as)\s(?:about |around |~)?$",
    re.I,
)
# "reveals a speedup for A, with a factor of": what the factor is of stands before
_CHANGE = re.compile(r"\b(?:speed-?\s?ups?|improvements?|reductions?|gains?|savings?)\b", re.I)
# "when the batch size increases by 8x" is what was done, not what came of it
_CAUSE = re.compile(
    r"\b(?:batch|sequence|context|prompt|length|size|number of \w+|models?"
    r"|parameters)\s(?:sizes?\s|lengths?\s)?"
    r"(?:is |are )?(?:increas|grow|rais|ris|scal|decreas|reduc|doubl)\w*\s(?:by|to"
    r"|up to)\s(?:about |up to )?$"
    r"|\b(?:increasing|enlarging|raising|scaling|decreasing|reducing|growing|shrinking)\s(?:the\s)?"
    r"(?:batch|sequence|context|prompt|input|output|model|group|block|draft|window)[\w\s]{0,20}?\s"
    r"by\s(?:about |up to )?$",
    re.I,
)
# "1.9x without any loss of quality and 2.1x with": what was kept isn't what the next number counts
_ASIDE = re.compile(
    r"\s(?:without(?:\sany)?|with\s(?:no|negligible|minimal|little))\s(?:[\w-]+\s){0,4}?"
    r"(?:degradation|loss|drop|change)(?:\s(?:in|of)\s[\w-]+)?(?=\s(?:and|or)\b|,)",
    re.I,
)
# "drops to 42%" tells where it ends, not by how much it changed
_TO_LEVEL = re.compile(
    r"\b(?:reduc|decreas|drop|fall|fell|declin|lower|increas|ris|rais|improv|grow|degrad|boost)\w*"
    r"\b[^,;%]{0,60}?(?<!up )(?<!close )(?<!compared )\bto\s"
    r"(?:about |around |only |just |merely |~)?$",
    re.I,
)
# "the hit rate is up to"
_RATE_IS = re.compile(
    r"\b((?:hit|acceptance|request|generation|compression)\srates?|throughput|goodput|bandwidth|utili[sz]ation"
    r"|latenc(?:y|ies)|efficiency|accuracy)\b[^,;.]{0,40}?\s(?:is|are|was|were|becomes?)\s"
    r"(?:up to |about |around |over |nearly |almost |at least |more than |on average |~)*$",
    re.I,
)
_MODEL_IS = re.compile(
    r"\b(?:models?|networks?)\s(?:is|are|being|of|with)\s(?:[\w-]+\s){0,3}~?$", re.I
)
_FROM = re.compile(
    r"\b(?:decreas|increas|drop|fall|fell|ris|grow|reduc|declin|improv|rais)\w*\sfrom\s"
    r"(?:about |~)?$",
    re.I,
)
# "rises from 5% and 58% to 74% and": the ends of two changes
_FROM_LEVEL = re.compile(
    r"\bfrom\s~?\d[\d.]*\s?%?(?:\s?(?:,|and)\s~?\d[\d.]*\s?%?)*\s?(?:%\s?)?to\s(?:about |only |~)?"
    r"(?:\d[\d.]*\s?%?\s?(?:,\s|and\s|,\sand\s))*$",
    re.I,
)


def read_right(right: str, text: str, quantity: Quantity) -> Reading | None:
    """Read the metric from `right`, what follows `quantity` in `text`; None if it names none."""
    bare = _bare(right)
    if of := _NOUN_OF.match(bare.lstrip()):
        return name_metric(of[0], text, quantity, "number + change of")
    phrase = _phrase(bare)
    chosen = _chosen(bare, phrase)
    if not chosen or _is_worse(chosen):
        return None
    changes = (
        w.SPEED.search(chosen)
        or w.DOWN.search(chosen)
        or w.UP.search(chosen)
        or w.COMPRESSION.search(chosen)
    )
    if quantity.unit == "x" and not changes and w.THROUGHPUT.search(chosen):
        return Reading(Metric.THROUGHPUT_GAIN, chosen, "number + throughput")
    if quantity.unit == "x" and not changes and re.search(r"\befficiency$", chosen, re.I):
        return Reading(Metric.OTHER, chosen, "number + efficiency")
    if not changes or _SIZE.match(chosen):
        return None
    before = text[max(0, quantity.start - 90) : quantity.start]
    if re.match(r"(?:smaller|fewer)$", chosen, re.I) and _MODEL_IS.search(before):
        return None  # "the draft model is 10x smaller"
    rate = _RATE_IS.search(before)
    if rate and re.match(r"(?:higher|better|lower|less)$", chosen, re.I):
        chosen = f"{chosen} {rate[1]}"  # "the hit rate is 2.3x higher"
    return name_metric(chosen, text, quantity, "number + change")


def is_loss(right: str) -> bool:
    """Tell whether what follows a number says that something got worse ("2x higher latency")."""
    bare = _bare(right)
    if _NOUN_OF.match(bare.lstrip()):
        return False
    return _is_worse(_chosen(bare, _phrase(bare)))


def _bare(right: str) -> str:
    return re.sub(
        r"^\s*(?:\([^()]{0,40}\)\s?)?(?:or more|or higher|on average|and above)?", "", right
    )


def _phrase(bare: str) -> str:
    """Return the words right behind the number that belong to it."""
    stop = _STOP_RIGHT.search(" " + bare.lstrip(" -"))
    return (" " + bare.lstrip(" -"))[: stop.start() if stop else 70].strip()


def _chosen(bare: str, phrase: str) -> str:
    if phrase and (of := _NOUN_OF.search(bare[:90])) and of.start() <= len(phrase):
        return f"{phrase} {of[1]}"
    return " ".join(phrase.split()[:6])


def _is_worse(chosen: str) -> bool:
    worse = w.WORSE.search(chosen)
    return worse is not None and (
        worse[0][:4].lower() in ("less", "lowe", "fewe")
        or not re.search(r"less|lower|reduc", chosen, re.I)
    )


def read_left(left: str, text: str, quantity: Quantity) -> Reading | None:
    """Read the metric from `left`, the clause before `quantity` in `text`; None if none governs."""
    left = re.sub(r"\s?\([^()]{3,}\)(?=\s)", "", left)
    left = _ASIDE.sub("", left)
    trimmed = _ADJACENT_TAIL.sub("", _without_list(left)).rstrip()
    if not trimmed:
        return None
    joint = left[len(trimmed) :].lower()
    if _CAUSE.search(left):
        return None
    if quantity.unit == "%" and quantity.high is not None and _FROM.search(left):
        return None  # "decreases from 2.4% to 0.1%": two levels
    if quantity.unit == "%" and (_TO_LEVEL.search(left) or _FROM_LEVEL.search(left)):
        return None
    if match := _GOVERNOR.search(trimmed[-110:]):
        bare = match[0].lower() in ("factor", "ratio", "rate") and _CHANGE.search(trimmed)
        phrase = trimmed[-110:][0 if bare else max(0, match.start() - 45) :]
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
                return name_metric(f"{match[0]} in {what[1]}", text, quantity, "change of + number")
            return name_metric(phrase, text, quantity, "change of + number")
    if goes := _GOES.search(left):
        return name_metric(f"improvement: {goes['what']}", text, quantity, "change of + number")
    # "FasterTransformer" is no verb
    verbs = [m for m in _VERB_BY.finditer(trimmed) if not any(c.isupper() for c in m[0][1:])]
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
        return name_metric(phrase, text, quantity, "verb … by number")
    if verbs and not joint.strip() and len(trimmed) - verbs[-1].start() < 60:
        return name_metric(trimmed[verbs[-1].start() :], text, quantity, "verb + number")
    return None


def _without_list(left: str) -> str:
    """Take away the earlier numbers of a list, so that the last number finds the list's head."""
    item = (
        r"(?:[~+]?(?:\d[\d.,]*(?:\s?[×x%]?\s?[-~]\s?\d[\d.,]*)?|two|three|four|five|six|seven|eight|nine|ten)"
        r"\s?(?:×|x\b|%|times\b)?(?:\s?\([^()]*\))?(?:\s(?:for|on|in|at"
        r"|over|with|when|under)\s[^,;]{1,50}?)?\s?(?:,\s?and|,|and|/|or)\s)"
    )
    return re.sub(rf"{item}+(?:by )?(?:up to |about |more than )?$", "", left, flags=re.I)
