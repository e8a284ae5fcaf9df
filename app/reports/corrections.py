"""The corrections chapter: what two reports see differently, field by field, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analyzers.targets import Target
from app.i18n import Translate, translator
from app.labels import label
from app.reports.changes import (
    Change,
    CorrectionChapter,
    CorrectionText,
    PaperCorrections,
    PersonChange,
    ReportRef,
)
from app.reports.earlier import RANK_ALONE
from app.reports.numbers import points, ratio, score
from app.reports.ranking import RankedPaper
from app.reports.text import clean
from app.reports.values import evidence, sentence, sentences, value_text
from db.models import Correction, Fact
from db.queries.facts import FactRow
from db.queries.readings import Difference

COMPARED = ("technique", "relevance", "complexity", "integration", "in_target", "risks")
"""Fields of which both reports have an opinion; the rest is today's alone."""


def chapter(
    base: ReportRef,
    old_rows: Mapping[str, Mapping[str, Any]],
    compared: Sequence[RankedPaper],
    differences: Iterable[Difference],
    texts: Mapping[str, Sequence[Correction]],
    moved_by: Mapping[str, Sequence[str]],
    target: Target,
    language: str,
    *,
    new: Sequence[str] = (),
    further: int = 0,
) -> CorrectionChapter:
    """Return what changed since `base`, whose rows are `old_rows` by paper, in today's order.

    `new` are the titles of all papers that it doesn't name; `further` is how many it names that are
    not among those compared.

    `differences` are those of the two readings; `texts` the seed's corrections in words, of which
    those made after `base` count; `moved_by` what moved a paper's score. What the engine
    has comes from the target file, as of both dates, where nobody corrected it.
    """
    by_paper: dict[str, list[Difference]] = {}
    for difference in differences:
        by_paper.setdefault(difference.paper_id, []).append(difference)
    papers = []
    for paper in compared:
        old = old_rows.get(paper.paper_id)
        told = tuple(
            CorrectionText(
                field=c.field,
                text=sentence(c.text, language),
                evidence=evidence(c.evidence),
                date=c.date,
            )
            for c in texts.get(paper.paper_id, ())
            if c.date > base.date
        )
        changes: list[Change] = []
        # Of a paper that the earlier report doesn't name, all is new: nothing was corrected.
        if old is not None:
            changes += _of_row(old, paper, moved_by.get(paper.paper_id, ()), language)
            changes += _of_facts(by_paper.get(paper.paper_id, ()), language)
            if not any(change.field == "in_target" for change in changes):
                changes += _of_engine(base, paper, target, language)
        if changes or told:
            papers.append(PaperCorrections(paper.paper_id, paper.title, tuple(changes), told))
    return CorrectionChapter(base, tuple(papers), tuple(new), further)


def _of_row(
    old: Mapping[str, Any], now: RankedPaper, moved_by: Sequence[str], language: str
) -> list[Change]:
    """Return how rank, score, advice and performance moved."""
    _ = translator(language)
    before_score = old.get("score")
    moved = [
        ("rank", _rank(old.get("rank"), _), _rank(now.rank, _)),
        (
            "score",
            _("none given") if before_score is None else points(before_score),
            score(now.score),
            *moved_by,
        ),
        (
            "recommendation",
            label(old.get("recommendation"), _) or _("none given"),
            label(now.advice, _),
            now.why,
        ),
        ("performance", _performance(old, _), _speeds(now.claimed, now.measured, _)),
    ]
    if old.get(RANK_ALONE):
        del moved[1:]
    return [
        Change(field, before, after, None, tuple(reasons))
        for field, before, after, *reasons in moved
        if before != after
    ]


def _rank(rank: int | None, _: Translate) -> str:
    return _("none given") if rank is None else str(rank)


def _performance(old: Mapping[str, Any], _: Translate) -> str:
    if "verdict" in old:
        return _speeds(old.get("claimed_speedup"), old.get("measured_speedup"), _)
    text = clean(str(old.get("performance") or ""))
    if text == "unknown":
        return _("unknown")
    return text or _("none given")


def _speeds(claimed: float | None, measured: float | None, _: Translate) -> str:
    told = (
        _("no speed claim that counts")
        if claimed is None
        else _("claimed {speedup}").format(speedup=ratio(claimed))
    )
    if measured is None:
        return told
    return _("; ").join((told, _("measured {speedup}").format(speedup=ratio(measured))))


def _of_facts(differences: Iterable[Difference], language: str) -> list[Change]:
    found = {d.field: d for d in differences if d.field in COMPARED}
    changes = []
    for field in COMPARED:
        difference = found.get(field)
        if difference is None or difference.before is None or difference.after is None:
            continue
        before, after = (
            value_text(field, row.value, language) for row in (difference.before, difference.after)
        )
        if before != after:
            changes.append(_change(field, before, after, difference.after, language))
    return changes


def _of_engine(base: ReportRef, paper: RankedPaper, target: Target, language: str) -> list[Change]:
    state = target.engine_state(paper.paper_id)
    old = target.engine_state(paper.paper_id, base.date)
    if state is None or state.state.value != paper.in_target:
        return []
    before = old.state.value if old else "no"
    if before == state.state.value:
        return []
    return [
        Change(
            "in_target",
            value_text("in_target", before, language),
            value_text("in_target", state.state.value, language),
            "target",
            sentences((state.why,), language),
            evidence(state.evidence),
        )
    ]


def _change(field: str, before: str, after: str, row: FactRow, language: str) -> Change:
    reasons = sentences(row.reasons, language)
    if row.source == "person" and row.why:
        reasons = (clean(f"{row.who}: {row.why}"), *reasons)
    return Change(field, before, after, row.source, reasons, evidence(row.evidence))


def people(
    facts: Iterable[Fact], titles: Mapping[str, str], language: str
) -> tuple[PersonChange, ...]:
    """Return people's corrections (facts of theirs), the oldest first, those taken back too."""
    return tuple(
        PersonChange(
            paper_id=fact.paper_id,
            title=titles[fact.paper_id],
            field=fact.field,
            value=value_text(fact.field, fact.value, language),
            who=clean(fact.who or ""),
            why=clean(fact.why or ""),
            at=fact.at,
            reverted_at=fact.reverted_at,
        )
        for fact in sorted(facts, key=lambda f: (f.at, f.id))
        if fact.paper_id in titles
    )
