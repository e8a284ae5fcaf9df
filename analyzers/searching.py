"""Finding a pattern's matches in a long text, several times faster than the pattern alone does.

`re` tries a pattern that begins with a look-behind or with alternatives at every character. Most
patterns here can only begin with one of a few strings, though; those are found by `str.find`, and
the pattern is tried there alone. The matches are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

MOST_OPENINGS = 60
"""With more strings to look for, the pattern alone is about as fast."""
MOST_WAYS = 300
LONGEST = 10


def find_all(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield what `pattern.finditer(text)` would yield."""
    starts = openings(pattern)
    if starts is None:
        yield from pattern.finditer(text)
        return
    places: set[int] = set()
    for start in starts:
        at = text.find(start)
        while at >= 0:
            places.add(at)
            at = text.find(start, at + 1)
    end = 0
    for place in sorted(places):
        if place >= end and (match := pattern.match(text, place)):
            yield match
            end = match.end()


@lru_cache(maxsize=1024)
def openings(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Return the strings of which each match begins with one; None where that can't be told.

    Reads the standard library's own parse of the pattern; on a Python that has none, or has
    another, nothing can be told.
    """
    if pattern.flags & (re.IGNORECASE | re.VERBOSE):
        return None
    try:
        from re import _parser  # type: ignore[attr-defined]

        found = _sequence(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    except (ImportError, AttributeError, TypeError, ValueError):
        return None
    heads = {head for head, _ in found}
    if "" in heads:
        return None
    least = sorted(h for h in heads if not any(h != o and h.startswith(o) for o in heads))
    return tuple(least) if 0 < len(least) <= MOST_OPENINGS else None


_Heads = list[tuple[str, bool]]
"""Strings that a match can begin with, and whether the pattern goes on right behind each."""


def _sequence(nodes: Any) -> _Heads:
    heads: _Heads = [("", True)]
    for node in nodes:
        nexts = _node(*node)
        if nexts is None:  # of no width
            continue
        grown = [(head, False) for head, is_open in heads if not is_open]
        for head, is_open in heads:
            if is_open:
                grown += [(head + more, goes_on) for more, goes_on in nexts]
        if len(grown) > MOST_WAYS or any(len(head) > LONGEST for head, _ in grown):
            return [(head, False) for head, _ in heads]
        heads = grown
        if not any(is_open for _, is_open in heads):
            break
    return heads


def _node(kind: Any, value: Any) -> _Heads | None:
    name = str(kind)
    if name in ("AT", "ASSERT", "ASSERT_NOT"):
        return None
    if name == "LITERAL":
        return [(chr(value), True)]
    if name == "IN":
        letters = _letters(value)
        return [("", False)] if letters is None else [(letter, True) for letter in letters]
    if name == "SUBPATTERN":
        _, add, remove, inner = value
        return [("", False)] if add or remove else _sequence(inner)
    if name == "BRANCH":
        return [head for branch in value[1] for head in _sequence(branch)]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = value
        once = [(head, is_open and int(most) == 1) for head, is_open in _sequence(inner)]
        return once if least else [*once, ("", True)]
    return [("", False)]


def _letters(choices: Any) -> list[str] | None:
    letters: list[str] = []
    for kind, value in choices:
        if str(kind) == "LITERAL":
            letters.append(chr(value))
        elif str(kind) == "RANGE" and value[1] - value[0] < 10:
            letters += [chr(code) for code in range(value[0], value[1] + 1)]
        else:
            return None
    return letters
