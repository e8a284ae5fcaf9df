from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.queries import claims
from db.queries.claim_matching import as_ratio
from tests.db.builders import add_claim, add_paper


@pytest.fixture
def paper(session: Session) -> Session:
    add_paper(session)
    return session


def record(**values: Any) -> dict[str, Any]:
    quote = values.pop("quote", "It is twice as fast.")
    return {
        "metric": "speedup",
        "value": 2.0,
        "value_high": None,
        "unit": "x",
        "bound": "exact",
        "subject": None,
        "scope": None,
        "baseline": None,
        "hardware": None,
        "own_result": True,
        "quote": quote,
        "page": 1,
        "boxes": [[1, 2, 3, 4]],
        "places": [{"kind": "sentence", "quote": quote, "page": 1, "boxes": [[1, 2, 3, 4]]}],
        "confidence": 0.8,
        **values,
    }


def take(session: Session, *records: dict[str, Any]) -> claims.AnalysedClaims:
    return claims.replace_analysis_claims(session, "fast", records)


def test_a_repeated_seed_claim_gains_its_place_not_a_second_row(paper: Session) -> None:
    add_claim(paper, value=1.72, baseline="FlashAttention-2 FP16", locator="Table 2")
    result = take(paper, record(value=1.73, baseline="FlashAttention2"))
    assert result == (("fast/speed",), ())
    (held,) = claims.for_paper(paper, "fast")
    assert (held.value, held.source, held.locator) == (1.72, "seed", "Table 2")
    assert [(p.kind, p.quote, p.page, p.boxes) for p in held.places] == [
        ("sentence", "It is twice as fast.", 1, [[1, 2, 3, 4]])
    ]


@pytest.mark.parametrize(
    ("seed", "found"),
    [
        ({"value": 1.72}, {"value": 72, "unit": "%"}),
        (
            {"metric": "latency_reduction", "value": 50, "unit": "%"},
            {"metric": "latency_reduction", "value": 2, "unit": "x"},
        ),
        ({"baseline": None}, {"baseline": "vLLM"}),
        ({"baseline": "the vLLM baseline"}, {"baseline": "vLLM v0.6"}),
        ({"value": 1.4, "value_high": 2.0}, {"value": 1.4, "value_high": 2.01}),
    ],
)
def test_the_same_claim_in_other_words(
    paper: Session, seed: dict[str, Any], found: dict[str, Any]
) -> None:
    add_claim(paper, **seed)
    assert take(paper, record(**found)).matched == ("fast/speed",)


@pytest.mark.parametrize(
    ("seed", "found"),
    [
        ({}, {"value": 2.03}),
        ({}, {"metric": "throughput_gain"}),
        ({}, {"unit": "bits"}),
        ({}, {"value_high": 3.0}),
        ({"baseline": "FlashAttention"}, {"baseline": "cuBLAS"}),
        ({}, {"own_result": False}),
    ],
)
def test_another_claim_keeps_a_row_of_its_own(
    paper: Session, seed: dict[str, Any], found: dict[str, Any]
) -> None:
    add_claim(paper, **seed)
    result = take(paper, record(**found))
    assert result.matched == ()
    assert len(result.added) == 1
    assert len(claims.for_paper(paper, "fast")) == 2


def test_of_two_seed_claims_the_one_that_agrees_better_is_taken(paper: Session) -> None:
    add_claim(paper, "fast/kernel", scope="kernel", hardware="A100", position=0)
    add_claim(paper, "fast/whole", scope="end_to_end", hardware="H100", position=1)
    assert take(paper, record(scope="end_to_end")).matched == ("fast/whole",)
    assert take(paper, record(hardware="NVIDIA H100")).matched == ("fast/whole",)
    assert take(paper, record()).matched == ("fast/kernel",)


