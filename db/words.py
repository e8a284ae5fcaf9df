"""Words as the search takes a text apart: runs of letters and digits, without case and accents."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

WORD = re.compile(r"[^\W_]+")
"""A word; each Chinese character is one, by the gaps that `search_index.spaced` puts there."""


def folded(words: str) -> str:
    """Return text without case and accents, character for character."""
    return words.translate({ord(c): _base(c) for c in set(words)})


@cache
def _base(character: str) -> str:
    plain = unicodedata.normalize("NFD", character)[0].lower()
    return plain if len(plain) == 1 else character
