"""The decision, the next steps and the roadmap, case by case."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from analyzers.targets import load_target
from app.reports.advice import next_step
from app.reports.changes import ReportRef
from app.reports.overview import decision, overview
from app.reports.ranking import Figure, Move, RankedPaper, RankedPapers
from app.reports.sections import RiskLine

TARGET = load_target("llama.cpp")
SINCE = ReportRef("report-2025-08", "2025-08-06", "The old report")


def row(advice: str = "do_now", **changes: Any) -> RankedPaper:
    plain = RankedPaper(
        rank=1,
        paper_id="fast",
        title="Fast: A Way",
        arxiv_id=None,
        url=None,
        technique="attention",
        score=Figure(5.0, 4.0, 6.0),
        score_claimed=6.0,
        rank_claimed=1,
        score_report=None,
        rank_report=None,
        move=Move(None, listed=False),
        advice=advice,
        phase=None,
        why="because",
        claimed=2.0,
        measured=None,
        engine=None,
        run=Figure(1.2, 1.05, 1.37),
        verdict="untested",
        device=None,
        provisional=False,
        complexity="high",
        relevance=0.5,
        in_target="no",
        prototype=None,
    )
    return dataclasses.replace(plain, **changes)


def measured_on(device: str, device_class: str) -> dict[str, Any]:
    return {
        "belief": {
            "part": "prefill_attention",
            "share": 0.09,
            "measurements": [{"device": device, "device_class": device_class}],
        },
        "runs": [{"device_id": device, "device_name": "The Big One"}],
    }


RISK = RiskLine("accuracy", "high", "It may lose accuracy.", is_open=True)


@pytest.mark.parametrize(
    ("paper", "risks", "shown", "step"),
    [
        (row("do_now"), (), {}, "Build it."),
        (row("measure_first", prototype="fast"), (), {}, "assay bench run fast"),
        (row("measure_first"), (), {}, "none exists yet"),
        (row("careful"), (RISK,), {}, "high risk first: accuracy."),
        (row("careful", verdict="below_quality"), (), {}, "above its quality bar"),
        (row("careful"), (dataclasses.replace(RISK, is_open=False),), {}, "what makes it risky"),
        (row("already_there"), (), {}, "tune what llama.cpp has"),
        (row("not_recommended"), (), measured_on("x", "cpu"), "prefill attention, 9 % of a run"),
        (row("not_recommended"), (), {}, "Nothing to do now."),
        (row("high_value"), (), measured_on("x", "datacentre_gpu"), "The Big One only"),
    ],
)
def test_each_advice_has_its_next_step(
    paper: RankedPaper, risks: tuple[RiskLine, ...], shown: dict[str, Any], step: str
) -> None:
    assert step in next_step(paper, risks, shown, TARGET, "en")
    chinese = next_step(paper, risks, shown, TARGET, "zh")
    assert chinese
    assert step not in chinese or step == "assay bench run fast"


def test_a_device_that_counts_asks_for_no_other() -> None:
    assert next_step(row("do_now"), (), measured_on("x", "cpu"), TARGET, "en") == "Build it."


def test_the_decision_names_what_to_build() -> None:
    text = " ".join(
        decision(
            overview(RankedPapers.of([row("do_now"), row("steady", title="Slow: X", rank=2)])),
            None,
            "en",
        )
    )
    assert text.startswith("Build Fast next: because.")
    assert "Slow" not in text


def test_the_decision_owns_up_to_knowing_nothing() -> None:
    waiting = [row("measure_first", rank=n, title=f"N{n}: X") for n in range(1, 6)]
    told = decision(overview(RankedPapers.of(waiting)), None, "en")
    assert told[0].startswith("Nothing is ready to be built")
    assert told[1].startswith("Measure first: N1, N2, N3, 2 more. ")
    assert "up to 1.37x" in told[1]
    assert told[2] == "None of the 5 papers has been measured."


def test_the_decision_says_what_became_of_the_old_first() -> None:
    fallen = row("not_recommended", rank=7, move=Move(1, listed=True))
    assert "Fast, first in the report of 2025-08-06, is now number 7: because." in decision(
        overview(RankedPapers.of([fallen])), SINCE, "en"
    )
    still = row("do_now", move=Move(1, listed=True))
    assert "Fast is still first, as in the report of 2025-08-06." in decision(
        overview(RankedPapers.of([still])), SINCE, "en"
    )


def test_measured_papers_are_counted_with_their_verdicts() -> None:
    tested = row("steady", device="d", verdict="contradicted", measured=0.6)
    told = decision(overview(RankedPapers.of([tested, row("steady", rank=2)])), None, "en")
    assert "Measured so far: 1 of 2 papers (Fast ✗ contradicted)." in told


def test_no_paper_is_no_decision() -> None:
    assert decision(overview(RankedPapers.of([])), None, "zh") == (
        "论文库中还没有论文：请先添加，再排序。",
    )
