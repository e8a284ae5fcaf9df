"""The ranking's rows and the papers' sections, from what the triage workflow shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from analyzers.targets import Target
from app.reports.advice import next_step
from app.reports.findings import Distribution, ReadLevel, Reference, Share
from app.reports.ranking import Figure, Move, Outline, RankedPaper
from app.reports.sections import ClaimLine, CriterionLine, FactLine, PaperSection, VerdictLine
from app.reports.text import clean, safe_url
from app.reports.values import fact_line, risks, sentence, sentences
from db.queries.papers import PaperRow

FACTS = ("complexity", "relevance", "integration")
ENGINE = ("in_target", "engine_today")


def figure(
    value: float | None, low: float | None = None, high: float | None = None
) -> Figure | None:
    """Return a figure, or none without a value."""
    return None if value is None else Figure(value, low, high)


def ranked_paper(row: Mapping[str, Any], before: Mapping[str, int | None] | None) -> RankedPaper:
    """Return a row of `list_papers`; `before` are the ranks of the papers an earlier report lists.

    A paper that the earlier report lists without a rank has None there.
    """
    score_low, score_high = row.get("score_interval") or (None, None)
    run_low, run_high = row.get("run_interval") or (None, None)
    paper_id = row["paper_id"]
    return RankedPaper(
        rank=row["rank"],
        paper_id=paper_id,
        title=clean(row["title"]) or paper_id,
        arxiv_id=row.get("arxiv_id"),
        url=_link(row),
        technique=row.get("technique"),
        score=figure(row.get("score"), score_low, score_high),
        score_claimed=row.get("score_claimed"),
        rank_claimed=row.get("rank_claimed"),
        score_report=row.get("score_report"),
        rank_report=row.get("rank_report"),
        move=Move((before or {}).get(paper_id), paper_id in (before or {})),
        advice=row["recommendation"],
        phase=row.get("phase"),
        why=sentence(row.get("why"), "en"),
        claimed=row.get("claimed_speedup"),
        measured=row.get("measured_speedup"),
        engine=row.get("engine_speedup"),
        run=figure(row.get("run_speedup"), run_low, run_high),
        verdict=row.get("verdict") or "untested",
        device=row.get("device"),
        provisional=bool(row.get("provisional")),
        complexity=row.get("complexity"),
        relevance=row.get("relevance"),
        in_target=row.get("in_target"),
        prototype=row.get("prototype"),
        verdict_device=row.get("verdict_device") or row.get("device"),
    )


def outline(row: Mapping[str, Any], rank: int, before: int | None) -> Outline:
    """Return what is counted of a row of `list_papers`, or of a stored one, which has no rank."""
    run_low, run_high = row.get("run_interval") or (None, None)
    return Outline(
        rank,
        row["paper_id"],
        row.get("technique"),
        row.get("complexity"),
        row["recommendation"],
        row.get("claimed_speedup"),
        row.get("measured_speedup"),
        row.get("run_speedup"),
        run_low,
        run_high,
        row.get("verdict") or "untested",
        row.get("device"),
        row.get("in_target"),
        row.get("prototype") is not None,
        row.get("relevance"),
        row.get("phase"),
        before,
    )


def _link(row: Mapping[str, Any]) -> str | None:
    if row.get("arxiv_id"):
        return safe_url(f"https://arxiv.org/abs/{row['arxiv_id']}{row.get('version') or ''}")
    return safe_url(row.get("url"))


def paper_section(
    row: RankedPaper, shown: Mapping[str, Any], target: Target, language: str
) -> PaperSection:
    """Return a paper's section from what `show_paper` returns."""
    paper, facts = shown["paper"], shown.get("facts") or {}
    headline = ((shown.get("belief") or {}).get("headline") or {}).get("key")
    stale = {run["id"] for run in shown.get("runs") or () if run.get("stale")}
    claims = [claim_line(record, headline, language, stale) for record in shown.get("claims") or ()]
    risk_lines = risks((facts.get("risks") or {}).get("value"), language)
    return PaperSection(
        row=row,
        authors=tuple(clean(str(name)) for name in paper.get("authors") or ()),
        published=paper.get("published"),
        version=paper.get("version"),
        venue=paper.get("venue") and clean(paper["venue"]),
        read=paper.get("read"),
        summary=fact_line("summary", facts.get("summary"), language),
        claims=tuple(sorted(claims, key=_claim_order)),
        facts=_lines(FACTS, facts, language),
        engine=_lines(ENGINE, facts, language),
        risks=risk_lines,
        criteria=tuple(_criterion(record, language) for record in shown.get("breakdown") or ()),
        next_step=next_step(row, risk_lines, shown, target, language),
    )


