"""Numbers that share an earlier number's words: "3.5x compared to A, 10.5x compared to B"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzers.claiming.quantities import Quantity

MAX_BETWEEN = 140
_SETTING = (
    r"(?:compared\s(?:to|with|against)|relative\sto|in\scomparison\s(?:to|with)|over|than|versus|vs\.?"
    r"|against|for|on|in|at|under|when|with|using|across|by)"
)
# " compared to A, " and " in CPU, and up to "
_BETWEEN = re.compile(
    rf"\s?(?:\([^()]*\)\s?)?(?:on average\s|(?:[\w-]+\s){{0,3}}{_SETTING}\s)[^;:]*?"
    r"(?:,\s(?:and\s|or\s)?|\s(?:and|or)\s)"
    r"(?:as well as\s)?(?:(?:by|an?|up to|about|around|over|approximately|roughly|nearly|almost"
    r"|more than|average of|~)\s?)*",
    re.I,
)
# what follows such a number is its own setting, never a noun of its own
_AFTER = re.compile(
    rf"\s?(?:\([^()]*\)\s?)?(?:$|[.,;)]|(?:and|or|respectively|{_SETTING})\b)", re.I
)
# a verb or another clause between the two: the second number has words of its own
_OWN_WORDS = re.compile(
    r"\b(?:achiev|reach|reduc|improv|increas|decreas|deliver|provid|yield|obtain|attain|accelerat"
    r"|outperform|sav|requir|need|tak|us|account|consum|occup|contain)(?:e[sd]?|ing|s|ed)\b"
    r"|\b(?:is|are|was|were|has|have|had|which|while|whereas|but|because|since|although|contribut\w+)\b"
    r"|[^\d]\.\s",
    re.I,
)
_GOES_FROM = re.compile(r"\bfrom\s(?:about |around |~)?$", re.I)
_GOES_TO = re.compile(
    r"\s?(?:\([^()]*\)\s?)?[^;:,.]{0,60}?\sto\s(?:about |around |up to |~)?", re.I
)


def carried_from(text: str, quantity: Quantity, others: Sequence[Quantity]) -> Quantity | None:
    """Return the number before `quantity` whose words hold for it too; None if it has its own.

    `others` are all quantities of the normalised sentence `text`, in order.
    """
    index = others.index(quantity)
    if index == 0:
        return None
    earlier = others[index - 1]
    if earlier.unit != quantity.unit or "derived" in (earlier.form, quantity.form):
        return None
    between = text[earlier.end : quantity.start]
    if len(between) > MAX_BETWEEN or not _AFTER.match(text, quantity.end):
        return None
    if _GOES_FROM.search(text, 0, earlier.start) and _GOES_TO.fullmatch(between):
        return earlier
    if _OWN_WORDS.search(between) or not _BETWEEN.fullmatch(between):
        return None
    return earlier
