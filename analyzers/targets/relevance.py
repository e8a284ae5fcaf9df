"""A target's rules of relevance: its answers by technique, and the signs that it looks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analyzers.facts import Technique
from analyzers.words import Pattern

QUESTIONS = ("path", "has", "demand", "pays")
"""Has the engine a path for it? Does it do it already? Is there demand? Does it pay there?"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one question about a technique: its points, and why, in both languages."""

    question: str
    points: float
    text: Mapping[str, str]
    evidence: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sign:
    """Words of a paper that make it matter more or less to the engine.

    They count where the abstract says them, or `least` sentences of a short paper; `anywhere`: one
    mention is enough. `techniques` limits a sign to papers about these.
    """

    pattern: Pattern
    points: float
    text: Mapping[str, str]
    least: int = 1
    anywhere: bool = False
    techniques: frozenset[Technique] = frozenset()


@dataclass(frozen=True, slots=True)
class RelevanceRules:
    """What a paper starts from, and what moves it."""

    base: float = 0.3
    answers: Mapping[Technique, tuple[Answer, ...]] = field(default_factory=dict)
    signs: tuple[Sign, ...] = ()


def read_rules(record: Mapping[str, Any]) -> RelevanceRules:
    """Read a target file's [relevance]; raises `ValueError` or `KeyError` where it is wrong."""
    answers = {}
    for name, given in record.get("technique", {}).items():
        unknown = sorted(given.keys() - set(QUESTIONS))
        if unknown:
            raise ValueError(f"[relevance.technique.{name}] has no question {unknown[0]!r}")
        answers[Technique(name)] = tuple(
            Answer(
                question,
                _points(given[question]["points"], f"relevance.technique.{name}.{question}"),
                _text(given[question]),
                tuple(given[question].get("evidence", ())),
            )
            for question in QUESTIONS
            if question in given
        )
    signs = tuple(_sign(entry) for entry in record.get("signs", ()))
    base = float(record.get("base", 0.3))
    if not 0 <= base <= 1:
        raise ValueError(f"relevance.base = {base} isn't in 0 … 1")
    return RelevanceRules(base, answers, signs)


def _sign(entry: Mapping[str, Any]) -> Sign:
    words = str(entry["words"])
    try:
        pattern = Pattern(words, entry.get("pattern"))
    except re.error as error:
        raise ValueError(f"the pattern of the sign {words!r} is wrong: {error}") from None
    return Sign(
        pattern,
        _points(entry["points"], f"the sign {words!r}"),
        _text(entry["text"]),
        int(entry.get("least", 1)),
        bool(entry.get("anywhere", False)),
        frozenset(Technique(name) for name in entry.get("techniques", ())),
    )


def _points(value: Any, where: str) -> float:
    points = float(value)
    if not -1 <= points <= 1:
        raise ValueError(f"{where}: points {points} aren't in -1 … 1")
    return points


def _text(record: Mapping[str, Any]) -> dict[str, str]:
    return {"en": str(record["en"]), "zh": str(record["zh"])}
