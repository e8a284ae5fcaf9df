from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.errors import DuplicateError, NotFoundError, RefusedError
from db.models import Fact, Reading
from db.queries import facts, readings
from tests.db.builders import add_current, add_paper


def fact(session: Session, source: str, value: Any, **more: Any) -> Fact:
    person = {"who": "Ada", "why": "seen it"} if source == "person" else {}
    row = Fact(
        **{
            "paper_id": "fast",
            "reading_id": "current",
            "field": "relevance",
            "value": value,
            "source": source,
            **person,
            **more,
        }
    )
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def paper(session: Session) -> Session:
    add_paper(session)
    add_current(session)
    return session


def value(session: Session, field: str = "relevance") -> Any:
    found = facts.effective(session).get("fast", {}).get(field)
    return found.value if found else None


@pytest.mark.parametrize("order", [("person", "seed", "analysis"), ("analysis", "seed", "person")])
def test_a_person_outranks_the_seed_and_the_seed_an_analysis(
    paper: Session, order: tuple[str, ...]
) -> None:
    values = {"person": 0.9, "seed": 0.5, "analysis": 0.1}
    rows = {source: fact(paper, source, values[source]) for source in order}
    assert value(paper) == 0.9
    rows["person"].reverted_at = "2026"
    paper.flush()
    assert value(paper) == 0.5
    paper.delete(rows["seed"])
    paper.flush()
    assert value(paper) == 0.1


@pytest.mark.parametrize(
    "stored", [0.5, 1, 1.0, True, None, "1.0", "high", "", [], [{"a": None}], {"en": "大"}]
)
def test_any_json_value_comes_back_as_it_was(paper: Session, stored: Any) -> None:
    facts.set_correction(paper, "fast", "anything", stored, "Ada", "to see")
    assert value(paper, "anything") == stored
    assert isinstance(value(paper, "anything"), str) == isinstance(stored, str)


def test_corrections_stand_on_each_other_and_are_undone_one_by_one(paper: Session) -> None:
    fact(paper, "seed", 0.5)
    first = facts.set_correction(paper, "fast", "relevance", 0.7, "Ada", "read it again")
    second = facts.set_correction(paper, "fast", "relevance", 0.9, "Bob", "measured it")
    assert value(paper) == 0.9
    facts.revert(paper, second.id, "Ada", "measured wrongly")
    assert value(paper) == 0.7
    facts.revert(paper, first.id, "Ada")
    assert value(paper) == 0.5
    history = facts.history(paper, "fast")
    assert [row.value for row in history] == [0.9, 0.7, 0.5]
    assert (history[0].reverted_by, history[0].reverted_why) == ("Ada", "measured wrongly")
    assert history[0].reverted_at is not None
    assert history[1].reverted_why is None


def test_overrides_are_the_corrections_that_count(paper: Session) -> None:
    fact(paper, "seed", 0.5)
    facts.set_correction(paper, "fast", "relevance", 0.7, "Ada", "first")
    facts.set_correction(paper, "fast", "relevance", 0.8, "Ada", "second")
    facts.set_correction(paper, "fast", "complexity", "low", "Ada", "easy")
    found = facts.overrides(paper, "fast")
    assert [(row.field, row.value, row.who, row.why) for row in found] == [
        ("complexity", "low", "Ada", "easy"),
        ("relevance", 0.8, "Ada", "second"),
    ]


def test_a_correction_needs_a_paper_a_name_a_reason_and_a_storable_value(paper: Session) -> None:
    with pytest.raises(NotFoundError):
        facts.set_correction(paper, "nobody", "relevance", 1, "Ada", "why")
    for who, why in [("", "why"), ("Ada", " ")]:
        with pytest.raises(RefusedError, match="who and why"):
            facts.set_correction(paper, "fast", "relevance", 1, who, why)
    with pytest.raises(RefusedError):
        facts.set_correction(paper, "fast", " ", 1, "Ada", "why")
    for unstorable in (float("nan"), {1, 2}):
        with pytest.raises(RefusedError, match="stored"):
            facts.set_correction(paper, "fast", "relevance", unstorable, "Ada", "why")
    assert facts.history(paper, "fast") == []


def test_the_database_itself_refuses_a_correction_without_a_reason(paper: Session) -> None:
    with pytest.raises(IntegrityError):
        fact(paper, "person", 1, why=None)


def test_only_a_standing_correction_can_be_reverted(paper: Session) -> None:
    seed = fact(paper, "seed", 0.5)
    mine = facts.set_correction(paper, "fast", "relevance", 0.7, "Ada", "why")
    with pytest.raises(RefusedError, match="person"):
        facts.revert(paper, seed.id, "Ada")
    with pytest.raises(NotFoundError):
        facts.revert(paper, 12345, "Ada")
    with pytest.raises(RefusedError, match="name"):
        facts.revert(paper, mine.id, " ")
    facts.revert(paper, mine.id, "Ada")
    with pytest.raises(RefusedError, match="already"):
        facts.revert(paper, mine.id, "Ada")


