"""Claims: read them for papers, and take in what an analysis found."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from db.dialects import json_text
from db.errors import NotFoundError
from db.models import Claim, Place
from db.queries import counters, papers
from db.queries.claim_matching import find_held

_AT_ONCE = 2000


class ClaimRow(NamedTuple):
    """A claim as the score reads it: all but its places."""

    key: str
    paper_id: str
    source: str
    position: int
    metric: str
    value: float
    value_high: float | None
    unit: str
    bound: str
    subject: str | None
    scope: str | None
    part: str | None
    regime: str | None
    baseline: str | None
    baseline_kind: str
    weak_baseline: bool
    overtaken_baseline: bool
    hardware: str | None
    own_result: bool
    in_abstract: bool
    confidence: float | None
    locator: str | None
    text_json: str | None

    @property
    def text(self) -> dict[str, Any] | None:
        """The claim in our own words, {"en", "zh"}; None for an analysed claim."""
        return json.loads(self.text_json) if self.text_json else None


class AnalysedClaims(NamedTuple):
    """What became of an analysis' claims: keys that they confirmed, keys that are new."""

    matched: tuple[str, ...]
    added: tuple[str, ...]


def rows(session: Session, paper_ids: Collection[str] | None = None) -> dict[str, list[ClaimRow]]:
    """Return the claims of all (or these) papers in one query, by paper, in the paper's order."""
    columns = [getattr(Claim, name) for name in ClaimRow._fields[:-1]]
    statement = select(*columns, json_text(session, Claim.text)).order_by(
        Claim.paper_id, Claim.position, Claim.key
    )
    if paper_ids is not None:
        statement = statement.where(Claim.paper_id.in_(list(paper_ids)))
    found: dict[str, list[ClaimRow]] = {}
    session.flush()
    for row in session.connection().execute(statement).all():
        claim = ClaimRow._make(row)
        found.setdefault(claim.paper_id, []).append(claim)
    return found


def every(session: Session) -> Iterator[ClaimRow]:
    """Yield all claims without their texts, in no order, as they are asked for."""
    columns = [getattr(Claim, name) for name in ClaimRow._fields[:-1]]
    session.flush()
    found = session.connection().execute(select(*columns).execution_options(yield_per=_AT_ONCE))
    return (ClaimRow._make((*row, None)) for row in found)


