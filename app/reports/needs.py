"""What a step of the roadmap needs before it is done."""

from __future__ import annotations

from app.i18n import translator
from app.labels import label
from app.reports.sections import PaperSection
from app.reports.values import risk_kind


def needs(paper: PaperSection, language: str) -> tuple[str, ...]:
    """Return what stands between a paper and the engine: prototype, work, risks, each a phrase."""
    _ = translator(language)
    row, found = paper.row, []
    if not row.prototype:
        found.append(_("a prototype: none exists yet"))
    elif row.verdict == "untested":
        found.append(_("a measurement: assay bench run {name}").format(name=row.prototype))
    elif row.provisional:
        found.append(_("a full run: so far there is a quick one"))
    facts = {fact.field: fact.text for fact in paper.facts}
    if facts.get("complexity"):
        found.append(_("work of complexity {level}").format(level=facts["complexity"]))
    if facts.get("integration"):
        found.append(_("integration: {kind}").format(kind=facts["integration"]))
    risks = [risk for risk in paper.risks if risk.is_open and risk.severity in ("high", "medium")]
    if risks:
        kinds = dict.fromkeys(
            _("{kind} ({severity})").format(
                kind=risk_kind(risk.kind, language), severity=label(risk.severity, _)
            )
            for risk in risks
        )
        found.append(_("risks to settle: {risks}").format(risks=_(", ").join(kinds)))
    return tuple(found)
