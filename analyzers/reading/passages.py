"""Text being gathered from lines: a paragraph or a caption, with its words' places on demand.

Few sentences are ever asked where they stand, so a passage keeps its lines and works the words'
places out when the first is asked for: that halves the cost of putting sentences together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from analyzers.document import Kind, Sentence, Token
from analyzers.reading.layout import Line
from analyzers.reading.splitting import split_sentences


@dataclass(slots=True)
class Passage:
    """A paragraph or a caption: its lines, and the offset in its text at which each begins."""

    kind: Kind
    section: str
    abstract: bool
    text: str = ""
    lines: list[Line] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    def add(self, line: Line, glue: str | None) -> None:
        """Add a line: behind a space (`glue` None), as it stands ("-"), or without a hyphen ("").

        Only complete passages have `text`: call `close` after the last line.
        """
        if self._parts:
            if glue is None:
                self._parts.append(" ")
                self._length += 1
            elif glue == "":
                self._parts[-1] = self._parts[-1][:-1]
                self._length -= 1
        self.lines.append(line)
        self.starts.append(self._length)
        self._parts.append(line.text)
        self._length += len(line.text)

    @property
    def last(self) -> Line | None:
        """The line added last."""
        return self.lines[-1] if self.lines else None

    @property
    def last_word(self) -> str:
        """The word that the text ends with so far."""
        return self.lines[-1].words[-1][4]

    @property
    def ending(self) -> str:
        """The last words so far."""
        return " ".join([line.text for line in self.lines[-2:]])[-60:]

    def sentences(self) -> list[Sentence]:
        """Close the passage and return its sentences."""
        self.text = "".join(self._parts)
        self._parts = []
        return [
            Sentence(
                self.text[start:end],
                self.lines[bisect_right(self.starts, start) - 1].page,
                self.section,
                self.kind,
                self.abstract,
                Words(self, start, end),
                start,
            )
            for start, end in split_sentences(self.text)
        ]

    def tokens(self, start: int, end: int) -> list[Token]:
        """Return the words between two offsets of the text, each with its place."""
        first = max(0, bisect_right(self.starts, start) - 1)
        last = bisect_left(self.starts, end)
        tokens = [
            token
            for line, begin in zip(self.lines[first:last], self.starts[first:last], strict=True)
            for token in _tokens_of(line, begin)
        ]
        at = max(0, bisect_right(tokens, start, key=lambda token: token.start) - 1)
        return tokens[at : bisect_left(tokens, end, key=lambda token: token.start)]


def _tokens_of(line: Line, start: int) -> list[Token]:
    tokens: list[Token] = []
    for word in line.words:
        tokens.append(Token(start, line.page, line.number, (word[0], word[1], word[2], word[3])))
        start += len(word[4]) + 1
    return tokens


class Words(Sequence[Token]):
    """The words of one sentence of a passage."""

    __slots__ = ("_end", "_passage", "_start", "_tokens")

    def __init__(self, passage: Passage, start: int, end: int) -> None:
        self._passage, self._start, self._end = passage, start, end
        self._tokens: list[Token] | None = None

    def _all(self) -> list[Token]:
        if self._tokens is None:
            self._tokens = self._passage.tokens(self._start, self._end)
        return self._tokens

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> Token: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Token]: ...

    def __getitem__(self, index: int | slice) -> Token | Sequence[Token]:
        return self._all()[index]
