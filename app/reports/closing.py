"""The recommendations that close the report."""

from __future__ import annotations

from collections.abc import Sequence

from app.i18n import Translate, translator
from app.labels import label
from app.reports.advice import LATER, READY
from app.reports.basis import Provenance
from app.reports.findings import ReadLevel
from app.reports.numbers import significant
from app.reports.ranking import RankedPaper
from app.reports.text import short_name

NAMED = 5


def closing(
    ranking: Sequence[RankedPaper],
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


def _build(ranking: Sequence[RankedPaper], _: Translate) -> str:
    ready = [r for r in ranking if r.advice in READY]
    if ready:
        return _("Build, in this order: {names}.").format(names=_names(ready, _))
    later = [r for r in ranking if r.advice in LATER]
    if later:
        return _("Start no project yet; take along what is cheap: {names}.").format(
            names=_names(later, _)
        )
    return _("Start no project yet: measure first.")


def _measure(ranking: Sequence[RankedPaper], _: Translate) -> str:
    waiting = [r for r in ranking if r.advice == "measure_first" and r.prototype]
    if not waiting:
        return ""
    best = max(waiting, key=lambda r: (r.run.high or 0.0) if r.run else 0.0)
    text = _("Measure what has a prototype: {names}.").format(names=_names(waiting, _))
    if best.run is None or best.run.high is None:
        return text
    more = _("Most is open with {name}: up to {high}x for a whole run.").format(
        name=short_name(best.title), high=significant(best.run.high)
    )
    return _("{first} {second}").format(first=text, second=more)


def _write(ranking: Sequence[RankedPaper], _: Translate) -> str:
    without = [r for r in ranking if r.advice == "measure_first" and not r.prototype]
    if not without:
        return ""
    return _("Write the prototype that is missing, the most promising first: {names}.").format(
        names=_names(without, _)
    )


def _settle(ranking: Sequence[RankedPaper], _: Translate) -> str:
    risky = [r for r in ranking if r.advice == "careful"]
    if not risky:
        return ""
    return _("Settle the high risk before any work on: {names}.").format(names=_names(risky, _))


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


def _names(rows: Sequence[RankedPaper], _: Translate) -> str:
    names = [short_name(row.title) for row in rows[:NAMED]]
    if len(rows) > NAMED:
        names.append(_("{count} more").format(count=len(rows) - NAMED))
    return _(", ").join(names)
