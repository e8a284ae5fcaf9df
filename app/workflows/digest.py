"""The digest of what the watches found, out of the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from analyzers.errors import reason_of
from analyzers.message import message
from app.errors import UsageError
from app.i18n import LANGUAGES, translator
from app.labels import FIELDS, say
from app.reports.digest import Digest, DigestPaper, DigestWatch, to_atom, to_markdown
from app.reports.text import shorten
from app.reports.values import value_text
from app.workflows.claim_words import claim_words
from app.workflows.inbox import compared_with, places
from app.workflows.ranked import Ranking
from app.workflows.ranking import ranking, told
from db.models import Paper
from db.queries import facts as fact_queries
from db.queries import inbox as inbox_queries
from db.queries import watches
from db.queries.watches import Find

FORMATS = {"md": to_markdown, "atom": to_atom}
MEDIA_TYPES = {"md": "text/markdown", "atom": "application/atom+xml"}
SPAN = timedelta(days=7)
TOLD_FACTS = ("complexity", "integration", "hardware", "formats", "code_url")
LONGEST_FACT = 160


def format_of(output: Path | None) -> str:
    """Return the format that a file's name asks for; Markdown where it says nothing."""
    ending = output.suffix.lower() if output is not None else ""
    return "atom" if ending in (".atom", ".xml") else "md"


def write_digest(
    session: Session,
    *,
    format: str = "md",  # noqa: A002
    language: str = "en",
    since: str | None = None,
    ranked: Ranking | None = None,
) -> bytes:
    """Return the digest in a format: the same catalog and `since` give the same bytes.

    `ranked` is the ranking, where a caller has it. Raises `UsageError` for a format, a language or
    a day that is none.
    """
    if format not in FORMATS:
        raise UsageError(
            message(
                "There is no digest format {name!r}. There are: {formats}.",
                name=format,
                formats=", ".join(FORMATS),
            )
        )
    return FORMATS[format](make_digest(session, language=language, since=since, ranked=ranked))


def make_digest(
    session: Session,
    *,
    language: str = "en",
    since: str | None = None,
    ranked: Ranking | None = None,
) -> Digest:
    """Return what the watches found from the day `since` on.

    Without it the week that ends with the newest find: that depends on the catalog alone, not on
    the day on which somebody asks.
    """
    if language not in LANGUAGES:
        told = message(
            "There is no language {name!r}. There are: {languages}.",
            name=language,
            languages=", ".join(LANGUAGES),
        )
        raise UsageError(told)
    every = watches.finds(session)
    until = every[-1].at if every else ""
    begin = _day(since) if since else _week_before(until)
    finds = [find for find in every if find.at >= begin]
    listed = watches.all_of(session)
    return Digest(
        since=begin or until,
        until=until or max((w.created_at for w in listed), default="1970-01-01T00:00:00"),
        identity=min((w.created_at for w in listed), default=""),
        papers=tuple(_papers(session, finds, language, ranked)),
        watches=tuple(
            DigestWatch(
                watch.name,
                watch.query,
                watch.asked_at,
                _trouble(watch.result, language),
            )
            for watch in listed
        ),
        language=language,
    )


def _day(since: str) -> str:
    try:
        day = datetime.fromisoformat(since.strip())
    except ValueError:
        raise UsageError(
            message("{since!r} is no day: write it like 2026-11-17.", since=since[:40])
        ) from None
    return (day if day.tzinfo is None else day.astimezone(UTC)).isoformat()


def _week_before(until: str) -> str:
    return (datetime.fromisoformat(until) - SPAN).isoformat()[:10] if until else ""


def _trouble(result: Mapping[str, Any] | None, language: str) -> str:
    error = (result or {}).get("error")
    return say(reason_of(error), language) if error else ""


def _papers(
    session: Session, finds: Sequence[Find], language: str, ranked: Ranking | None
) -> list[DigestPaper]:
    """Return the found papers by rank; of several finds of one version the first counts."""
    if not finds:
        return []
    first: dict[tuple[str, int], Find] = {}
    for find in finds:
        first.setdefault((find.arxiv_id, find.version), find)
    ids = {find.paper_id for find in first.values() if find.paper_id}
    rows = ranking(lambda: nullcontext(session)) if ranked is None else ranked
    place = places(rows)
    _ranks, is_beside_seed = compared_with(rows)
    by_id = {row["paper_id"]: told(row, language) for row in rows.rows(ids)}
    papers = inbox_queries.summaries(session, ids)
    keys = [row["headline"] for row in by_id.values() if row.get("headline")]
    claims = inbox_queries.claims(session, keys)
    facts = fact_queries.effective(session, paper_ids=ids)
    found = []
    for find in first.values():
        paper = papers.get(find.paper_id or "")
        if paper is None:
            continue
        row = by_id.get(paper.id, {})
        claim = claims.get(row.get("headline") or "")
        position, of = place(row.get("rank"))
        found.append(
            DigestPaper(
                paper_id=paper.id,
                arxiv_id=find.arxiv_id,
                version=find.version,
                title=paper.title,
                authors=tuple(map(str, paper.authors or ())),
                read=paper.read,
                rank=row.get("rank"),
                of=len(rows),
                place=position,
                place_of=of,
                is_beside_seed=is_beside_seed,
                advice=row.get("recommendation"),
                why=row.get("why") or "",
                headline=claim_words(claim, language) if claim else "",
                technique=row.get("technique"),
                facts=tuple(_facts(facts.get(paper.id, {}), paper, language)),
                status=paper.status,
                watch=find.watch,
                at=find.at,
                is_version=find.outcome == "version",
            )
        )
    found.sort(key=lambda p: (p.rank is None, p.rank or 0, p.arxiv_id, p.version))
    return found


def _facts(facts: Mapping[str, Any], paper: Paper, language: str) -> list[str]:
    """Return short facts with who says so: the analysis of the paper, or a person."""
    _ = translator(language)
    sources = {
        "analysis": _("analysis of arXiv {arxiv_id}").format(arxiv_id=paper.arxiv_id),
        "person": _("a person"),
        "seed": _("seed catalog"),
    }
    told = []
    for field in TOLD_FACTS:
        fact = facts.get(field)
        if fact is None:
            continue
        value = value_text(field, fact.value, language)
        if value:
            source = sources.get(fact.source, fact.source)
            told.append(f"{_(FIELDS[field])}: {shorten(value, LONGEST_FACT)} ({source})")
    return told
