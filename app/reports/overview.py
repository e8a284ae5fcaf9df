"""The answer on top of a ranking: what to build next, what to measure first, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.i18n import Translate, translator
from app.labels import VERDICT_ICONS, label
from app.reports.advice import LATER, READY, SET_ASIDE
from app.reports.changes import ReportRef
from app.reports.numbers import significant
from app.reports.ranking import Outline, RankedPaper, RankedPapers
from app.reports.text import in_a_row, short_name

NAMED = 3
"""So many papers are named in a sentence; more are counted."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the sentences on top of a ranking say: counts, and the first papers of each kind."""

    counts: Mapping[str, int]
    """Papers by recommendation."""
    first: Mapping[str, Sequence[RankedPaper]]
    """The first `NAMED` of each recommendation."""
    measured: int
    """Papers that a prototype tested."""
    first_measured: Sequence[RankedPaper]
    best_run: float | None
    """How much faster the papers to be measured first may make a whole run, at best."""
    former_first: RankedPaper | None = None
    """The paper that led the report that this one is compared with."""

    @property
    def papers(self) -> int:
        """How many papers are ranked."""
        return sum(self.counts.values())


def overview(ranking: RankedPapers) -> Overview:
    """Return what there is to say of a whole ranking; the rows that are named are read."""
    first: dict[str, list[Outline]] = {}
    for paper in ranking.outlines:
        group = first.setdefault(paper.advice, [])
        if len(group) < NAMED:
            group.append(paper)
    waiting = [
        paper.run_high
        for paper in ranking.outlines
        if paper.advice == "measure_first" and paper.run is not None and paper.run_high is not None
    ]
    tested = [paper for paper in ranking.outlines if paper.is_tested]
    former = [paper for paper in ranking.outlines if paper.before == 1][:1]
    return Overview(
        counts=Counter(paper.advice for paper in ranking.outlines),
        first={advice: ranking.rows(named) for advice, named in first.items()},
        measured=len(tested),
        first_measured=ranking.rows(tested[:NAMED]),
        best_run=max(waiting, default=None),
        former_first=next(iter(ranking.rows(former)), None),
    )


def decision(seen: Overview, since: ReportRef | None, language: str) -> tuple[str, ...]:
    """Return the sentences that say what to build next, what to measure first, and why."""
    _ = translator(language)
    if not seen.papers:
        return (_("The catalog holds no paper yet: add some, then rank them."),)
    found = [
        _build_next(seen, _),
        _measure_first(seen, _),
        _measured(seen, _),
        _since(seen, since, _),
        _set_aside(seen, _),
    ]
    return tuple(text for text in found if text)


def _best(seen: Overview, advices: Sequence[str]) -> RankedPaper | None:
    found = [rows[0] for advice in advices if (rows := seen.first.get(advice))]
    return min(found, key=lambda row: row.rank, default=None)


def _build_next(seen: Overview, _: Translate) -> str:
    ready = _best(seen, READY)
    if ready:
        text = _("Build {name} next: {why}.")
        return text.format(name=short_name(ready.title), why=ready.why)
    later = _best(seen, LATER)
    if later:
        return _(
            "No gain is sure enough yet for a project of its own; the surest small step is {name}: "
            "{why}."
        ).format(name=short_name(later.title), why=later.why)
    return _("Nothing is ready to be built: no gain worth a project has been measured yet.")


def _measure_first(seen: Overview, _: Translate) -> str:
    if not seen.counts.get("measure_first"):
        return ""
    text = _("Measure first: {names}.").format(names=_names(seen, "measure_first", _))
    if seen.best_run is not None:
        reason = _(
            "By their claims a whole run could get up to {high}x as fast; nothing has tested that."
        ).format(high=significant(seen.best_run))
        text = _("{first} {second}").format(first=text, second=reason)
    return text


def _measured(seen: Overview, _: Translate) -> str:
    if not seen.measured:
        return _("None of the {papers} papers has been measured.").format(papers=seen.papers)
    verdicts = [
        _("{name} {icon} {verdict}").format(
            name=short_name(r.title),
            icon=VERDICT_ICONS.get(r.verdict, ""),
            verdict=label(r.verdict, _),
        )
        for r in seen.first_measured
    ]
    text = _("Measured so far: {measured} of {papers} papers ({verdicts}).")
    if seen.measured > NAMED:
        verdicts.append("…")
    return text.format(measured=seen.measured, papers=seen.papers, verdicts=in_a_row(verdicts, _))


def _since(seen: Overview, since: ReportRef | None, _: Translate) -> str:
    first = seen.former_first
    if since is None or first is None:
        return ""
    if first.rank == 1:
        return _("{name} is still first, as in the report of {date}.").format(
            name=short_name(first.title), date=since.date
        )
    return _("{name}, first in the report of {date}, is now number {rank}: {why}.").format(
        name=short_name(first.title), date=since.date, rank=first.rank, why=first.why
    )


def _set_aside(seen: Overview, _: Translate) -> str:
    parts = []
    for advice in SET_ASIDE:
        if seen.counts.get(advice):
            text = _("{advice} ({names})")
            parts.append(text.format(advice=label(advice, _), names=_names(seen, advice, _)))
    if not parts:
        return ""
    return _("Set aside: {groups}.").format(groups=_("; ").join(parts))


def _names(seen: Overview, advice: str, _: Translate) -> str:
    names = [short_name(r.title) for r in seen.first[advice]]
    if seen.counts[advice] > NAMED:
        names.append(_("{count} more").format(count=f"{seen.counts[advice] - NAMED:,}"))
    return in_a_row(names, _)
