"""Jinja environments for the report's templates: escaping, translation, numbers, words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.i18n import N_, translations, translator
from app.labels import LABELS, VERDICT_ICONS, label
from app.reports import earlier, numbers
from app.reports.findings import Distribution
from app.reports.glossary import glossary
from app.reports.header import header
from app.reports.model import ReportModel, RoadmapGroup
from app.reports.ranking import Move
from app.reports.text import Markdown, clean, escape_markdown, safe_url, short_name, shorten
from app.reports.values import risk_kind

TEMPLATES = Path(__file__).parent / "templates"
LISTED = 200
"""So many papers are in the ranking's table; the distributions count all."""
NAMED = 20
"""So many papers are named in a sentence."""
EXTENSIONS = ("jinja2.ext.i18n",)

_WORDS = {
    "rank": N_("rank"),
    "score": N_("score"),
    "recommendation": N_("recommendation"),
    "unknown": N_("unknown"),
    "cpu": N_("CPU"),
    "phase_1": N_("Phase 1: build now"),
    "phase_2": N_("Phase 2: plan as a project"),
    "phase_3": N_("Phase 3: take along, or keep for later"),
}
_SOFTWARE = {
    "python": "Python",
    "torch": "PyTorch",
    "triton": "Triton",
    "cuda": "CUDA",
    "driver": N_("driver"),
    "os": N_("system"),
}


# Between pieces of a line. Their spaces count, so they are printed as they are.
_PUNCTUATION = {
    "en": {
        "colon": ": ", "semicolon": "; ", "comma": ", ", "stop": ". ", "open": " (", "close": ")",
        "dash": " – ",
    },
    "zh": {
        "colon": "：", "semicolon": "；", "comma": "，", "stop": "。", "open": "（", "close": "）",
        "dash": "——",
    },
}  # fmt: skip


def markdown_environment(model: ReportModel) -> Environment:
    """Return the environment of the Markdown templates.

    Whatever a template prints is escaped, as `escape_markdown` does it; `|raw` marks what is
    Markdown already.
    """
    environment = _environment("md", model, _finalize_markdown, Markdown)
    environment.filters["raw"] = Markdown
    environment.filters["link"] = _markdown_link
    return environment


def html_environment(model: ReportModel) -> Environment:
    """Return the environment of the HTML templates: autoescape on, control characters out."""
    return _environment("html", model, _finalize_html, Markup)


def _environment(
    folder: str,
    model: ReportModel,
    finalize: Callable[[Any], Any],
    safe: Callable[[str], str],
) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / folder),
        extensions=EXTENSIONS,
        autoescape=folder == "html",
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        translations(model.language), newstyle=False
    )
    translate = translator(model.language)
    names = {device.device_id: device.name for device in model.provenance.devices}

    def word(code: str | None) -> str:
        if code is None or code in LABELS:
            return label(code, translate)
        return translate(_WORDS.get(code, code))

    def device_name(device: str) -> str:
        return names.get(device, device)

    def risk(kind: str) -> str:
        return risk_kind(kind, model.language)

    def software(name: str) -> str:
        return translate(_SOFTWARE.get(name, name))

    def move(moved: Move, rank: int) -> str:
        return _move(moved, rank, translate)

    gap = "" if model.language == "zh" else " "

    def prose(sentences: Iterable[str]) -> str:
        return gap.join(sentences)

    def group_title(group: RoadmapGroup) -> str:
        title = word(group.code)
        return title[:1].upper() + title[1:]

    punctuation = _PUNCTUATION.get(model.language, _PUNCTUATION["en"])
    environment.globals["p"] = {name: safe(mark) for name, mark in punctuation.items()}
    environment.globals |= {"listed": LISTED, "named": NAMED, "compared": earlier.COMPARED}
    environment.globals["glossary"] = glossary(translate)
    environment.filters |= {
        "word": word,
        "capital": lambda text: text[:1].upper() + text[1:],
        "icon": lambda code: VERDICT_ICONS.get(code, ""),
        "device": device_name,
        "risk": risk,
        "software": software,
        "move": move,
        "bar": _bar,
        "header": header,
        "group_title": group_title,
        "prose": prose,
        "short": short_name,
        "shorten": shorten,
        "safe_url": safe_url,
        "anchor": _anchor,
        "plain": numbers.plain,
        "points": numbers.points,
        "score": numbers.score,
        "ratio": numbers.ratio,
        "percent": numbers.percent,
        "claimed": numbers.claim_figure,
    }
    return environment


def _bar(count: int, distribution: Distribution) -> str:
    """Return a bar of text, twenty blocks long for the commonest code."""
    most = max(share.count for share in distribution.shares)
    return "█" * max(1, round(20 * count / most)) if count else ""


def _finalize_html(value: Any) -> Any:
    if value is None:
        return ""
    # A Markup (what a macro returns) is HTML already.
    return clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _finalize_markdown(value: Any) -> Any:
    return "" if value is None else escape_markdown(value)


def _markdown_link(text: str, url: str | None) -> Markdown:
    """Return a link, or the text alone where there is no safe address."""
    address = safe_url(url)
    escaped = escape_markdown(text)
    return Markdown(f"[{escaped}](<{address}>)") if address else escaped


def _anchor(paper_id: str) -> str:
    return "paper-" + re.sub(r"[^\w.-]", lambda found: f"~{ord(found[0]):x}", paper_id)


def _move(moved: Move, rank: int, translate: Callable[[str], str]) -> str:
    """Return how a rank moved: `▼ 5 (was 1)`, `= 2`, `new`, `not ranked before`."""
    _ = translate
    if not moved.listed:
        return _("new")
    if moved.before is None:
        return _("not ranked before")
    if moved.before == rank:
        return _("unchanged")
    icon = "▲" if rank < moved.before else "▼"
    return _("{icon} {steps} (was {before})").format(
        icon=icon, steps=abs(rank - moved.before), before=moved.before
    )


def squeeze(text: str) -> str:
    """Return text without trailing spaces, with one empty line at most, and one end of line."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
