"""What to do: the decision paragraph, each paper's next step, the roadmap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzers.facts import DeviceClass
from analyzers.targets import Target
from app.i18n import Translate, pick, translator
from app.labels import VERDICT_ICONS, label
from app.reports.model import (
    PaperSection,
    RankedPaper,
    ReportRef,
    RiskLine,
    RoadmapGroup,
    RoadmapItem,
)
from app.reports.needs import needs
from app.reports.numbers import percent, significant
from app.reports.text import clean, short_name
from app.reports.values import risk_kind

READY = ("do_now", "high_value")
LATER = ("steady", "long_term")
SET_ASIDE = ("careful", "not_recommended", "already_there")
NAMED = 3
"""So many papers are named in a sentence; more are counted."""


def next_step(
    row: RankedPaper,
    risks: Sequence[RiskLine],
    shown: Mapping[str, Any],
    target: Target,
    language: str,
) -> str:
    """Return what to do about a paper now, in one sentence."""
    _ = translator(language)
    match row.advice:
        case "already_there":
            return _("Nothing to build: tune what {target} has.").format(
                target=pick(dict(target.title), language)
            )
        case "careful":
            return _careful(row, risks, _, language)
        case "measure_first" if row.prototype:
            return _("Measure it on your device: assay bench run {prototype}").format(
                prototype=row.prototype
            )
        case "measure_first":
            return _("Write a prototype, then measure: none exists yet.")
        case "not_recommended":
            return _not_recommended(shown, _)
    steps = {
        "do_now": _("Build it."),
        "high_value": _("Plan it as a project, and narrow the interval before starting."),
        "steady": _("Take it in when the code around it is touched anyway."),
        "long_term": _("Keep it on the list; it is no project of its own."),
    }
    step = steps.get(row.advice, "")
    elsewhere = _counts_little(shown, target)
    if elsewhere:
        more = _(
            "Measured on {devices} only, which counts little for {target}: measure it on a device "
            "that counts."
        ).format(devices=_list(elsewhere, _), target=pick(dict(target.title), language))
        step = _("{first} {second}").format(first=step, second=more)
    return step


def _careful(row: RankedPaper, risks: Sequence[RiskLine], _: Translate, language: str) -> str:
    grave = [r for r in risks if r.is_open and r.severity == "high"]
    if grave:
        kinds = dict.fromkeys(risk_kind(r.kind, language) for r in grave)
        return _("Settle the open high risk first: {risks}.").format(risks=_list(list(kinds), _))
    if row.verdict == "below_quality":
        return _("Bring the prototype above its quality bar before anything else.")
    return _("Settle what makes it risky first.")


def _not_recommended(shown: Mapping[str, Any], _: Translate) -> str:
    belief = shown.get("belief") or {}
    part, share = belief.get("part"), belief.get("share")
    if part is None or share is None or part == "whole_run":
        return _("Nothing to do now.")
    return _(
        "Nothing to do now: it speeds up {part}, {share} of a run. "
        "Look again where your runs spend more there."
    ).format(part=label(part, _), share=percent(share))


def _counts_little(shown: Mapping[str, Any], target: Target) -> list[str]:
    """Return the devices measured on, if none of them counts for the target."""
    measured = (shown.get("belief") or {}).get("measurements") or ()
    weights = [target.weight(DeviceClass(m["device_class"])) for m in measured]
    if not measured or max(weights) >= target.counts_from:
        return []
    names = {run["device_id"]: run["device_name"] for run in shown.get("runs") or ()}
    return sorted({str(names.get(m["device"], m["device"])) for m in measured})


def decision(
    ranking: Sequence[RankedPaper], since: ReportRef | None, language: str
) -> tuple[str, ...]:
    """Return the sentences that say what to build next, what to measure first, and why."""
    _ = translator(language)
    if not ranking:
        return (_("The catalog holds no paper yet: add some, then rank them."),)
    found = [
        _build_next(ranking, _),
        _measure_first(ranking, _),
        _measured(ranking, _),
        _since(ranking, since, _),
        _set_aside(ranking, _),
    ]
    return tuple(text for text in found if text)


def _build_next(ranking: Sequence[RankedPaper], _: Translate) -> str:
    ready = [r for r in ranking if r.advice in READY]
    if ready:
        text = _("Build {name} next: {why}.")
        return text.format(name=short_name(ready[0].title), why=ready[0].why)
    later = [r for r in ranking if r.advice in LATER]
    if later:
        return _(
            "No gain is sure enough yet for a project of its own; the surest small step is {name}: "
            "{why}."
        ).format(name=short_name(later[0].title), why=later[0].why)
    return _("Nothing is ready to be built: no gain worth a project has been measured yet.")


def _measure_first(ranking: Sequence[RankedPaper], _: Translate) -> str:
    waiting = [r for r in ranking if r.advice == "measure_first"]
    if not waiting:
        return ""
    text = _("Measure first: {names}.").format(names=_names(waiting, _))
    best = max((r.run.high for r in waiting if r.run and r.run.high is not None), default=None)
    if best is not None:
        reason = _(
            "By their claims a whole run could get up to {high}x as fast; nothing has tested that."
        ).format(high=significant(best))
        text = _("{first} {second}").format(first=text, second=reason)
    return text


def _measured(ranking: Sequence[RankedPaper], _: Translate) -> str:
    tested = [r for r in ranking if r.device and r.verdict != "untested"]
    if not tested:
        return _("None of the {papers} papers has been measured.").format(papers=len(ranking))
    verdicts = [
        _("{name} {icon} {verdict}").format(
            name=short_name(r.title),
            icon=VERDICT_ICONS.get(r.verdict, ""),
            verdict=label(r.verdict, _),
        )
        for r in tested[:NAMED]
    ]
    text = _("Measured so far: {measured} of {papers} papers ({verdicts}).")
    if len(tested) > NAMED:
        verdicts.append("…")
    return text.format(measured=len(tested), papers=len(ranking), verdicts=_list(verdicts, _))


def _since(ranking: Sequence[RankedPaper], since: ReportRef | None, _: Translate) -> str:
    first = next((r for r in ranking if r.move.before == 1), None)
    if since is None or first is None:
        return ""
    if first.rank == 1:
        return _("{name} is still first, as in the report of {date}.").format(
            name=short_name(first.title), date=since.date
        )
    return _("{name}, first in the report of {date}, is now number {rank}: {why}.").format(
        name=short_name(first.title), date=since.date, rank=first.rank, why=first.why
    )


def _set_aside(ranking: Sequence[RankedPaper], _: Translate) -> str:
    parts = []
    for advice in SET_ASIDE:
        group = [r for r in ranking if r.advice == advice]
        if group:
            text = _("{advice} ({names})")
            parts.append(text.format(advice=label(advice, _), names=_names(group, _)))
    if not parts:
        return ""
    return _("Set aside: {groups}.").format(groups=_("; ").join(parts))


def _names(rows: Sequence[RankedPaper], _: Translate) -> str:
    names = [short_name(r.title) for r in rows[:NAMED]]
    if len(rows) > NAMED:
        names.append(_("{count} more").format(count=len(rows) - NAMED))
    return _list(names, _)


def _list(items: Sequence[str], _: Translate) -> str:
    return _(", ").join(clean(item) for item in items)


ROADMAP = ("phase_1", "phase_2", "phase_3", "measure_first")


def roadmap(
    papers: Sequence[PaperSection], language: str
) -> tuple[tuple[RoadmapGroup, ...], tuple[RoadmapGroup, ...]]:
    """Return the roadmap (the phases, empty ones too, then what waits), and what is set aside."""
    groups: dict[str, list[RoadmapItem]] = {code: [] for code in (*ROADMAP, *SET_ASIDE)}
    for paper in papers:
        row = paper.row
        code = f"phase_{row.phase}" if row.phase else row.advice
        item = RoadmapItem(
            row.paper_id, row.rank, row.title, row.advice, row.why, paper.next_step,
            needs(paper, language) if code in ROADMAP else (),
        )  # fmt: skip
        groups.setdefault(code, []).append(item)
    built = {code: RoadmapGroup(code, tuple(items)) for code, items in groups.items()}
    ahead = tuple(built[code] for code in ROADMAP)
    return ahead, tuple(group for code, group in built.items() if code not in ROADMAP)
