"""The words of all titles in arrays: which papers' titles are like one, and who is called what."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

_WORD = re.compile(r"[a-z][a-z0-9]{2,}")
_COMMON = frozenset(
    _WORD.findall(
        "the and for with from that this are was were can our its their which into over under than "
        "all but not via using use used based towards toward more most less between both each such "
        "while when where has have been large language model models llm llms paper propose show "
        "method methods inference efficient efficiency fast faster new self time performance "
        "enabling sequence sequences computation high low"
    )
)
_NO_LETTER = re.compile(r"[^a-z0-9]")


def words_of(text: str | None) -> frozenset[str]:
    """Return the words of a text that say something."""
    return frozenset(_WORD.findall((text or "").lower())) - _COMMON


def key_of(name: str) -> str:
    """Return a name's letters and digits: equal for one name in two spellings."""
    return _NO_LETTER.sub("", name.lower())


class TitleWords:
    """The words of some titles, and how much each says: little if many titles have it."""

    def __init__(self, titles: Sequence[str]) -> None:
        import numpy as np

        self._papers = len(titles)
        self._numbers: dict[str, int] = {}
        number_of = self._numbers.setdefault
        words = [
            [number_of(word, len(self._numbers)) for word in sorted(words_of(title))]
            for title in titles
        ]
        self._lengths = np.fromiter(map(len, words), np.int32, len(words))
        self._words = np.fromiter((number for of_title in words for number in of_title), np.int32)
        self._counts: Any = np.bincount(self._words, minlength=len(self._numbers))
        keys = [key_of(title) for title in titles]
        # One text for all: a search in it is a hundred times as fast as a loop over a list.
        self._keys = "\n" + "\n".join(keys)
        self._starts = list(accumulate((len(key) + 1 for key in keys), initial=0))

    def weight(self, word: str) -> float:
        """Return how much a word says."""
        return math.log(1 + self._papers / (1 + self._count(word)))

    def likeness(self, one: frozenset[str], two: frozenset[str]) -> float:
        """Return the cosine of two sets of words, 0 to 1."""
        shared = math.fsum(self.weight(word) ** 2 for word in one & two)
        if not shared:
            return 0.0
        norms = [math.sqrt(math.fsum(self.weight(word) ** 2 for word in w)) for w in (one, two)]
        return shared / (norms[0] * norms[1])

    def likenesses(self, own: frozenset[str]) -> Any:
        """Return `likeness` of these words with each title's, as an array (titles,)."""
        import numpy as np

        squares = np.log(1 + self._papers / (1 + self._counts)) ** 2
        mine = np.zeros(len(self._numbers))
        known = [self._numbers[word] for word in own if word in self._numbers]
        mine[known] = squares[known]
        titles = np.repeat(np.arange(self._papers), self._lengths)

        def summed(values: Any) -> Any:
            return np.bincount(titles, weights=values[self._words], minlength=self._papers)

        norm = math.sqrt(math.fsum(self.weight(word) ** 2 for word in own))
        norms = np.sqrt(summed(squares)) * norm
        return np.divide(summed(mine), norms, out=np.zeros(self._papers), where=norms > 0)

    def telling(self, words: Iterable[str], most: int = 3) -> list[str]:
        """Return the words that stand in titles and say most."""
        known = [w for w in words if 0 < self._count(w) <= max(2, self._papers / 20)]
        return sorted(known, key=lambda word: (-self.weight(word), word))[:most]

    def beginning_with(self, key: str) -> Iterator[int]:
        """Yield the numbers of the titles whose letters and digits begin with these."""
        at = self._keys.find(f"\n{key}")
        while at >= 0:
            yield bisect_right(self._starts, at) - 1
            at = self._keys.find(f"\n{key}", at + 1)

    def _count(self, word: str) -> int:
        number = self._numbers.get(word)
        return 0 if number is None else int(self._counts[number])
