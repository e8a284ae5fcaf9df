"""Earlier reports: what one said, how ranks moved since, and freezing today's for the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzers.facts import Complexity, Technique
from analyzers.scoring import Advice
from app.i18n import pick
from app.reports.changes import FrozenPhase, FrozenReport, FrozenRow, ReportRef
from app.reports.findings import Distribution, Share
from app.reports.numbers import ratio
from app.reports.papers import distribution
from app.reports.ranking import Outline
from app.reports.text import clean
from app.reports.values import sentence

PHASE_MONTHS = {1: "3-6", 2: "6-12", 3: "12-18"}
"""The first report's phases; later reports keep them."""
UNKNOWN = "unknown"
COMPARED = 200
"""So many papers at the top of a report are compared with another one, and kept with their rows; of
the others it keeps the rank."""
RANK_ALONE = "rank_alone"


def report_ref(identity: str, date: str, title: Mapping[str, Any], language: str) -> ReportRef:
    """Return what a report is called."""
    return ReportRef(identity, date, clean(pick(dict(title), language)) or identity)


def rows(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the row of each paper that a report's record lists, by id, the best first.

    Of the papers after the first `COMPARED` it has the rank alone, and says so by `RANK_ALONE`.
    """
    whole = {row["paper"]: row for row in record.get("rows", ())}
    further = record.get("further") or {}
    return whole | {paper: {"rank": rank, RANK_ALONE: True} for paper, rank in further.items()}


def ranks(record: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the rank of each paper that a report's record lists, None where it gave none."""
    whole = {row["paper"]: row.get("rank") for row in record.get("rows", ())}
    return whole | (record.get("further") or {})


def frozen_report(
    ref: ReportRef, record: Mapping[str, Any], titles: Mapping[str, str], language: str
) -> FrozenReport:
    """Return a report as it stood; nothing in it is computed. `titles` are those of today."""
    totals = record.get("totals") or {}
    return FrozenReport(
        ref=ref,
        note=sentence(record.get("note"), language),
        papers=totals.get("papers"),
        analysed=totals.get("analysed"),
        rows=tuple(_row(row, titles, language) for row in record.get("rows", ())),
        distributions=tuple(
            Distribution(field, tuple(Share(code, count) for code, count in counts.items()))
            for field, counts in (record.get("distribution") or {}).items()
        ),
        phases=tuple(
            FrozenPhase(
                title=sentence(phase.get("title"), language),
                months=clean(str(phase.get("months") or "")).replace("-", "–"),
                papers=tuple(titles.get(p, p) for p in phase.get("papers", ())),
            )
            for phase in record.get("phases", ())
        ),
    )


def _row(row: Mapping[str, Any], titles: Mapping[str, str], language: str) -> FrozenRow:
    performance = clean(str(row.get("performance") or ""))
    return FrozenRow(
        title=titles.get(row["paper"], row["paper"]),
        rank=row.get("rank"),
        score=row.get("score"),
        complexity=row.get("complexity"),
        relevance=row.get("relevance"),
        performance="" if performance == UNKNOWN else performance,
        advice=row.get("recommendation"),
        phase=row.get("phase"),
        line=sentence(row.get("line"), language),
    )


def snapshot_record(
    papers: Sequence[Outline], rows: Sequence[Mapping[str, Any]], whys: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the record of today's ranking: what `frozen_report`, `ranks` and `rows` read.

    `rows` are those of the first `COMPARED` papers; `whys` the reasons of their advice in both
    languages, by paper id.
    """
    return {
        "note": {
            "en": "Frozen by Assay from the catalog as it stood.",
            "zh": "由 Assay 按当时的论文库冻结保存。",
        },
        "totals": {
            "papers": len(papers),
            "analysed": sum(paper.relevance is not None for paper in papers),
        },
        "distribution": {
            "technique": _counts([paper.technique for paper in papers], list(Technique)),
            "complexity": _counts([paper.complexity for paper in papers], list(Complexity)),
            "recommendation": _counts([paper.advice for paper in papers], list(Advice)),
        },
        "rows": [_record_row(row, whys.get(row["paper_id"])) for row in rows],
        "further": {paper.paper_id: paper.rank for paper in papers[len(rows) :]},
        "phases": [
            {
                "months": months,
                "papers": [paper.paper_id for paper in papers if paper.phase == phase],
                "title": {"en": f"Phase {phase}", "zh": f"第{'一二三'[phase - 1]}阶段"},
            }
            for phase, months in PHASE_MONTHS.items()
        ],
    }


def _counts(codes: Sequence[str | None], order: Sequence[str]) -> dict[str, int]:
    return {share.code: share.count for share in distribution("", codes, order).shares}


def _record_row(row: Mapping[str, Any], why: Any) -> dict[str, Any]:
    speed = row.get("measured_speedup") or row.get("claimed_speedup")
    kept = (
        "rank", "score", "score_interval", "score_claimed", "complexity", "relevance",
        "technique", "recommendation", "phase", "claimed_speedup", "measured_speedup",
        "engine_speedup", "run_speedup", "run_interval", "verdict", "device",
        "verdict_device",
    )  # fmt: skip
    record = {name: row[name] for name in kept if row.get(name) is not None}
    return {
        "paper": row["paper_id"],
        "title": row["title"],
        "performance": ratio(speed) if speed is not None else UNKNOWN,
        "line": why or {},
        **record,
    }
