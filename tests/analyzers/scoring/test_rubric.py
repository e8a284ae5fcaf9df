from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.facts import (
    Complexity,
    InTarget,
    Integration,
    PaperFacts,
    Risk,
    Severity,
    Technique,
)
from analyzers.message import message
from analyzers.scoring import Advice, place, rank, rank_report, score_paper
from analyzers.scoring.recommendation import GROUP_ORDER
from analyzers.targets import load_target
from tests.analyzers.scoring.builders import claim, measured, paper

TARGET = load_target()
HIGH_RISK = Risk("accuracy", Severity.HIGH, message("1 bit may cost accuracy"))

REPORT = [
    PaperFacts(
        "flatquant", "FlatQuant", Technique.QUANTIZATION, 0.8, Complexity.HIGH, report_speedup=2.3
    ),
    PaperFacts(
        "coupled_quant",
        "KV Cache is 1 Bit",
        Technique.QUANTIZATION,
        1.0,
        Complexity.LOW,
        risks=(HIGH_RISK,),
    ),
    PaperFacts(
        "int_flash",
        "INT-FlashAttention",
        Technique.ATTENTION,
        1.0,
        Complexity.HIGH,
        report_speedup=1.72,
    ),
    PaperFacts(
        "sage",
        "SageAttention",
        Technique.ATTENTION,
        1.0,
        Complexity.HIGH,
        Integration.DROP_IN,
    ),
    PaperFacts(
        "kv_compress",
        "KV-Compress",
        Technique.KV_CACHE,
        1.0,
        Complexity.HIGH,
        Integration.ARCHITECTURAL,
    ),
    PaperFacts("eagle3", "EAGLE-3", Technique.SPECULATIVE_DECODING, report_speedup=1.4),
]


def test_the_report_of_2025_comes_out_as_it_was() -> None:
    ranked = rank_report(list(reversed(REPORT)), TARGET)
    assert [r.facts.paper_id for r in ranked] == [p.paper_id for p in REPORT]
    values = [round(r.scored.value, 6) for r in ranked if r.scored]
    assert values == [7.0, 7.0, 6.5, 5.0, 5.0]
    assert [(r.recommendation.advice, r.recommendation.phase) for r in ranked] == [
        (Advice.DO_NOW, 1),
        (Advice.CAREFUL, None),
        (Advice.HIGH_VALUE, 2),
        (Advice.STEADY, 3),
        (Advice.LONG_TERM, 3),
        (Advice.NOT_RECOMMENDED, None),
    ]


def test_each_criterion_of_the_report_has_its_points() -> None:
    flatquant = rank_report(REPORT[:1], TARGET)[0].scored
    assert flatquant is not None
    points = {c.name: c.points for c in flatquant.criteria}
    assert points == {"relevance": 4.0, "performance": 3.0, "ease": -1.0, "core": 1.0}


def test_the_report_never_takes_points_off_for_a_loss() -> None:
    slow = replace(REPORT[0], report_speedup=0.5)
    scored = rank_report([slow], TARGET)[0].scored
    assert scored is not None
    assert scored.performance == 0


@pytest.mark.parametrize(
    ("facts", "advice", "phase"),
    [
        (paper(in_target=InTarget.MERGED, risks=(HIGH_RISK,)), Advice.ALREADY_THERE, None),
        (paper(risks=(HIGH_RISK,), measurements=(measured(3.0),)), Advice.CAREFUL, None),
        (paper(below_quality=True), Advice.CAREFUL, None),
        (paper(measurements=(measured(0.9),)), Advice.NOT_RECOMMENDED, None),
        (paper(claims=(claim(3.0),)), Advice.MEASURE_FIRST, None),
        (paper(), Advice.NOT_RECOMMENDED, None),
        (paper(measurements=(measured(1.6),)), Advice.DO_NOW, 1),
        (paper(measurements=(measured(1.4, sigma=0.2),)), Advice.HIGH_VALUE, 2),
        (
            paper(measurements=(measured(1.12),), integration=Integration.DROP_IN),
            Advice.STEADY,
            3,
        ),
        (paper(measurements=(measured(1.12),)), Advice.LONG_TERM, 3),
        (paper(measurements=(measured(1.02, sigma=0.08),)), Advice.NOT_RECOMMENDED, None),
    ],
)
def test_recommendation_rules(facts: PaperFacts, advice: Advice, phase: int | None) -> None:
    recommendation = score_paper(facts, TARGET).recommendation
    assert (recommendation.advice, recommendation.phase) == (advice, phase)
    assert str(recommendation.why)


