from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.errors import DocumentError, NotFoundError
from db.models import Environment, Run
from db.queries import runs
from db.queries.run_documents import RunRefusedError, check_run, speeds_claimed
from tests.db.builders import document, failed_run, interval, run, stored_run


def test_importing_twice_changes_nothing(session: Session) -> None:
    paper = document(run("one"), run("two"), failed_run(case="three"))
    first = runs.import_document(session, paper)
    assert (len(first.added), first.known, first.rejected) == (3, (), ())
    reordered = {key: paper[key] for key in reversed(paper)}
    second = runs.import_document(session, json.loads(json.dumps(reordered)))
    assert (second.added, sorted(second.known)) == ((), sorted(first.added))
    assert session.query(Run).count() == 3
    assert session.query(Environment).count() == 1


def test_a_document_that_grew_adds_what_is_new(session: Session) -> None:
    runs.import_document(session, document(run("one")))
    result = runs.import_document(session, document(run("one"), run("two"), run("two")))
    assert (len(result.added), len(result.known)) == (1, 1)


def test_the_same_figures_at_another_time_are_another_run(session: Session) -> None:
    runs.import_document(session, document(run()))
    again = runs.import_document(session, document(run(), started_at="2026-02-01T00:00:00Z"))
    assert len(again.added) == 1


def test_a_run_is_kept_as_it_was_measured(session: Session) -> None:
    measured = run("one", provisional=True, extra={"anything": [1, None, "大"]})
    (run_id,) = runs.import_document(
        session, document(measured, started_at="2026-01-02T04:04:05+01:00")
    ).added
    stored = runs.get(session, run_id)
    assert stored.record == measured
    assert (stored.prototype, stored.case, stored.device_id) == ("sampling", "one", "some-cpu")
    assert (stored.speedup, stored.time_us, stored.target_weight) == (2.0, 50.0, 1.0)
    assert (stored.shipped, stored.provisional, stored.quality_pass) == (True, True, True)
    assert stored.started_at == "2026-01-02T03:04:05.000000+00:00"
    assert stored.environment.record["device_id"] == "some-cpu"
    with pytest.raises(NotFoundError):
        runs.get(session, "none")


LIES: list[dict[str, Any]] = [
    {"fidelity": {"pass": False}},
    {"fidelity": {"pass": None}},
    {"fidelity": None},
    {"quality_pass": False},
    {"quality_pass": None},
    {"quality_pass": False, "status": "below_quality"},
    {"quality_pass": False, "status": "below_quality", "speedup": None},
    {"quality_pass": False, "status": "below_quality", "speedup": None, "time_us": None},
    {"status": "implausible"},
    {"status": "broken", "fidelity": {"pass": False}},
]


@pytest.mark.parametrize("lie", LIES)
def test_speed_without_passed_gates_is_refused_and_the_rest_stored(
    session: Session, lie: dict[str, Any]
) -> None:
    result = runs.import_document(session, document(run("honest"), run("lie", **lie)))
    assert len(result.added) == 1
    (reason,) = result.rejected
    assert reason.startswith("run 2 (sampling lie): it claims speed (")
    assert [stored.case for stored in runs.for_prototypes(session)] == ["honest"]


def test_ok_without_gates_is_refused_even_without_speed(session: Session) -> None:
    silent = run(times=None, time_us=None, quality_pass=None)
    (reason,) = runs.import_document(session, document(silent)).rejected
    assert "says ok without having passed its quality gate" in reason


@pytest.mark.parametrize(
    "status",
    ["below_quality", "broken", "not_runnable", "timeout", "out_of_memory", "crashed", "error"],
)
def test_failures_without_speed_are_results(session: Session, status: str) -> None:
    error = {"kind": status, "message": "why"}
    result = runs.import_document(session, document(failed_run(status, error=error)))
    assert len(result.added) == 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"prototype": ""}, "prototype is missing"),
        ({"case": None}, "case is missing"),
        ({"case": "c" * 500}, "case is missing"),
        ({"scope": "universe"}, "scope is 'universe'"),
        ({"status": "fine"}, "status is 'fine'"),
        ({"shipped": "yes"}, "shipped"),
        ({"target_weight": -1}, "target_weight"),
        ({"target_weight": "1"}, "target_weight"),
        ({"speedup": 2.0}, "speedup is no record"),
        ({"speedup": {"median": 2, "low": 3, "high": 4}}, "outside its interval"),
        ({"speedup": {"median": 0, "low": 0, "high": 0}}, "positive numbers"),
        ({"speedup": {"median": float("inf"), "low": 1, "high": 2}}, "positive numbers"),
        ({"time_us": {"median": "fast"}}, "positive numbers"),
        ({"baselines": "none"}, "baselines"),
        ({"baselines": [1]}, "baselines"),
        ({"quality_pass": "yes"}, "quality gate is neither"),
    ],
)
def test_a_broken_run_is_refused_with_its_reason(
    session: Session, broken: dict[str, Any], reason: str
) -> None:
    result = runs.import_document(session, document(run(**broken), run("fine")))
    assert reason in result.rejected[0]
    assert len(result.added) == 1