def test_keys_are_readable_unique_and_the_same_at_every_analysis(paper: Session) -> None:
    found = [
        record(value=2.3),
        record(value=2.3, baseline="cuBLAS"),
        record(metric="latency_reduction", value=50, unit="%"),
        record(value=1.4, value_high=2.25, bound="range"),
        record(metric="bitwidth", value=4, unit="bits"),
        record(metric="other", value=3, unit="tokens / s"),
    ]
    first = take(paper, *found)
    assert first.added == (
        "fast/speedup-2.3x",
        "fast/speedup-2.3x-2",
        "fast/latency-reduction-50pct",
        "fast/speedup-1.4-2.25x",
        "fast/bitwidth-4bits",
        "fast/other-3tokenss",
    )
    assert take(paper, *found) == first
    assert [row.key for row in claims.rows(paper)["fast"]] == list(first.added)


def test_a_new_analysis_takes_its_claims_and_places_with_it(paper: Session) -> None:
    add_claim(paper)
    add_claim(paper, "fast/mine", source="person", value=9, position=1)
    take(paper, record(quote="old"), record(value=5), record(value=9))
    take(paper, record(quote="new"))
    assert [
        (claim.key, claim.source, [place.quote for place in claim.places])
        for claim in claims.for_paper(paper, "fast")
    ] == [("fast/speed", "seed", ["new"]), ("fast/mine", "person", [])]


def test_two_sentences_of_one_claim_are_two_places(paper: Session) -> None:
    add_claim(paper)
    take(paper, record(quote="one"), record(quote="two", page=4), record(quote="one"))
    places = claims.for_paper(paper, "fast")[0].places
    assert [(place.quote, place.page) for place in places] == [("one", 1), ("two", 1)]


def test_a_record_without_places_stands_where_its_quote_stands(paper: Session) -> None:
    take(paper, record(places=[]))
    (claim,) = claims.for_paper(paper, "fast")
    assert [(place.kind, place.quote) for place in claim.places] == [
        ("sentence", "It is twice as fast.")
    ]


def test_a_seed_claim_that_comes_later_takes_over_the_analysed_one(paper: Session) -> None:
    take(paper, record(quote="here"), record(value=7))
    add_claim(paper)
    assert claims.reconcile(paper, "fast") == (("fast/speed",), ("fast/speedup-7x",))
    assert claims.reconcile(paper, "fast") == (("fast/speed",), ("fast/speedup-7x",))
    rows = {claim.key: claim for claim in claims.for_paper(paper, "fast")}
    assert [place.quote for place in rows["fast/speed"].places] == ["here"]
    assert rows["fast/speedup-7x"].confidence == 0.8


def test_rows_carry_what_the_score_reads(paper: Session) -> None:
    add_claim(paper, text={"en": "Twice", "zh": "两倍"}, scope="kernel", weak_baseline=True)
    add_paper(paper, "other")
    add_claim(paper, "other/speed", paper_id="other")
    (row,) = claims.rows(paper, ["fast"])["fast"]
    assert (row.value, row.scope, row.weak_baseline, row.own_result) == (2.0, "kernel", True, True)
    assert row.text == {"en": "Twice", "zh": "两倍"}
    assert set(claims.rows(paper)) == {"fast", "other"}
    assert claims.rows(paper)["other"][0].text is None
    assert claims.keys(paper) == {"fast/speed", "other/speed"}
    assert claims.get(paper, "fast/speed").paper_id == "fast"
    with pytest.raises(NotFoundError):
        claims.get(paper, "fast/none")


@pytest.mark.parametrize(
    ("metric", "value", "unit", "ratio"),
    [
        ("speedup", 1.72, "x", 1.72),
        ("speedup", 72, "%", 1.72),
        ("throughput_gain", 200, "%", 3.0),
        ("latency_reduction", 75, "%", 4.0),
        ("latency_reduction", 100, "%", None),
        ("accuracy_drop", 1, "%", None),
        ("speedup", 3, "bits", None),
    ],
)
def test_ratios(metric: str, value: float, unit: str, ratio: float | None) -> None:
    assert as_ratio(metric, value, unit) == pytest.approx(ratio)
