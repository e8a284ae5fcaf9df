"""The recommendations that close the report."""

from __future__ import annotations

from collections.abc import Sequence

from app.i18n import Translate, translator
from app.labels import label
from app.reports.advice import LATER, READY
from app.reports.basis import Provenance
from app.reports.findings import ReadLevel
from app.reports.numbers import significant
from app.reports.ranking import Outline, RankedPapers
from app.reports.text import short_name

NAMED = 5


def closing(
    ranking: RankedPapers,
    levels: Sequence[ReadLevel],
    provenance: Provenance,
    counts: dict[str, bool],
    language: str,
) -> tuple[str, ...]:
    """Return the closing recommendations, the first step first.

    `counts` says which classes of device count for the target.
    """
    _ = translator(language)
    if not ranking:
        return ()
    found = [
        _build(ranking, _),
        _measure(ranking, _),
        _write(ranking, _),
        _settle(ranking, _),
        _device(provenance, counts, _),
        _read(levels, _),
        _("Keep this report (assay report --save), so that the next one can say what moved."),
    ]
    return tuple(text for text in found if text)


def _build(ranking: RankedPapers, _: Translate) -> str:
    ready = [r for r in ranking.outlines if r.advice in READY]
    if ready:
        return _("Build, in this order: {names}.").format(names=_names(ready, ranking, _))
    later = [r for r in ranking.outlines if r.advice in LATER]
    if later:
        return _("Start no project yet; take along what is cheap: {names}.").format(
            names=_names(later, ranking, _)
        )
    return _("Start no project yet: measure first.")


def _measure(ranking: RankedPapers, _: Translate) -> str:
    waiting = [r for r in ranking.outlines if r.advice == "measure_first" and r.has_prototype]
    if not waiting:
        return ""
    best = max(waiting, key=lambda r: (r.run_high or 0.0) if r.run is not None else 0.0)
    text = _("Measure what has a prototype: {names}.").format(names=_names(waiting, ranking, _))
    if best.run is None or best.run_high is None:
        return text
    more = _("Most is open with {name}: up to {high}x for a whole run.").format(
        name=_named([best], ranking)[0], high=significant(best.run_high)
    )
    return _("{first} {second}").format(first=text, second=more)


def _write(ranking: RankedPapers, _: Translate) -> str:
    without = [r for r in ranking.outlines if r.advice == "measure_first" and not r.has_prototype]
    if not without:
        return ""
    return _("Write the prototype that is missing, the most promising first: {names}.").format(
        names=_names(without, ranking, _)
    )


def _settle(ranking: RankedPapers, _: Translate) -> str:
    risky = [r for r in ranking.outlines if r.advice == "careful"]
    if not risky:
        return ""
    names = _names(risky, ranking, _)
    return _("Settle the high risk before any work on: {names}.").format(names=names)


def _device(provenance: Provenance, counts: dict[str, bool], _: Translate) -> str:
    if any(counts.get(device.device_class, False) for device in provenance.devices):
        return ""
    own = _(", ").join(
        label(name, _) if name != "cpu" else _("CPU") for name, own in counts.items() if own
    )
    return _(
        "Measure on a device that counts for the engine ({devices}): no run is of one."
    ).format(devices=own)


def _read(levels: Sequence[ReadLevel], _: Translate) -> str:
    unread = sum(level.count for level in levels if level.code not in ("full", "partial"))
    if not unread:
        return ""
    return _(
        "Add the text of the papers that haven't been read here, {count} in number (assay add): "
        "their claims then get page and sentence."
    ).format(count=unread)


def _names(papers: Sequence[Outline], ranking: RankedPapers, _: Translate) -> str:
    names = _named(papers[:NAMED], ranking)
    if len(papers) > NAMED:
        names.append(_("{count} more").format(count=len(papers) - NAMED))
    return _(", ").join(names)


def _named(papers: Sequence[Outline], ranking: RankedPapers) -> list[str]:
    return [short_name(row.title) for row in ranking.rows(papers)]