def _lines(names: Sequence[str], facts: Mapping[str, Any], language: str) -> tuple[FactLine, ...]:
    lines = [fact_line(name, facts.get(name), language) for name in names]
    return tuple(line for line in lines if line is not None)


def claim_line(
    record: Mapping[str, Any],
    headline: str | None,
    language: str,
    stale: Collection[str] = (),
) -> ClaimLine:
    """Return a claim of `show_paper`: the sentence in our own words, else what it is about.

    `stale` holds the ids of runs of older code.
    """
    places = record.get("places") or ()
    text = sentence(record.get("text"), language)
    quoted = next((place for place in places if place.get("quote")), None)
    return ClaimLine(
        key=record["key"],
        text=text or clean(record.get("subject") or record["key"]),
        metric=record["metric"],
        value=record["value"],
        value_high=record.get("value_high"),
        unit=clean(record.get("unit") or ""),
        bound=record.get("bound") or "exact",
        locator=record.get("locator") and clean(record["locator"]),
        pages=tuple(sorted({place["page"] for place in places if place.get("page")})),
        quote=clean(quoted["quote"]) if quoted else None,
        quote_page=quoted.get("page") if quoted else None,
        hardware=record.get("hardware") and clean(record["hardware"]),
        baseline=record.get("baseline") and clean(record["baseline"]),
        is_headline=record["key"] == headline,
        verdicts=tuple(_verdict(v, language, stale) for v in record.get("verdicts") or ()),
    )


def _claim_order(claim: ClaimLine) -> tuple[bool, bool, bool]:
    """The headline first, then what was tested, then speed before the rest."""
    is_speed = claim.metric in ("speedup", "latency_reduction", "throughput_gain")
    return not claim.is_headline, not _tested(claim), not is_speed


def _tested(claim: ClaimLine) -> bool:
    return any(verdict.verdict != "untested" for verdict in claim.verdicts)


def _verdict(record: Mapping[str, Any], language: str, stale: Collection[str]) -> VerdictLine:
    return VerdictLine(
        device=str(record.get("device") or ""),
        verdict=record["verdict"],
        reasons=sentences(record.get("reasons"), language),
        claimed=record.get("claimed_speedup"),
        measured=figure(
            record.get("measured_speedup"), record.get("measured_low"), record.get("measured_high")
        ),
        baseline=record.get("baseline") and clean(record["baseline"]),
        run_id=record.get("run_id"),
        provisional=bool(record.get("provisional")),
        stale=record.get("run_id") in stale,
    )


def _criterion(record: Mapping[str, Any], language: str) -> CriterionLine:
    return CriterionLine(
        name=record["name"],
        points=record["points"],
        low=record["low"],
        high=record["high"],
        minimum=record["minimum"],
        maximum=record["maximum"],
        reason=sentence(record.get("reason"), language),
        missing=bool(record.get("missing")),
    )


def distribution(field: str, codes: Sequence[str | None], order: Sequence[str]) -> Distribution:
    """Count codes, the commonest first, then by `order`; an unknown one counts as `unknown`."""
    counts: dict[str, int] = {}
    for code in codes:
        counts[code or "unknown"] = counts.get(code or "unknown", 0) + 1
    place = {code: i for i, code in enumerate(order)}
    shares = sorted(counts.items(), key=lambda c: (-c[1], place.get(c[0], len(place)), c[0]))
    return Distribution(field, tuple(Share(code, count) for code, count in shares))


READ_LEVELS = ("full", "partial", "abstract", "record")


def read_levels(levels: Sequence[str | None]) -> tuple[ReadLevel, ...]:
    """Count how far papers were read, the farthest first; the rest counts as `not_read`."""
    counts = {code: levels.count(code) for code in READ_LEVELS}
    counts["not_read"] = len(levels) - sum(counts.values())
    return tuple(ReadLevel(code, count) for code, count in counts.items() if count)


def reference(paper: PaperRow, row: RankedPaper) -> Reference:
    """Return a paper as a reference list gives it."""
    return Reference(
        paper_id=row.paper_id,
        title=row.title,
        authors=tuple(clean(str(name)) for name in paper.authors or ()),
        published=paper.published and clean(paper.published),
        arxiv_id=paper.arxiv_id and clean(paper.arxiv_id),
        version=paper.version and clean(paper.version),
        venue=paper.venue and clean(paper.venue),
        url=row.url,
    )