def baselines(
    session: Session, *, paper_id: str | None = None, naming: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return the baselines of own claims by paper: of one paper, or those with one of the names."""
    statement = select(Claim.paper_id, Claim.baseline).where(
        Claim.baseline.is_not(None), Claim.own_result
    )
    if paper_id is not None:
        statement = statement.where(Claim.paper_id == paper_id)
    if naming:
        tests = [Claim.baseline.icontains(name, autoescape=True) for name in naming]
        statement = statement.where(or_(*tests))
    found: dict[str, list[str]] = {}
    for paper, baseline in session.execute(statement.distinct()):
        found.setdefault(paper, []).append(baseline or "")
    return found


def for_paper(session: Session, paper_id: str) -> list[Claim]:
    """Return a paper's claims with their places, in the paper's order."""
    statement = (
        select(Claim)
        .where(Claim.paper_id == paper_id)
        .options(selectinload(Claim.places))
        .order_by(Claim.position, Claim.key)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def get(session: Session, key: str) -> Claim:
    """Return the claim with this key; raises `NotFoundError`."""
    claim = session.get(Claim, key)
    if claim is None:
        raise NotFoundError("No claim has the key {key!r}.", key=key)
    return claim


def keys(session: Session) -> set[str]:
    """Return the keys of all claims."""
    return set(session.scalars(select(Claim.key)))


def _keys_under(session: Session, paper_id: str) -> set[str]:
    """Return the keys that begin with a paper's id: those that a new key of it could hit."""
    first, last = f"{paper_id}/", f"{paper_id}0"  # "0" follows "/"
    return set(session.scalars(select(Claim.key).where(Claim.key >= first, Claim.key < last)))


def replace_analysis_claims(
    session: Session, paper_id: str, records: Iterable[Mapping[str, Any]]
) -> AnalysedClaims:
    """Make `records` (claims as `assay analyze` prints them) the analysed claims of a paper.

    A record that repeats a seed claim or a person's adds its places to that one, so that a claim
    is one row whoever found it; the others get keys of their own, the same at every analysis
    of the same text. Places of an earlier analysis go. Raises `NotFoundError`.
    """
    counters.bump(session)
    papers.get(session, paper_id)
    held = []
    for claim in for_paper(session, paper_id):
        claim.places.clear()
        if claim.source == "analysis":
            session.delete(claim)
        else:
            held.append(claim)
    session.flush()
    taken = _keys_under(session, paper_id)
    position = max((claim.position for claim in held), default=-1)
    matched: dict[str, None] = {}
    added = []
    for record in records:
        known = find_held(record, held)
        if known is not None:
            matched[known.key] = None
            _add_places(known, record)
            continue
        position += 1
        new = _new_claim(record, paper_id, _free_key(paper_id, record, taken), position)
        _add_places(new, record)
        session.add(new)
        added.append(new.key)
    session.flush()
    return AnalysedClaims(tuple(matched), tuple(added))


def reconcile(session: Session, paper_id: str) -> AnalysedClaims:
    """Match the analysed claims of a paper again, after its seed claims changed."""
    counters.bump(session)
    # Places on a seed claim came from an analysed claim that has no row of its own any more.
    records = [
        _as_record(claim)
        for claim in for_paper(session, paper_id)
        if claim.source == "analysis" or claim.places
    ]
    return replace_analysis_claims(session, paper_id, records)


def _as_record(claim: Claim) -> dict[str, Any]:
    record = {
        column.key: getattr(claim, column.key)
        for column in Claim.__mapper__.column_attrs
        if column.key not in ("key", "paper_id", "source", "position", "text", "locator")
    }
    record["places"] = [
        {"kind": place.kind, "quote": place.quote, "page": place.page, "boxes": place.boxes}
        for place in claim.places
    ]
    return record


def _new_claim(record: Mapping[str, Any], paper_id: str, key: str, position: int) -> Claim:
    optional = ("value_high", "subject", "scope", "part", "regime", "baseline", "hardware")
    return Claim(
        key=key,
        paper_id=paper_id,
        source="analysis",
        position=position,
        metric=record["metric"],
        value=float(record["value"]),
        unit=record.get("unit") or "",
        bound=record.get("bound") or "exact",
        baseline_kind=record.get("baseline_kind") or "unnamed",
        weak_baseline=bool(record.get("weak_baseline", False)),
        overtaken_baseline=bool(record.get("overtaken_baseline", False)),
        own_result=bool(record.get("own_result", True)),
        in_abstract=bool(record.get("in_abstract", False)),
        confidence=record.get("confidence"),
        **{name: record.get(name) for name in optional},
    )


def _free_key(paper_id: str, record: Mapping[str, Any], taken: set[str]) -> str:
    """Return `<paper>/<metric>-<value><unit>`, with a number where that is taken."""
    value = f"{float(record['value']):g}"
    if record.get("value_high") is not None:
        value += f"-{float(record['value_high']):g}"
    unit = re.sub(r"[^a-z0-9]+", "", (record.get("unit") or "").lower().replace("%", "pct"))
    base = f"{paper_id}/{record['metric'].replace('_', '-')}-{value}{unit[:12]}"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}-{number}", number + 1
    taken.add(key)
    return key


def _add_places(claim: Claim, record: Mapping[str, Any]) -> None:
    places: Sequence[Mapping[str, Any]] = record.get("places") or []
    if not places and record.get("quote"):
        places = [{**record, "kind": "sentence"}]
    seen = {(place.page, place.quote) for place in claim.places}
    for place in places:
        where = (place.get("page"), place["quote"])
        if where not in seen:
            seen.add(where)
            claim.places.append(
                Place(
                    kind=place.get("kind") or "sentence",
                    quote=place["quote"],
                    page=place.get("page"),
                    boxes=list(place.get("boxes") or []),
                )
            )
