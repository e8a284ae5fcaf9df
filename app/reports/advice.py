"""What to do: each paper's next step, the roadmap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzers.facts import DeviceClass
from analyzers.targets import Target
from app.i18n import Translate, pick, translator
from app.labels import label
from app.reports.model import RoadmapGroup, RoadmapItem
from app.reports.needs import needs
from app.reports.numbers import percent
from app.reports.ranking import RankedPaper
from app.reports.sections import PaperSection, RiskLine
from app.reports.text import in_a_row
from app.reports.values import risk_kind

READY = ("do_now", "high_value")
LATER = ("steady", "long_term")
SET_ASIDE = ("careful", "not_recommended", "already_there")


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
        ).format(devices=in_a_row(elsewhere, _), target=pick(dict(target.title), language))
        step = _("{first} {second}").format(first=step, second=more)
    return step


def _careful(row: RankedPaper, risks: Sequence[RiskLine], _: Translate, language: str) -> str:
    grave = [r for r in risks if r.is_open and r.severity == "high"]
    if grave:
        kinds = dict.fromkeys(risk_kind(r.kind, language) for r in grave)
        return _("Settle the open high risk first: {risks}.").format(risks=in_a_row(list(kinds), _))
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
