"""Repeats of a claim are one claim with several places; what differs stays apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.claiming.claim import ExtractedClaim, Place
from analyzers.claiming.comparisons import Baseline, Source
from analyzers.claiming.merging import MAX_PLACES, merge, name_alike, own_repeats
from analyzers.claiming.metrics import BY_SENTENCE
from analyzers.claiming.subjects import Subject
from analyzers.document import Kind
from analyzers.facts import Bound, Metric, Scope

NOWHERE = Subject(None, None, None, None)


def claimed(value: float = 1.7, *, page: int = 1, **changes: Any) -> ExtractedClaim:
    base = ExtractedClaim(
        metric=Metric.SPEEDUP,
        value=value,
        value_high=None,
        unit="x",
        bound=Bound.EXACT,
        subject=NOWHERE,
        against=None,
        hardware=None,
        own=True,
        points=1.0,
        confidence=0.5,
        rule="number + change",
        reasons=(),
        in_abstract=False,
        places=[Place(Kind.SENTENCE, f"It is {value}x faster.", page, (), Bound.EXACT)],
    )
    return replace(base, **changes)


def merged(*claims: ExtractedClaim) -> list[ExtractedClaim]:
    found: list[ExtractedClaim] = []
    for claim in claims:
        merge(found, claim)
    return found


def test_a_repeat_adds_its_place_and_what_it_knows_better() -> None:
    subject = Subject("decoding", None, Scope.END_TO_END, None)
    usual = Baseline("Transformers", Source.PAPER)
    named = Baseline("vLLM", Source.SENTENCE)
    (one,) = merged(
        claimed(confidence=0.8, against=usual, subject=NOWHERE),
        claimed(page=2, confidence=0.6, against=named, hardware="A100", in_abstract=True),
        claimed(page=3, confidence=0.7, subject=subject),
        claimed(page=3),  # the same place once more
    )
    assert [place.page for place in one.places] == [1, 2, 3]
    assert (one.confidence, one.hardware, one.in_abstract) == (0.8, "A100", True)
    assert (one.against, one.subject) == (named, subject)


DIFFERENT: list[dict[str, Any]] = [
    {"metric": Metric.THROUGHPUT_GAIN},
    {"value": 1.8},
    {"value_high": 2.0},
    {"unit": "%"},
    {"own": False},
    {"bound": Bound.UP_TO},
    {"against": Baseline("SGLang", Source.BEFORE)},
    {"subject": Subject(None, None, Scope.KERNEL, None)},
]


@pytest.mark.parametrize("changes", DIFFERENT, ids=lambda changes: next(iter(changes)))
def test_what_differs_stays_apart(changes: dict[str, Any]) -> None:
    first = claimed(
        against=Baseline("vLLM", Source.SENTENCE),
        subject=Subject(None, None, Scope.END_TO_END, None),
    )
    assert len(merged(first, replace(first, **changes))) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"against": Baseline("vLLM 0.6", Source.BEFORE)},
        {"against": Baseline("SGLang", Source.PAPER)},
        {"against": None},
        {"subject": Subject(None, None, Scope.KERNEL, None)},
    ],
    ids=["another version", "a guess", "none named", "a narrower scope"],
)
def test_what_may_be_the_same_is(changes: dict[str, Any]) -> None:
    first = claimed(
        against=Baseline("vLLM", Source.SENTENCE),
        subject=Subject(None, None, Scope.COMPONENT, None),
    )
    assert len(merged(first, replace(first, **changes))) == 1


def test_places_are_kept_up_to_a_number() -> None:
    (one,) = merged(*(claimed(page=page) for page in range(MAX_PLACES + 3)))
    assert len(one.places) == MAX_PLACES


@pytest.mark.parametrize(
    ("value", "points", "is_own"),
    [(1.7, 0.0, True), (1.7, -0.1, False), (2.0, 0.0, False), (1.9, 0.0, False)],
    ids=["repeated", "said of others", "a round number", "another number"],
)
def test_a_number_of_the_abstract_told_again_is_the_authors(
    value: float, points: float, is_own: bool
) -> None:
    again = claimed(value, own=False, points=points)
    own_repeats([claimed(1.7, in_abstract=True), claimed(2.0, in_abstract=True), again])
    assert again.own is is_own
    assert bool(again.reasons) is is_own


@pytest.mark.parametrize(
    ("value", "metric"),
    [(69.0, Metric.THROUGHPUT_GAIN), (10.0, Metric.THROUGHPUT_GAIN), (4.0, Metric.SPEEDUP)],
)
def test_a_bare_number_is_what_the_paper_calls_it_elsewhere(value: float, metric: Metric) -> None:
    named = claimed(value, metric=Metric.THROUGHPUT_GAIN)
    bare = claimed(value, rule="number + change" + BY_SENTENCE)
    name_alike([named, bare])
    assert bare.metric is metric
