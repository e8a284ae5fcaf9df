"""What would change a rank: what is foretold comes true when the change is made."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from analyzers.scoring.recommendation import GROUP_ORDER, Advice
from app.workflows.correct import set_facts
from app.workflows.ranking import list_papers
from app.workflows.triage import rescore
from app.workflows.what_if import standings, what_if
from db.engine import session_scope
from db.queries import papers, runs, scores
from tests.app.run_documents import document, interval, run

PAPERS = ("flatquant", "int_flash", "coupled_quant", "eagle3", "sage", "teal")


def tried(catalog: Engine, paper: str, **chosen: Any) -> dict[str, Any]:
    with session_scope(catalog) as session:
        return what_if(session, paper, **chosen)


def of_kind(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [change for change in found["changes"] if change["kind"] == kind]


def row_of(catalog: Engine, paper: str, target: str = "llama.cpp") -> dict[str, Any]:
    with session_scope(catalog) as session:
        return next(r for r in list_papers(session, target=target) if r["paper_id"] == paper)


@pytest.mark.parametrize("paper", PAPERS)
def test_now_is_what_the_ranking_shows(paper: str, catalog: Engine) -> None:
    now, row = tried(catalog, paper)["now"], row_of(catalog, paper)
    assert (now["rank"], now["recommendation"]) == (row["rank"], row["recommendation"])
    assert now["score"] == row["score"]
    assert (now["rank_moves"], now["score_moves"]) == (0, 0.0)


def test_places_that_are_read_one_by_one_are_those_that_are_read_at_once(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        every = sorted(scores.places(session, "llama.cpp"))
        assert list(standings(session, "llama.cpp")) == every
        others = standings(session, "llama.cpp", but="sage")
        assert others[:] == [place for place in every if place[-1] != "sage"]
        assert not isinstance(others, list)


@pytest.mark.parametrize(
    ("paper", "levels"), [("flatquant", {"medium"}), ("sage", {"low", "high"})]
)
def test_complexity_is_tried_one_step_up_and_down(
    paper: str, levels: set[str], catalog: Engine
) -> None:
    told = [change["change"] for change in of_kind(tried(catalog, paper), "complexity")]
    assert {text.split()[1] for text in told} == levels


@pytest.mark.parametrize(
    ("paper", "kind", "field"),
    [
        ("flatquant", "relevance", "relevance"),
        ("sage", "complexity", "complexity"),
        ("eagle3", "in_target", "in_target"),
        ("int_flash", "in_target", "in_target"),
    ],
)
def test_a_correction_does_what_was_foretold(
    paper: str, kind: str, field: str, catalog: Engine
) -> None:
    for number, foretold in enumerate(of_kind(tried(catalog, paper), kind)):
        if field == "in_target":
            value = "merged" if foretold["recommendation"] == "already_there" else "no"
        else:
            value = foretold["change"].split()[1]
        with session_scope(catalog) as session:
            set_facts(session, paper, {field: value}, why=f"try {number}", who="Ada")
        row = row_of(catalog, paper)
        for name in ("score", "rank", "recommendation", "phase"):
            assert row[name] == foretold[name], name


def test_a_run_does_what_was_foretold(catalog: Engine) -> None:
    """The imagined run is as sharp as the sharpest that counts: ±5 % in ln s."""
    foretold = of_kind(tried(catalog, "sampling"), "measurement")
    assert foretold[0]["change"] == "a run on a CPU confirms the claim: 2x on sampling"
    claimed = run(engine=2.0)
    claimed["baselines"][1]["speedup"] = interval(2.0, 0.05)
    with session_scope(catalog) as session:
        runs.import_document(session, document(claimed))
        rescore(session, {"kind": "run", "ref": "test"}, ["sampling"])
    row = row_of(catalog, "sampling")
    assert row["score"] == pytest.approx(foretold[0]["score"], abs=1e-4)
    assert (row["rank"], row["recommendation"]) == (
        foretold[0]["rank"],
        foretold[0]["recommendation"],
    )


def test_after_a_run_another_one_takes_its_place(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        runs.import_document(session, document(run(engine=4.0)))
        rescore(session, {"kind": "run", "ref": "test"}, ["sampling"])
    changes = tried(catalog, "sampling")
    no_gain = of_kind(changes, "measurement")[-1]
    assert no_gain["change"] == "a run on Test CPU shows no gain: 1x on sampling"
    # one sharp run of 1x and the claim: nearly none of the 4x is left
    assert no_gain["run_speedup"] < 1.0005 < changes["now"]["run_speedup"]


@pytest.mark.parametrize("paper", PAPERS)
def test_thresholds_are_the_least_that_reach_a_better_group(paper: str, catalog: Engine) -> None:
    found = tried(catalog, paper)
    stands = GROUP_ORDER[Advice(found["now"]["recommendation"])]
    groups = [GROUP_ORDER[Advice(c["recommendation"])] for c in of_kind(found, "threshold")]
    assert groups == sorted(groups, reverse=True)
    assert all(group < stands for group in groups)
    for lost in of_kind(found, "loses"):
        assert GROUP_ORDER[Advice(lost["recommendation"])] > stands
    for ahead in of_kind(found, "overtakes"):
        assert ahead["rank_moves"] < 0


def test_flatquant_is_worth_building_from_the_speed_that_is_said(catalog: Engine) -> None:
    high_value, do_now = of_kind(tried(catalog, "flatquant"), "threshold")
    assert high_value["recommendation"] == "high_value"
    assert do_now["recommendation"] == "do_now"
    assert high_value["run_speedup"] == pytest.approx(1.10, abs=0.005)
    (lost,) = of_kind(tried(catalog, "flatquant"), "loses")
    assert lost["run_speedup"] < 1.10


def test_what_can_never_be_reached_is_said(catalog: Engine) -> None:
    found = tried(catalog, "sampling")
    assert of_kind(found, "threshold") == []
    (ceiling,) = of_kind(found, "ceiling")
    assert ceiling["run_speedup"] == pytest.approx(1.005, abs=0.0005)
    assert not ceiling["recommendation_moves"]


def test_a_settled_high_risk_frees_the_paper(catalog: Engine) -> None:
    (settled,) = of_kind(tried(catalog, "coupled_quant"), "risk")
    assert settled["change"] == "its high risks are settled"
    assert settled["recommendation"] != "careful"
    (found,) = of_kind(tried(catalog, "sage"), "risk")
    assert found["recommendation"] == "careful"


def test_another_target_is_ranked_by_its_own_rules(catalog: Engine) -> None:
    found = tried(catalog, "flatquant", target="vllm")
    row = row_of(catalog, "flatquant", "vllm")
    assert (found["now"]["rank"], found["now"]["score"]) == (row["rank"], row["score"])


def test_an_unknown_paper_of_unknown_facts(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        papers.add(session, title="A title and nothing else", paper_id="bare")
        rescore(session, {"kind": "analysis", "ref": "bare"}, ["bare"])
    found = tried(catalog, "bare")
    assert [c["change"] for c in of_kind(found, "relevance")] == [
        "relevance 1 instead of unknown",
        "relevance 0.5 instead of unknown",
    ]
    assert len(of_kind(found, "complexity")) == 2


def test_the_sentences_are_there_in_chinese(catalog: Engine) -> None:
    for change in tried(catalog, "flatquant", language="zh")["changes"]:
        assert any("一" <= letter <= "鿿" for letter in change["change"]), change


def test_ten_thousand_papers_are_not_scored_again(catalog: Engine) -> None:
    with Session(catalog) as session:  # nothing of it is kept
        values = [
            scores.ScoreValue(
                paper_id=f"p{n}", target="llama.cpp", kind="believed", value=0.0, low=0.0,
                high=0.0, rank=10 + n, record={},
                place=[5, -n / 3000, 0.0, 0.0, 0, 2, f"paper {n}", f"p{n}"],
            )
            for n in range(10_000)
        ]  # fmt: skip
        session.connection().exec_driver_sql("PRAGMA foreign_keys=OFF")
        scores.save(session, values, {"kind": "rule", "ref": "test"})
        what_if(session, "flatquant")
        began = time.perf_counter()
        others = standings(session, "llama.cpp", but="flatquant")
        found = what_if(session, "flatquant", others=others)
        took = time.perf_counter() - began
    assert len(others) == 10_009
    assert found["now"]["rank"] <= 10
    assert took < 1.0  # 0.1 s on an idle machine
