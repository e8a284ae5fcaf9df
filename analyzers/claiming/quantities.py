"""Numbers that can be claims: ratios, percentages, bits and points, in all their spellings.

`normalise` maps each character to one character, so that offsets in the normal form are offsets in
the sentence as it stands on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NORMAL = str.maketrans(
    {
        **dict.fromkeys("−–—‐‑‒﹣－", "-"),
        **dict.fromkeys("∼˜～≈≃⁓", "~"),
        **dict.fromkeys("⇥✕✖⨯╳＊Ã", "×"),  # fonts without a Unicode map give other signs for ×
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\t\n", " "),
        "％": "%",
        "’": "'",
    }
)

_N = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "twenty": 20, "hundred": 100,
}  # fmt: skip
_W = "|".join(_WORDS)
_NW = rf"(?:{_N}|\b(?:{_W})\b)"
_X = r"(?:\s?(?:×(?!\s?\d)|[xX]\b(?!\s?\d))|\s?-?\s?times\b|\s?-?\s?fold\b)"
_P = r"(?:\s?%|\s?percent\b|\s?per cent\b|\s?percentage points?\b|\s?pp\b)"
_POINTS = (
    r"(?:\s?-?(?:absolute |accuracy |BLEU |ROUGE-?L? |perplexity |PPL |F1 |percentage )?points?\b"
    r"|\s(?:BLEU|ROUGE-L)\b(?=\s(?:score|point|higher|gain|improvement|drop|loss))"
    r"|\s(?:higher |lower )?(?:perplexity|PPL)\b"
    r"|\s(?=(?:increase|drop|rise|degradation|gain) in (?:perplexity|PPL)\b))"
)
_BITS = r"(?:\s?-?bits?\b(?!\s?(?:rate|width of))|b\b(?=\s(?:quantiz|weights)))"
_UNITS = {"x": _X, "%": _P, "points": _POINTS, "bits": _BITS}
_BEFORE = r"(?<![A-Za-z0-9_.,^])(?<![^xX×%\s]/)(?<!\d-)(?<![A-Za-z]-)"
_TO = r"\s?(?:-|~|to|through)\s?\+?~?"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, where it stands, and how it is written.

    `unit` is x, %, bits or points; `value` is as written; `form` is digits, word, factor, or
    derived (a ratio of two times given as "from 65 ms to 25 ms"). `written` is the metric that
    points are counted in (ppl, BLEU), if it is named.
    """

    value: float
    unit: str
    start: int
    end: int
    high: float | None = None
    form: str = "digits"
    written: str | None = None

    @property
    def shown_unit(self) -> str:
        """The unit as people write it: a metric's own name where points are counted in it."""
        return self.written or self.unit


def normalise(text: str) -> str:
    """Return `text` with one sign for ×, -, ~ and space each; offsets stay as they are."""
    return text.translate(_NORMAL)


def number(text: str) -> float:
    """Return the value of digits ("1,024.5") or of a number word ("two")."""
    word = text.strip().lower()
    return float(_WORDS[word]) if word in _WORDS else float(word.replace(",", ""))


def _range_pattern(unit: str) -> re.Pattern[str]:
    u = _UNITS[unit]
    return re.compile(
        rf"{_BEFORE}(?:(?P<between>between|from)\s)?(?P<a>{_NW}){u}?"
        rf"(?:{_TO}|(?(between)\s(?:and\s)?(?:and|to)\s|{_TO}))(?P<b>{_NW}){u}",
        re.I,
    )


_RANGES = {unit: _range_pattern(unit) for unit in _UNITS}
_SINGLES = {unit: re.compile(rf"{_BEFORE}(?P<a>{_NW}){u}", re.I) for unit, u in _UNITS.items()}
_PREFIXED = re.compile(
    rf"(?<![\w.×])(?<!\b\w\s)[xX×]\s?(?!(?:86|64|32)\b(?!\.\d))(?P<a>{_N})(?![\w.]*[×x\d])(?!\s?[BMKGT%]\b)"
)
_FACTOR = re.compile(
    rf"factors?\s(?:of|by)\s(?:up to |about |around |roughly |nearly |almost |over "
    rf"|more than |~\s?)*"
    rf"(?P<a>{_NW})(?:(?:{_TO}|\sand\s)(?P<b>{_N}))?(?!\s?%|[\d.]*[×xX]\b)(?!\.\d)",
    re.I,
)
_OR_BITS = re.compile(
    rf"{_BEFORE}(?P<a>{_N})(?:\s?/\s?|\sor\s|\sand\s|-\s?)(?P<b>{_N}){_BITS}", re.I
)
_LISTED = re.compile(
    rf"{_BEFORE}(?P<a>\d+\.\d+)(?P<sep>\s?(?:,\s?(?:and\s)?|and\s|/)\s?)(?={_N}(?:{_X}|{_P}))"
)
_WORD_FORMS: tuple[tuple[re.Pattern[str], float, str], ...] = (
    (re.compile(r"\btwice(?=\s(?:as|the|that|faster|higher|more)\b)", re.I), 2, "x"),
    (re.compile(r"\b(?:in|by)\s(?:a\s)?half\b|\bhalv(?:e[sd]?|ing)\b", re.I), 2, "x"),
    (re.compile(r"\bhalf(?=\s(?:the|of the|as much)\s(?:memory|latency|time|cost))", re.I), 2, "x"),
    (
        re.compile(
            r"\b(?:(?:more than )?doubl(?:e[sd]|ing)|(?<=\bto )double|(?<=\bcan )double"
            r"|(?<=\bwe )double|(?<=\bthan )double)\b(?=\s(?!precision|buffer|quanti)(?:the\s)?\w)",
            re.I,
        ),
        2,
        "x",
    ),
    (
        re.compile(r"\btripl(?:e[sd]?|ing)\b(?=\s(?!(?:are|is|were|of|in|for|from|as)\b)\w)", re.I),
        3,
        "x",
    ),
)
_FROM_TO = re.compile(
    rf"from\s(?:about |around |~)?(?P<a>{_N})\s?(?P<u>ms|milliseconds?|s|seconds?"
    rf"|[µu]s|GB|MB|minutes?|hours?)\b"
    rf"[^.;]{{0,60}}?\sto\s(?:about |around |only |just |~)?(?P<b>{_N})\s?(?P<v>ms"
    rf"|milliseconds?|s|seconds?|[µu]s|GB|MB|minutes?|hours?)\b",
    re.I,
)
_SCALE = {
    "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "millisecond": 1e-3, "s": 1.0, "second": 1.0,
    "minute": 60.0, "hour": 3600.0, "mb": 1.0, "gb": 1024.0,
}  # fmt: skip