papers = st.builds(
    PaperFacts,
    paper_id=st.uuids().map(str),
    title=st.text(min_size=1, max_size=8),
    technique=st.none() | st.sampled_from(Technique),
    relevance=st.none() | st.floats(0, 1),
    complexity=st.none() | st.sampled_from(Complexity),
    integration=st.none() | st.sampled_from(Integration),
    in_target=st.sampled_from(InTarget),
    claims=st.lists(st.floats(1.01, 9).map(lambda v: claim(v)), max_size=2).map(tuple),
    measurements=st.lists(st.floats(0.3, 5).map(lambda v: measured(v)), max_size=1).map(tuple),
    below_quality=st.booleans(),
)


@given(st.lists(papers, min_size=2, max_size=6), papers)
def test_adding_a_paper_moves_no_other(group: list[PaperFacts], extra: PaperFacts) -> None:
    before = rank(score_paper(p, TARGET) for p in group)
    after = rank(score_paper(p, TARGET) for p in [*group, extra])
    left = [r for r in after if r.facts.paper_id != extra.paper_id]
    assert [r.facts.paper_id for r in left] == [r.facts.paper_id for r in before]
    assert [r.believed.value for r in left] == [r.believed.value for r in before]


@given(papers)
def test_every_criterion_is_within_its_scale(facts: PaperFacts) -> None:
    ranked = score_paper(facts, TARGET)
    for scored in (ranked.believed, ranked.claimed):
        for criterion in scored.criteria:
            assert criterion.minimum <= criterion.low <= criterion.points <= criterion.high
            assert criterion.high <= criterion.maximum
            assert str(criterion.reason)
        assert scored.value == pytest.approx(sum(c.points for c in scored.criteria))


@given(papers, st.floats(0, 1), st.floats(0, 1))
def test_more_relevance_never_lowers_the_score(facts: PaperFacts, a: float, b: float) -> None:
    low, high = sorted((a, b))
    lower = score_paper(replace(facts, relevance=low), TARGET).believed.value
    higher = score_paper(replace(facts, relevance=high), TARGET).believed.value
    assert lower <= higher


@given(papers)
def test_a_failed_prototype_never_helps(facts: PaperFacts) -> None:
    good = score_paper(replace(facts, below_quality=False), TARGET).believed
    bad = score_paper(replace(facts, below_quality=True), TARGET).believed
    assert bad.value <= good.value
    assert bad.low <= bad.value <= bad.high
    assert bad.criteria[1].high <= 0


def test_what_is_unknown_counts_nothing_and_says_so() -> None:
    unknown = paper(relevance=None, complexity=None, technique=None)
    scored = score_paper(unknown, TARGET).believed
    assert scored.value == pytest.approx(scored.performance)
    assert all(criterion.missing for criterion in scored.criteria)
    known = score_paper(paper(complexity=Complexity.LOW, claims=(claim(),)), TARGET).believed
    assert not any(criterion.missing for criterion in known.criteria)


def test_every_criterion_moves_the_score() -> None:
    base = paper(complexity=Complexity.MEDIUM, measurements=(measured(1.5),))
    value = score_paper(base, TARGET).believed.value
    for change in (
        {"relevance": 0.6},
        {"complexity": Complexity.LOW},
        {"technique": Technique.OTHER},
        {"measurements": (measured(1.6),)},
    ):
        assert score_paper(replace(base, **change), TARGET).believed.value != value


def test_a_loss_is_lower_than_ignorance() -> None:
    unknown = score_paper(paper(), TARGET).believed.value
    lost = score_paper(paper(measurements=(measured(0.6),)), TARGET).believed.value
    assert lost < unknown


@pytest.mark.parametrize("warned", [{"risks": (HIGH_RISK,)}, {"below_quality": True}])
@pytest.mark.parametrize("speedup", [None, 1.001, 1.5, 3.0])
def test_a_warning_never_lifts_a_paper(speedup: float | None, warned: dict[str, Any]) -> None:
    claims = () if speedup is None else (claim(speedup),)
    before, after = (
        score_paper(paper(claims=claims, **changes), TARGET) for changes in ({}, warned)
    )
    assert after.recommendation.advice is Advice.CAREFUL
    assert place(after)[0] >= place(before)[0]
    assert place(after)[0] >= GROUP_ORDER[Advice.CAREFUL]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (paper(claims=(), measurements=()), "nothing is known"),
        (paper(claims=(claim(),), measurements=()), "claimed only"),
        (paper(claims=(), measurements=(measured(),)), "measured only"),
        (paper(claims=(claim(),), measurements=(measured(),)), "measured and claimed"),
    ],
    ids=["nothing", "a claim", "a run", "both"],
)
def test_the_reason_says_what_the_belief_rests_on(facts: PaperFacts, says: str) -> None:
    performance = score_paper(facts, TARGET).believed.criteria[1]
    assert str(performance.reason).startswith(says)
    assert performance.missing is (says == "nothing is known")
