"""What a number in a sentence counts: which rule reads it, and from which words around it."""

from __future__ import annotations

import re

from analyzers.claiming import words as w
from analyzers.claiming.beside import is_of_change, is_of_rival, is_verb, read_beside, read_verb
from analyzers.claiming.carrying import carried_from
from analyzers.claiming.governing import is_loss, read_left, read_right
from analyzers.claiming.metrics import Reading, name_metric
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Metric

# where a clause begins: words before it govern another number
_CLAUSE = re.compile(
    r"[;]|,?\s(?:while|whereas|although|but|however|though|since|because)\s|:\s|\.\s"
    r"|,\swhich\s(?:is|are|was|has|have|us|need|tak|consum|requir|account|cost)(?:e?s?)\s"
)
# "shows large speedups: 2x over A", where the colon begins no clause
_ANNOUNCED = re.compile(
    r"((?:[\w-]+\s){0,3}(?:speed-?\s?ups?|improvements?|reductions?|gains?|savings?)):\s"
    r"(?:up to |about |~)*$",
    re.I,
)
# "50% of the heads", "90% sparsity": a share or a setting, no result
_SHARE = re.compile(
    r"\s?(?:of\s(?!theor|peak|the\s(?:theor|peak|max)|maximum)|sparsity|sparse\b|activat|"
    r"confidence|quantile|percentile|(?:of\s)?layers?\b|(?:\w+\s)?(?:sparsity|pruning\sratio|threshold|ratio\sof)\b)",
    re.I,
)
# "a sparsity of 50%"
_LEVEL = re.compile(
    r"\b(?:sparsity|sparsities|probability|proportion|share|portion|fraction|threshold|recall"
    r"|limit|budget"
    r"|hit rates?|acceptance rates?|pruning ratios?)(?:\s(?:levels?|ratios?|rates?))?"
    r"(?:\s(?:of|up to|is|are|at|from|to|around|about|over|reaches|exceeds|can|reach"
    r"|between))*\s?$",
    re.I,
)
# "an overhead (less than 2%)": what the work costs
_COST_ASIDE = re.compile(
    r"\b(?:overheads?|slow-?downs?|deviations?|costs?)\s(?:is\s|are\s)?(?:negligible\s|small\s)?"
    r"\((?:about|around|up to|less than|under|within|at most|below|only|[<≤~])*\s?$",
    re.I,
)
_IS_ONLY = re.compile(r"\b(?:is|are|was|were)\sonly\s$", re.I)
_CHANGES = re.compile(r"\s?(?:faster|higher|lower|better|more|less|fewer)\b", re.I)
# "only gets 1.2x": what a rival falls short by
_ONLY = re.compile(
    r"\bonly\s(?:gets?|got|achieves?|obtains?|gives?|sees?|brings?|yields?|reaches|attains?"
    r"|provides?|offers?|delivers?)\s(?:an? |up to |about )*$",
    re.I,
)
# "70% of peak"
_UTILISED = re.compile(
    r"\b(?:of (?:the )?(?:theoretical|peak|maximum|max)"
    r"|(?:model )?flops(?:/s)? utili[sz]ation|mfu\b"
    r"|of (?:the )?(?:hardware|device)'?s? (?:peak|max))",
    re.I,
)


def read_metric(text: str, quantity: Quantity, others: list[Quantity]) -> Reading | None:
    """Return what `quantity` counts in the normalised sentence `text`; None if it is no result.

    `others` are all quantities of the sentence: neighbours in a list ("1.45x and 2x speedup")
    share the words that follow the last or stand before the first.
    """
    index = others.index(quantity)
    right = _right(text, quantity, others, index)
    left = _left(text, quantity)
    after = text[quantity.end : quantity.end + 40]
    if (quantity.unit == "x" and w.HARDWARE_COUNT.match(after)) or _ONLY.search(left):
        return None
    if quantity.unit == "x" and _IS_ONLY.search(left) and _CHANGES.match(after):
        return None
    if _COST_ASIDE.search(text[max(0, quantity.start - 60) : quantity.start]):
        return None
    if quantity.unit == "bits":
        return _bits(text, quantity, left)
    if quantity.form == "derived":
        return _derived(text, quantity)
    if quantity.unit == "%" and (saved := _saved_share(left, text[quantity.end :])):
        return name_metric(saved, text, quantity, "saves a share of")
    level = _LEVEL.search(left) and not _CHANGES.match(after)
    share = _SHARE.match(after) and not (
        quantity.unit == "x" and (is_of_change(right) or is_of_rival(right))
    )
    if quantity.unit in ("%", "x") and (share or level):
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
    if is_loss(right):
        return None
    if is_verb(quantity, text):
        return read_verb(right, text, quantity)
    if beside := read_beside(left, right, text, quantity):
        return beside
    reading = read_right(right, text, quantity) or read_left(left, text, quantity)
    if reading is None and (earlier := carried_from(text, quantity, others)):
        return read_metric(text, earlier, others)
    return reading


def _right(text: str, quantity: Quantity, others: list[Quantity], index: int) -> str:
    """Return what follows; past the next numbers if only a list's glue is between."""
    end = quantity.end
    for following in others[index + 1 :]:
        between = text[end : following.start]
        if not re.fullmatch(
            r"\s?(?:\([^()]*\))?\s?(?:,|and|or|to|/|,\s?and|as well as|up to|about|-|~|\s)*\s?\(?",
            between,
        ):
            break
        end = following.end
    limit = next((q.start for q in others if q.start >= end), len(text))
    # "1.2x (1.5x) speedup": the bracket belongs to the list
    return re.sub(r"^\)(?=\s)", "", text[end : min(limit, end + 110)])


def _left(text: str, quantity: Quantity) -> str:
    """Return what stands before, from the start of the clause."""
    head = text[max(0, quantity.start - 220) : quantity.start]
    if ": " in head[-12:] and (announced := _ANNOUNCED.search(head)):
        return announced[1]
    cut = [match.end() for match in _CLAUSE.finditer(head)]
    return head[cut[-1] :] if cut else head


def _saved_share(left: str, right: str) -> str | None:
    """Read "saves 42% of training costs", which is no share but a reduction."""
    verb = re.search(
        r"\b(?:sav|reduc|cut|lower|eliminat)\w*\s(?:up to |about |over |~)?$", left, re.I
    )
    what = re.match(r"\sof\s((?:the\s)?(?:[\w/-]+\s?){1,3})", right)
    return f"{verb[0]}{what[1]}" if verb and what else None


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
    if re.search(r"\bby\s[\d.]+\s?[%×x],?\s$", text[max(0, quantity.start - 20) : quantity.start]):
        return None  # "falls by 79%, from 6.3GB to 1.3GB" says it once already
    near = text[max(0, quantity.start - 90) : quantity.end + 40]
    if not (w.DOWN.search(near) or w.SPEED.search(near) or re.search("improv", near, re.I)):
        return None
    if re.search(r"[GM]B\b", text[quantity.start : quantity.end]):
        return Reading(Metric.MEMORY_REDUCTION, near.strip(), "from … to")
    return Reading(Metric.LATENCY_REDUCTION, near.strip(), "from … to")
