"""Which paper stands before which: the score of an order, and what decides between equals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers.facts import DeviceClass, Integration, Risk, Severity
from analyzers.message import message
from analyzers.scoring import place, place_claimed, rank, score_paper
from analyzers.scoring.ranking import ranking_device
from analyzers.targets import load_target
from tests.analyzers.scoring.builders import claim, measured, paper

TARGET = load_target()


def risk(severity: Severity, *, is_open: bool = True) -> Risk:
    return Risk("accuracy", severity, message("it may"), is_open)


def test_the_safe_order_turns_an_unsure_gain_and_a_sure_one_around() -> None:
    sure = score_paper(paper(paper_id="sure", measurements=(measured(1.5),)), TARGET)
    bold = score_paper(paper(paper_id="bold", measurements=(measured(2.5, sigma=0.4),)), TARGET)
    for one in (sure, bold):
        assert one.score() == one.believed.value > one.score("safe") == one.believed.low
    assert sure.score() < bold.score()
    assert sure.score("safe") > bold.score("safe")


# Of two papers with one score the first stands before the second.
BEFORE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("less risk", {"risks": (risk(Severity.LOW),)}, {"risks": (risk(Severity.MEDIUM),)}),
    ("no risk", {}, {"risks": (risk(Severity.LOW),)}),
    (
        "its worst risk counts",
        {"risks": (risk(Severity.MEDIUM), risk(Severity.MEDIUM))},
        {"risks": (risk(Severity.LOW), risk(Severity.HIGH))},
    ),
    (
        "a settled risk is none",
        {"risks": (risk(Severity.HIGH, is_open=False),)},
        {"risks": (risk(Severity.LOW),)},
    ),
    (
        "drop-in before local",
        {"integration": Integration.DROP_IN},
        {"integration": Integration.LOCAL},
    ),
    ("local before unknown", {"integration": Integration.LOCAL}, {}),
    ("unknown before architectural", {}, {"integration": Integration.ARCHITECTURAL}),
    ("a title in any case", {"title": "alpha"}, {"title": "Beta"}),
]


@pytest.mark.parametrize(("first", "second"), [b[1:] for b in BEFORE], ids=[b[0] for b in BEFORE])
def test_what_decides_between_equals(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, two = (score_paper(paper(paper_id="p", **facts), TARGET) for facts in (first, second))
    assert place_claimed(one) < place_claimed(two)
    if one.recommendation == two.recommendation:
        assert rank([two, one]) == [one, two]
    tie_from = len(place(one)) - 4
    assert place(one)[tie_from:] < place(two)[tie_from:]


def test_more_evidence_stands_first_among_equals() -> None:
    known = score_paper(paper(paper_id="z", claims=(claim(2.0),)), TARGET)
    surer = replace(known, belief=replace(known.belief, measured_weight=0.5))
    assert rank([known, surer]) == [surer, known]


def test_the_ranking_device_is_the_weightiest_then_the_newest() -> None:
    own = measured(device_id="own", measured_at="2026-01-01")
    newer = measured(device_id="newer", measured_at="2026-02-01")
    far = measured(
        device_id="far", measured_at="2026-03-01", device_class=DeviceClass.DATACENTRE_GPU
    )
    assert ranking_device([far, own, newer], TARGET) == newer
    assert ranking_device([far, own], TARGET) == own
    assert ranking_device([], TARGET) is None