def find_quantities(text: str) -> list[Quantity]:
    """Return the quantities of a normalised sentence, in order, none inside another."""
    taken = [False] * (len(text) + 1)
    found: list[Quantity] = []
    for quantity in _candidates(text):
        if not any(taken[quantity.start : quantity.end]):
            found.append(quantity)
            taken[quantity.start : quantity.end] = [True] * (quantity.end - quantity.start)
    return sorted(found, key=lambda quantity: quantity.start)


def _candidates(text: str) -> Iterator[Quantity]:
    """Yield matches, the most specific spelling first.

    A plain look for the unit's own letters comes before each pattern: most sentences with a digit
    hold no quantity at all.
    """
    small = text.lower()
    units = [unit for unit, is_there in _MARKS.items() if is_there(small)]
    for unit in units:
        for match in _RANGES[unit].finditer(text):
            low, high = sorted((number(match["a"]), number(match["b"])))
            start = match.start("a")
            if low < high:
                written = _written(match[0], unit, text[match.end() :])
                yield Quantity(low, unit, start, match.end(), high, written=written)
    if "bits" in units:
        for match in _OR_BITS.finditer(text):
            low, high = sorted((number(match["a"]), number(match["b"])))
            upper = high if high > low else None
            yield Quantity(low, "bits", match.start(), match.end(), upper)
    for unit in units:
        for match in _SINGLES[unit].finditer(text):
            form = "digits" if match["a"][0].isdigit() else "word"
            value, start, end = number(match["a"]), match.start("a"), match.end()
            yield Quantity(
                value, unit, start, end, form=form, written=_written(match[0], unit, text[end:])
            )
    if "×" in text or _X_BEFORE.search(text):
        for match in _PREFIXED.finditer(text):
            yield Quantity(number(match["a"]), "x", match.start(), match.end())
    if "factor" in small:
        for match in _FACTOR.finditer(text):
            upper = number(match["b"]) if match["b"] else None
            start, end = match.start("a"), match.end("b" if match["b"] else "a")
            yield Quantity(number(match["a"]), "x", start, end, upper, form="factor")
    if "x" in units or "%" in units:
        yield from _listed(text)
    if "twice" in small or "hal" in small or "doubl" in small or "tripl" in small:
        for pattern, value, unit in _WORD_FORMS:
            for match in pattern.finditer(text):
                yield Quantity(value, unit, match.start(), match.end(), form="word")
    if "from" in small:
        for match in _FROM_TO.finditer(text):
            if ratio := _ratio(match):
                yield Quantity(ratio, "x", match.start(), match.end(), form="derived")


_X_BEFORE = re.compile(r"[xX]\s?\d")
_X_BEHIND = re.compile(rf"(?:\d|{_W})\s?x\b")
_MARKS: dict[str, Callable[[str], object]] = {
    "x": lambda t: "×" in t or "times" in t or "fold" in t or _X_BEHIND.search(t),
    "%": lambda t: "%" in t or "percent" in t or "per cent" in t or "pp" in t,
    "points": lambda t: (
        "point" in t or "perplexity" in t or "ppl" in t or "bleu" in t or "rouge" in t
    ),
    "bits": lambda t: "bit" in t or "b quantiz" in t or "b weights" in t,
}
"""What a sentence in lower case must hold for a unit to be in it; in the order of `_UNITS`."""


def _written(shown: str, unit: str, rest: str) -> str | None:
    if unit != "points" or "point" in shown.lower():
        return None
    metric = re.search(r"BLEU|ROUGE-L|perplexity|PPL", shown + rest[:40], re.I)
    if metric is None:
        return None
    return "ppl" if metric[0][0] in "pP" else metric[0]


def _listed(text: str) -> Iterator[Quantity]:
    """Yield numbers that share the unit of the next in a list ("1.7 and 2.3 times")."""
    position = len(text)
    unit: str | None = None
    for match in sorted(_LISTED.finditer(text), key=lambda m: -m.start()):
        rest = text[match.end() :]
        if match.end() > position or unit is None:
            head = re.match(rf"{_N}(?:(?P<x>{_X})|(?P<p>{_P}))", rest, re.I)
            unit = None if head is None else "x" if head["x"] else "%"
        if unit is not None:
            yield Quantity(number(match["a"]), unit, match.start("a"), match.end("a"))
        position, unit = match.start(), None


def _ratio(match: re.Match[str]) -> float | None:
    units = [re.sub(r"(?<=\w{3})s$", "", match[key].lower()) for key in ("u", "v")]
    if any(unit not in _SCALE for unit in units) or (units[0][-1] == "b") != (units[1][-1] == "b"):
        return None
    before, after = (
        number(match[key]) * _SCALE[unit] for key, unit in zip("ab", units, strict=True)
    )
    return round(before / after, 2) if after > 0 and before > after else None
