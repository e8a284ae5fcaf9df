"""Facts: which value of a field counts, a person's corrections and their undoing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from db.dialects import json_text
from db.errors import NotFoundError, RefusedError
from db.models import Fact, Reading, now
from db.queries import counters, papers

CURRENT = "current"

PRECEDENCE = {"analysis": 0, "seed": 1, "person": 2}
"""Of facts on one field the highest counts, and of one source's the newest."""


class FactRow(NamedTuple):
    """A fact that counts. JSON is decoded when it is asked for: most readers want values only."""

    id: int
    paper_id: str
    reading_id: str
    field: str
    value_json: str | float
    """SQLite gives a JSON number back as a number: 1.0 comes as 1."""
    source: str
    reasons_json: str
    evidence_json: str
    who: str | None
    why: str | None
    at: str

    @property
    def value(self) -> Any:
        """The value, as JSON has it."""
        return json.loads(self.value_json) if isinstance(self.value_json, str) else self.value_json

    @property
    def reasons(self) -> list[Any]:
        """Each {"en", "zh"} or {"template", "params"}."""
        return json.loads(self.reasons_json) or []

    @property
    def evidence(self) -> list[Any]:
        """Each {"text", "url"?, "date"?}."""
        return json.loads(self.evidence_json) or []


Effective = dict[str, dict[str, FactRow]]


def effective(
    session: Session, reading: str = CURRENT, paper_ids: Collection[str] | None = None
) -> Effective:
    """Return the winning fact per paper and field: a person's word > seed > analysis.

    Of several from one source the newest counts, reverted ones never. One query, whatever the
    number of papers; papers without facts are absent.
    """
    winners: Effective = {}
    session.flush()
    # The connection's own rows: going through the ORM would cost half as much again.
    rows = session.connection().execute(_live_facts(session, reading, paper_ids)).all()
    # Sorted here: in SQLite an ORDER BY would read all papers' facts, which are in this order.
    for row in rows if paper_ids is None else sorted(rows, key=lambda row: int(row.id)):
        fact = FactRow._make(row)
        fields = winners.setdefault(fact.paper_id, {})
        standing = fields.get(fact.field)
        if standing is None or PRECEDENCE[fact.source] >= PRECEDENCE[standing.source]:
            fields[fact.field] = fact
    return winners


def _live_facts(
    session: Session, reading: str, paper_ids: Collection[str] | None
) -> Select[*tuple[Any, ...]]:
    statement = select(
        Fact.id,
        Fact.paper_id,
        Fact.reading_id,
        Fact.field,
        json_text(session, Fact.value),
        Fact.source,
        json_text(session, Fact.reasons),
        json_text(session, Fact.evidence),
        Fact.who,
        Fact.why,
        Fact.at,
    ).where(Fact.reading_id == reading, Fact.reverted_at.is_(None))
    if paper_ids is None:
        return statement.order_by(Fact.id)
    return statement.where(Fact.paper_id.in_(list(paper_ids)))


def set_correction(
    session: Session, paper_id: str, field: str, value: Any, who: str, why: str
) -> Fact:
    """Record a person's word on a field in `current`; it wins until it is reverted.

    `value` is anything that JSON can say; whether the field may hold it is the caller's question.
    Raises `NotFoundError` for an unknown paper, `RefusedError` where who or why is missing.
    """
    if not who.strip() or not why.strip():
        raise RefusedError("A correction needs a name and a reason: say who and why.")
    if not field.strip():
        raise RefusedError("A correction needs the name of the field that it corrects.")
    _require_json(value)
    counters.bump(session)
    papers.get(session, paper_id)
    _ensure_current(session)
    fact = Fact(
        paper_id=paper_id,
        reading_id=CURRENT,
        field=field,
        value=value,
        source="person",
        who=who.strip(),
        why=why.strip(),
    )
    session.add(fact)
    session.flush()
    return fact


def revert(session: Session, fact_id: int, who: str, why: str | None = None) -> Fact:
    """Take a person's correction back; what counted before it counts again.

    It stays on record. Raises `NotFoundError`, or `RefusedError` for a fact that is no person's or
    that was reverted already.
    """
    counters.bump(session)
    fact = session.get(Fact, fact_id, populate_existing=True)
    if fact is None:
        raise NotFoundError("There is no correction number {fact_id}.", fact_id=fact_id)
    if fact.source != "person":
        raise RefusedError("Only a person's correction can be reverted: set a correction instead.")
    if fact.reverted_at is not None:
        raise RefusedError("That correction was reverted already.")
    if not who.strip():
        raise RefusedError("Reverting a correction needs a name: say who.")
    fact.reverted_at = now()
    fact.reverted_by = who.strip()
    fact.reverted_why = why.strip() if why and why.strip() else None
    session.flush()
    return fact


def history(session: Session, paper_id: str) -> list[Fact]:
    """Return a paper's facts in `current`, reverted and outranked ones too, newest first."""
    statement = (
        select(Fact)
        .where(Fact.paper_id == paper_id, Fact.reading_id == CURRENT)
        .order_by(Fact.at.desc(), Fact.id.desc())
    )
    return list(session.scalars(statement))


def overrides(session: Session, paper_id: str) -> list[FactRow]:
    """Return the person's corrections of a paper that count now, by field."""
    fields = effective(session, CURRENT, [paper_id]).get(paper_id, {})
    return [fields[name] for name in sorted(fields) if fields[name].source == "person"]


def replace_analysis(
    session: Session, paper_id: str, facts: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Make `facts` (field → {"value", "reasons"?, "evidence"?}) the analysis' facts of a paper.

    Fields that the new analysis no longer has are dropped, equal ones stay as they are; seed facts
    and corrections are never touched. Returns whether anything changed.
    """
    counters.bump(session)
    papers.get(session, paper_id)
    _ensure_current(session)
    return replace_facts(session, paper_id, CURRENT, "analysis", facts) != (0, 0, 0)


def replace_facts(
    session: Session,
    paper_id: str,
    reading: str,
    source: str,
    facts: Mapping[str, Mapping[str, Any]],
) -> tuple[int, int, int]:
    """Make `facts` the paper's facts from `source` in `reading`; return (added, updated, removed).

    For sources that speak with one voice (seed, analysis); a person's facts have a history.
    """
    statement = select(Fact).where(
        Fact.paper_id == paper_id, Fact.reading_id == reading, Fact.source == source
    )
    held = {fact.field: fact for fact in session.scalars(statement)}
    added = updated = 0
    for field, record in facts.items():
        reasons, evidence = list(record.get("reasons", [])), list(record.get("evidence", []))
        fact = held.pop(field, None)
        if fact is None:
            session.add(
                Fact(
                    paper_id=paper_id,
                    reading_id=reading,
                    field=field,
                    value=record["value"],
                    source=source,
                    reasons=reasons,
                    evidence=evidence,
                )
            )
            added += 1
        elif (fact.value, fact.reasons, fact.evidence) != (record["value"], reasons, evidence):
            fact.value, fact.reasons, fact.evidence = record["value"], reasons, evidence
            fact.at = now()
            updated += 1
    for gone in held.values():
        session.delete(gone)
    session.flush()
    return added, updated, len(held)


def _ensure_current(session: Session) -> None:
    if session.get(Reading, CURRENT) is None:
        session.add(Reading(id=CURRENT, title={"en": "Today", "zh": "当前"}, frozen=False))
        session.flush()


def _require_json(value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise RefusedError("{value!r} can't be stored as a fact.", value=value) from None
