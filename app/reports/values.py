"""Facts in words: what a field's value says, its reasons and its evidence, in one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.i18n import N_, translator
from app.labels import label, say
from app.reports.numbers import plain, points
from app.reports.sections import Evidence, FactLine, RiskLine
from app.reports.text import clean, safe_url

RISK_KINDS = {
    "accuracy": N_("accuracy"),
    "benefit": N_("benefit"),
    "calibration": N_("calibration"),
    "complexity": N_("complexity"),
    "determinism": N_("determinism"),
    "hardware": N_("hardware"),
    "integration": N_("integration"),
    "licence": N_("licence"),
    "maturity": N_("maturity"),
    "memory": N_("memory"),
    "no_code": N_("no code"),
    "withdrawn": N_("withdrawn"),
    "quality": N_("quality"),
    "reproducibility": N_("reproducibility"),
}


def risk_kind(kind: str, language: str) -> str:
    """Return a risk's kind in words."""
    return translator(language)(RISK_KINDS.get(kind, kind.replace("_", " ")))


def sentence(value: Any, language: str) -> str:
    """Return a text, an {"en", "zh"} pair or a message's record as one clean line."""
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else say(value, language))


def sentences(values: Iterable[Any] | None, language: str) -> tuple[str, ...]:
    """Return texts that say something, each one clean line."""
    return tuple(text for value in values or () if (text := sentence(value, language)))


def evidence(records: Iterable[Mapping[str, Any]] | None) -> tuple[Evidence, ...]:
    """Return evidence records with their addresses made safe; a web address needs no words."""
    lines = []
    for record in records or ():
        url = safe_url(record.get("url"))
        text = clean(str(record.get("text") or "")) or (url or "")
        if text:
            lines.append(Evidence(text, url, record.get("date") or None))
    return tuple(lines)


def risks(value: Any, language: str) -> tuple[RiskLine, ...]:
    """Return the risks of a `risks` fact, open and grave ones first."""
    gravity = {"high": 0, "medium": 1, "low": 2}
    lines = [
        RiskLine(
            kind=str(risk.get("kind", "")),
            severity=str(risk.get("severity", "")),
            text=sentence(risk.get("reason"), language),
            is_open=bool(risk.get("is_open", True)),
        )
        for risk in value or ()
    ]
    return tuple(sorted(lines, key=lambda r: (not r.is_open, gravity.get(r.severity, 3))))


def value_text(field: str, value: Any, language: str) -> str:
    """Return a fact's value in words; nothing for none."""
    if value is None:
        return ""
    _ = translator(language)
    if field == "risks":
        return _("; ").join(
            _("{kind} ({severity})").format(
                kind=risk_kind(r.kind, language), severity=label(r.severity, _)
            )
            for r in risks(value, language)
            if r.is_open
        ) or _("none open")
    if field == "report_speedup":
        return f"{plain(float(value))}x"
    if field == "relevance":
        return points(float(value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return plain(float(value))
    if isinstance(value, Mapping):
        return sentence(value, language)
    if isinstance(value, list | tuple):
        return clean(", ".join(str(item) for item in value))
    return clean(label(str(value), _))


def fact_line(field: str, record: Mapping[str, Any] | None, language: str) -> FactLine | None:
    """Return a fact of `show_paper` as a line; none where nothing is known."""
    if not record or record.get("value") is None:
        return None
    reasons = sentences(record.get("reasons"), language)
    if record.get("source") == "person" and record.get("why"):
        reasons = (clean(f"{record.get('who') or ''}: {record['why']}"), *reasons)
    return FactLine(
        field=field,
        text=value_text(field, record["value"], language),
        source=record.get("source"),
        reasons=reasons,
        evidence=evidence(record.get("evidence")),
    )