def test_a_new_analysis_replaces_the_old_one_and_nothing_else(paper: Session) -> None:
    fact(paper, "seed", 0.5)
    facts.set_correction(paper, "fast", "complexity", "low", "Ada", "why")
    analysis = {
        "relevance": {"value": 0.1},
        "complexity": {"value": "high", "reasons": [{"template": "kernels", "params": {}}]},
        "hardware": {"value": ["H100"], "evidence": [{"text": "Table 1"}]},
    }
    assert facts.replace_analysis(paper, "fast", analysis)
    stamps = {row.field: row.at for row in facts.history(paper, "fast") if row.source == "analysis"}
    assert not facts.replace_analysis(paper, "fast", analysis)
    assert facts.replace_analysis(paper, "fast", {"complexity": analysis["complexity"]})
    rows = [row for row in facts.history(paper, "fast") if row.source == "analysis"]
    assert [(row.field, row.value, row.reasons) for row in rows] == [
        ("complexity", "high", [{"template": "kernels", "params": {}}])
    ]
    assert rows[0].at == stamps["complexity"]
    assert (value(paper), value(paper, "complexity")) == (0.5, "low")


def test_readings_do_not_mix(paper: Session) -> None:
    paper.add(Reading(id="report", date="2025-08-06", title={}, frozen=True))
    paper.flush()
    fact(paper, "seed", 1.0, reading_id="report")
    fact(paper, "seed", 0.5)
    assert facts.effective(paper, "report")["fast"]["relevance"].value == 1.0
    assert value(paper) == 0.5
    assert facts.effective(paper, paper_ids=["other"]) == {}


def test_a_frozen_reading_keeps_what_counted(paper: Session) -> None:
    fact(paper, "seed", 0.5)
    facts.set_correction(paper, "fast", "relevance", 0.7, "Ada", "why")
    readings.freeze(paper, "report-2026", title={"en": "R"}, date="2026-03-01")
    facts.set_correction(paper, "fast", "relevance", 0.9, "Ada", "why")
    frozen = facts.effective(paper, "report-2026")["fast"]["relevance"]
    assert (frozen.value, frozen.source, frozen.who) == (0.7, "person", "Ada")
    assert [
        (d.field, d.before and d.before.value, d.after and d.after.value)
        for d in readings.differences(paper, "report-2026")
    ] == [("relevance", 0.7, 0.9)]
    with pytest.raises(DuplicateError):
        readings.freeze(paper, "report-2026", title={}, date="2026-03-01")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "B", "ä", "b-1"]),
            st.sampled_from(["relevance", "risks"]),
            st.sampled_from(["analysis", "seed", "person"]),
            st.booleans(),
        ),
        max_size=9,
    )
)
def test_what_counts_can_be_read_paper_by_paper(
    stated: list[tuple[str, str, str, bool]],
) -> None:
    from sqlalchemy import create_engine

    from db.models import Base

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        add_current(session)
        for paper_id in ("a", "B", "ä", "b-1"):
            add_paper(session, paper_id)
        for number, (paper_id, field, source, is_reverted) in enumerate(stated):
            reverted = {"reverted_at": "2026"} if is_reverted else {}
            fact(session, source, number, paper_id=paper_id, field=field, **reverted)
        expected = sorted(
            (row.paper_id, field, row.id)
            for fields in facts.effective(session).values()
            for field, row in fields.items()
        )
        found = [(f.paper_id, f.field, f.id) for f in readings.standing(session)]
        assert found == expected
    engine.dispose()


def test_differences_name_fields_that_only_one_reading_knows(paper: Session) -> None:
    paper.add(Reading(id="report", date="2025-08-06", title={}, frozen=True))
    paper.flush()
    fact(paper, "seed", 0.5, field="old", reading_id="report")
    fact(paper, "seed", 0.5, field="same", reading_id="report")
    fact(paper, "seed", 0.5, field="same")
    fact(paper, "seed", 0.5, field="new")
    found = readings.differences(paper, "report")
    assert [(d.field, d.before is None, d.after is None) for d in found] == [
        ("new", True, False),
        ("old", False, True),
    ]


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["analysis", "seed", "person"]), st.booleans()), max_size=8
    )
)
def test_the_winner_is_the_newest_of_the_best_source(steps: list[tuple[str, bool]]) -> None:
    from sqlalchemy import create_engine

    from db.models import Base

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        add_paper(session)
        add_current(session)
        for number, (source, is_reverted) in enumerate(steps):
            fact(session, source, number, reverted_at="2026" if is_reverted else None)
        rank = ["analysis", "seed", "person"]
        standing = [
            (rank.index(s), n) for n, (s, is_reverted) in enumerate(steps) if not is_reverted
        ]
        assert value(session) == (max(standing)[1] if standing else None)
    engine.dispose()
