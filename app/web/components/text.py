"""Text on a page: papers' words made harmless, and figures as people read them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from app.reports.text import clean as one_line
from app.reports.text import safe_url

# Everything that Streamlit's Markdown gives a meaning: LaTeX, colours, links, emphasis, lists …
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&=/@])")

# Between two characters of which one isn't ASCII; a Markdown escape and a colour stay whole.
_JOINED = re.compile(r"(?<=[^\x00-\x7f])(?=\S)|(?<=[^\s\\])(?=[^\x00-\x7f])")


def clean(text: object) -> str:
    """Return `text` as one line without control and direction characters, for plain-text places."""
    return one_line(str(text))


def plain(text: object) -> str:
    """Return `text` so that Markdown shows exactly its characters, on one line."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def score(value: float | None) -> str:
    """Return a score with two decimals, a dash for none."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def interval(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Return "3.92–5.11"; nothing where an end is missing."""
    if low is None or high is None:
        return ""
    return f"{low:.{decimals}f}–{high:.{decimals}f}".replace("-", "−")


def ratio(value: float | None) -> str:
    """Return a speedup as "1.81x", a dash for none."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:.0f}x"
    if abs(value - 1) < 0.02:  # where two decimals would hide a gain or a loss
        return f"{value:.3f}x"
    return f"{value:.1f}x" if value >= 10 else f"{value:.2f}x"


def count(number: int | None) -> str:
    """Return a number of things as "100,010", a dash for none."""
    return "–" if number is None else f"{number:,}"


def strong(text: object) -> str:
    """Return `text` in bold, its characters exactly as they are."""
    return f"**{plain(text)}**"


def together(markdown: str) -> str:
    """Return text that `plain` made as one that no line breaks: figures, names, short headings.

    Chinese would break after each character in a narrow column, and figures at an arrow.
    """
    joined = markdown if markdown.isascii() else _JOINED.sub("\u2060", markdown)
    return joined.replace(" ", "\u00a0")


def capital(sentence: str) -> str:
    """Return a sentence with its first letter large, but for a name: vLLM, llama.cpp."""
    if sentence[1:2].isupper() or "." in sentence.partition(" ")[0].rstrip("."):
        return sentence
    return sentence[:1].upper() + sentence[1:]


def arrow(before: str, after: str) -> str:
    """Return "before → after"."""
    return f"{before} → {after}"


def microseconds(value: float | None) -> str:
    """Return a time in the unit that suits it, a dash for none."""
    if value is None:
        return "–"
    for limit, scale, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms"), (float("inf"), 1e6, "s")):
        if value < limit:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.3g} µs"


def duration(seconds: float) -> str:
    """Return "42 s", "3 min 20 s" or "1 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(iso: str | None) -> str:
    """Return an ISO time as "2026-11-24 14:05" in the machine's own time zone."""
    if not iso:
        return ""
    try:
        parsed = datetime.fromisoformat(iso)
    except ValueError:
        return clean(iso)
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone()
    return parsed.strftime("%Y-%m-%d %H:%M")


def people(names: Iterable[object], limit: int = 6) -> str:
    """Return authors in one line; more than `limit` end with an ellipsis."""
    listed = [clean(name) for name in names]
    return ", ".join(listed[:limit]) + (" …" if len(listed) > limit else "")


def link(text: object, url: str | None) -> str:
    """Return a Markdown link to a web address; plain text where `url` is none."""
    address = safe_url(url)
    if address is None:
        return plain(text)
    return f"[{plain(text)}]({address})"


def folded(text: str) -> str:
    """Return text as searches compare it: without case and forms of the same letter."""
    return unicodedata.normalize("NFKC", text).casefold()