@pytest.mark.parametrize("odd", [None, 3, "run", []])
def test_something_else_than_a_run_is_refused(session: Session, odd: Any) -> None:
    assert runs.import_document(session, document(odd)).rejected == ("run 1: not a record",)


@pytest.mark.parametrize(
    ("paper", "words"),
    [
        ({}, "no runs"),
        ([], "no runs"),
        ({"schema": 99, "environment": {}, "runs": []}, "schema 99"),
        ({"schema": 1, "runs": []}, "damaged"),
        ({**document(), "runs": {}}, "damaged"),
        (document(device_id=""), "device_id"),
        (document(device_class="toaster"), "toaster"),
        (document(started_at="yesterday"), "yesterday"),
        (document(run(), noise_floor=float("nan")), "NaN"),
    ],
)
def test_what_is_no_run_document_is_refused_whole(session: Session, paper: Any, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        runs.import_document(session, paper)
    assert session.query(Run).count() == 0


_junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["median", "low", "high", "pass", "name"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(run())), _junk, min_size=1, max_size=4))
def test_no_run_gets_past_its_gates_whatever_a_file_holds(changes: dict[str, Any]) -> None:
    candidate = copy.deepcopy(run()) | changes
    try:
        accepted = check_run(candidate)
    except RunRefusedError:
        return
    if speeds_claimed(accepted):
        assert accepted["status"] == "ok"
        assert accepted["fidelity"]["pass"] is True
        assert accepted["quality_pass"] is True


@pytest.mark.parametrize(
    "values",
    [
        {"fidelity_pass": False},
        {"fidelity_pass": None},
        {"quality_pass": False},
        {"quality_pass": None},
        {"status": "below_quality"},
        {"quality_pass": False, "time_us": None},
        {"quality_pass": None, "speedup": None},
        {"speedup": 0.0},
        {"speedup": -1.0},
        {"target_weight": -1.0},
    ],
)
def test_the_database_itself_refuses_speed_without_gates(
    session: Session, values: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError):
        stored_run(session, **values)


def test_a_failed_gate_without_speed_is_stored(session: Session) -> None:
    stored_run(session, quality_pass=False, status="below_quality", speedup=None, time_us=None)


def _import(session: Session, day: int, *found: dict[str, Any], device: str = "some-cpu") -> None:
    at = f"2026-01-{day:02d}T00:00:00+00:00"
    runs.import_document(session, document(*found, started_at=at, device_id=device))


def _standing(session: Session, device: str = "some-cpu") -> list[tuple[str, str, bool, str]]:
    found = runs.newest_per_device(session, ["sampling"])["sampling"][device]
    return [(r.case, r.status, r.provisional, r.started_at[8:10]) for r in found]


def test_the_newest_run_counts(session: Session) -> None:
    _import(session, 1, run("a"), run("b"))
    _import(session, 3, run("a"))
    _import(session, 2, run("a"))
    assert _standing(session) == [("a", "ok", False, "03"), ("b", "ok", False, "01")]


def test_a_full_run_counts_more_than_a_newer_quick_one(session: Session) -> None:
    _import(session, 1, run("a"))
    _import(session, 2, run("a", provisional=True), run("b", provisional=True))
    assert _standing(session) == [("a", "ok", False, "01"), ("b", "ok", True, "02")]


def test_a_newer_failure_of_a_gate_counts_but_a_crash_does_not(session: Session) -> None:
    _import(session, 1, run("a"), run("b"))
    _import(session, 2, failed_run("below_quality", case="a"), failed_run("crashed", case="b"))
    assert _standing(session) == [("a", "below_quality", False, "02"), ("b", "ok", False, "01")]


def test_devices_and_implementations_stand_side_by_side(session: Session) -> None:
    _import(session, 1, run("a"), run("a", implementation="sorted"))
    _import(session, 2, run("a"), device="gpu")
    assert len(_standing(session)) == 2
    assert len(_standing(session, "gpu")) == 1
    assert [(d.device_id, d.newest_at[8:10]) for d in runs.devices(session)] == [
        ("gpu", "02"),
        ("some-cpu", "01"),
    ]
    assert len(runs.for_prototypes(session, ["sampling"], device_id="gpu")) == 1
    assert runs.for_prototypes(session, ["other"]) == []
    assert [r.started_at[8:10] for r in runs.for_prototypes(session)] == ["02", "01", "01"]


def test_intervals_of_one_value_are_fine(session: Session) -> None:
    result = runs.import_document(session, document(run(time_us=interval(5, 0))))
    assert len(result.added) == 1
