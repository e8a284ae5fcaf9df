"""A measurement moves the score, by the formula, and the history says why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.benchmark import import_run_files
from app.workflows.correct import revert_fact, set_facts
from app.workflows.measuring import list_prototypes
from app.workflows.paper import show_paper
from app.workflows.ranking import list_papers
from db.engine import session_scope
from db.queries import claims as claim_queries
from db.queries import prototype_links
from tests.app.run_documents import CLAIM, document, run


def measure(engine: Engine, tmp_path: Path, record: dict[str, Any]) -> Any:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return import_run_files(engine, [path])


def paper(engine: Engine, name: str = "sampling", **options: Any) -> dict[str, Any]:
    with session_scope(engine) as session:
        return show_paper(session, name, **options)


def test_a_run_moves_the_score_as_the_formula_says(catalog: Engine, tmp_path: Path) -> None:
    before = paper(catalog)
    summary = measure(catalog, tmp_path, document(run(engine=4.0)))
    after = paper(catalog)
    assert summary.added == 1
    assert [m.paper_id for m in summary.moves] == ["sampling"]

    headline = before["belief"]["headline"]
    claim_precision = headline["sigma"] ** -2
    width = (math.log(4.08) - math.log(3.92)) / 2 / 1.959963984540054
    measured_precision = min(400, max(width, 0.05) ** -2)
    mean = (claim_precision * math.log(2.0) + measured_precision * math.log(4.0)) / (
        4 + claim_precision + measured_precision
    )
    speedup = math.exp(mean)
    assert after["belief"]["speedup"] == pytest.approx(speedup)
    whole_run = 1 / (0.995 + 0.005 / speedup)
    assert after["belief"]["run_speedup"] == pytest.approx(whole_run)
    moved = after["score"]["believed"]["value"] - before["score"]["believed"]["value"]
    points = 1.5 / 0.72
    assert moved == pytest.approx(points * (whole_run - before["belief"]["run_speedup"]), abs=2e-4)
    step = after["history"][-1]
    assert step["kind"] == "believed"
    assert step["after"] == pytest.approx(after["score"]["believed"]["value"], abs=1e-4)
    assert "Test CPU" in step["cause"]


def test_the_verdict_stands_beside_the_claim(catalog: Engine, tmp_path: Path) -> None:
    measure(catalog, tmp_path, document(run(paper=12.0, engine=0.9)))
    record = paper(catalog)
    claim = next(c for c in record["claims"] if c["key"] == CLAIM)
    assert [v["verdict"] for v in claim["verdicts"]] == ["confirmed"]
    assert claim["verdicts"][0]["device"] == "test-cpu"
    row = record["row"]
    assert row["verdict"] == "confirmed"
    assert row["measured_speedup"] == pytest.approx(12.0)
    assert row["engine_speedup"] == pytest.approx(0.9)
    assert row["device"] == "test-cpu"
    assert row["run_speedup"] < 1


def test_importing_twice_changes_nothing(catalog: Engine, tmp_path: Path) -> None:
    measure(catalog, tmp_path, document())
    before = paper(catalog)
    again = measure(catalog, tmp_path, document())
    assert (again.added, again.known, again.moves) == (0, 1, ())
    assert paper(catalog) == before


def test_a_broken_prototype_moves_nothing(catalog: Engine, tmp_path: Path) -> None:
    before = paper(catalog)
    summary = measure(catalog, tmp_path, document(run(status="broken")))
    after = paper(catalog)
    assert summary.added == 1
    assert not summary.moves
    assert after["score"] == before["score"]
    assert after["row"]["verdict"] == "untested"


def test_below_quality_takes_the_points_and_says_careful(catalog: Engine, tmp_path: Path) -> None:
    measure(catalog, tmp_path, document(run(status="below_quality")))
    record = paper(catalog)
    assert record["row"]["recommendation"] == "careful"
    assert record["row"]["verdict"] == "below_quality"
    performance = next(c for c in record["breakdown"] if c["name"] == "performance")
    assert performance["points"] <= 0


def test_speed_without_passed_gates_is_refused(catalog: Engine, tmp_path: Path) -> None:
    cheat = run(quality_pass=False)
    summary = measure(catalog, tmp_path, document(cheat))
    assert summary.added == 0
    assert summary.files[0].rejected
    assert paper(catalog)["row"]["verdict"] == "untested"


def test_the_heaviest_device_ranks_and_each_can_be_asked_alone(
    catalog: Engine, tmp_path: Path
) -> None:
    measure(catalog, tmp_path, document(run(engine=2.0)))
    far = document(
        run(engine=0.5, device="cuda:0"),
        device_id="h100",
        device_name="H100",
        device_class="datacentre_gpu",
        started_at="2026-11-25T00:00:00+00:00",
    )
    measure(catalog, tmp_path, far)
    assert paper(catalog)["row"]["device"] == "test-cpu"
    with session_scope(catalog) as session:
        alone = {
            device: next(
                r for r in list_papers(session, device=device) if r["paper_id"] == "sampling"
            )
            for device in ("test-cpu", "h100")
        }
    assert alone["test-cpu"]["run_speedup"] > 1 > alone["h100"]["run_speedup"]
    assert alone["h100"]["device"] == "h100"


def test_where_the_ranking_device_says_nothing_another_speaks_and_is_named(
    catalog: Engine, tmp_path: Path
) -> None:
    gpu = {"device_id": "h100", "device_name": "H100", "device_class": "datacentre_gpu"}
    measure(catalog, tmp_path, document(run(device="cuda:0", provisional=True), **gpu))
    measure(catalog, tmp_path, document(run(engine=2.0, claims=[])))
    row = paper(catalog)["row"]
    assert (row["verdict"], row["verdict_device"]) == ("confirmed", "h100")
    assert row["measured_speedup"] == pytest.approx(12.0)
    assert row["provisional"]
    # The score doesn't ask: it counts the device of the highest weight, as before.
    assert (row["device"], row["engine_speedup"]) == ("test-cpu", pytest.approx(2.0))
    alone = paper(catalog, device="test-cpu")["row"]
    assert (alone["verdict"], alone["verdict_device"]) == ("untested", "test-cpu")

    later = "2026-11-25T00:00:00+00:00"
    measure(catalog, tmp_path, document(run(status="not_runnable"), started_at=later))
    row = paper(catalog)["row"]
    assert (row["verdict"], row["verdict_device"]) == ("confirmed", "h100")

    measure(catalog, tmp_path, document(run(status="below_quality"), started_at="2026-11-26"))
    row = paper(catalog)["row"]
    assert (row["verdict"], row["verdict_device"]) == ("below_quality", "test-cpu")
    assert row["recommendation"] == "careful"


def test_a_damaged_file_says_so_and_loses_nothing(catalog: Engine, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    for text in ("", "{", "[]", '{"schema": 99}', '{"schema": 1, "environment": {}, "runs": 3}'):
        path.write_text(text, encoding="utf-8")
        summary = import_run_files(catalog, [path, tmp_path / "nowhere.json"])
        assert not summary.is_clean
        assert all(file.error and "\n" not in file.error for file in summary.files)
    assert paper(catalog)["row"]["verdict"] == "untested"


def test_a_correction_moves_the_score_and_can_be_taken_back(catalog: Engine) -> None:
    before = paper(catalog, "sage")
    with session_scope(catalog) as session:
        moves = set_facts(session, "sage", {"relevance": "0.9"}, why="we need it", who="Ada")
    after = paper(catalog, "sage")
    assert {m.kind for m in moves} == {"believed", "claimed"}
    gain = after["score"]["believed"]["value"] - before["score"]["believed"]["value"]
    assert gain == pytest.approx(5 * (0.9 - before["row"]["relevance"]), abs=1e-3)
    assert after["overrides"][0]["who"] == "Ada"
    assert "we need it" in after["history"][-1]["cause"]
    with session_scope(catalog) as session:
        revert_fact(session, after["overrides"][0]["id"], who="Ada")
    back = paper(catalog, "sage")
    assert back["score"] == before["score"]
    assert not back["overrides"]
    assert "took back" in back["history"][-1]["cause"]


def test_claims_of_the_prototypes_are_claims_of_the_catalog(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        known = claim_queries.keys(session)
        links = prototype_links.prototypes(session)
    for prototype in list_prototypes():
        assert set(prototype["claims"]) <= known
        for slug in prototype["papers"]:
            assert prototype["name"] in links[slug]
