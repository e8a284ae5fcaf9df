"""Text from papers and people made safe to print: titles, claims and notes are hostile input."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from app.i18n import Translate

LONGEST_TITLE = 110
LONGEST_NAME = 42

# Marks that turn the direction of all that follows, and invisible separators.
_STEERING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]")
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
# What would begin a list, a heading or a rule at the start of a line or of a list's item.
_BLOCK_START = re.compile(r"^(?:[-+](?=\s|$)|#{1,6}(?=\s|$)|-{2,}|=+|\d{1,9}(?=[.)](?:\s|$)))")


def clean(text: str) -> str:
    """Return text on one line, without control characters and marks that turn its direction."""
    if text.isascii() and text.isprintable():  # nothing to look for, in most of 100,000 titles
        return " ".join(text.split())
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _STEERING.sub("", text)
    # Noncharacters (U+FFFE and the like) are no XML: a Word file that held one couldn't be opened.
    kept = "".join(
        " " if unicodedata.category(c) == "Cc" or ord(c) & 0xFFFE == 0xFFFE else c for c in text
    )
    return re.sub(r"\s+", " ", kept).strip()


class Markdown(str):
    """Text that is Markdown already and is printed as it is."""

    __slots__ = ()


def escape_markdown(value: object) -> Markdown:
    """Return a value as Markdown that reads as that text, anywhere in a line or a table's cell.

    Line breaks become spaces, so nothing can end a cell or start a block; markup is escaped.
    """
    if isinstance(value, Markdown):
        return value
    text = clean(str(value))
    text = _MARKDOWN.sub(lambda match: "\\" + match[0], text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    start = _BLOCK_START.match(text)
    if start and start[0].isdigit():
        end = start.end()
        return Markdown(f"{text[:end]}\\{text[end:]}")
    return Markdown("\\" + text if start else text)


def safe_url(url: str | None) -> str | None:
    """Return an http(s) address fit for a link, percent-encoded where it must be; else None."""
    if not url:
        return None
    cleaned = "".join(c for c in url.strip() if unicodedata.category(c) not in ("Cc", "Cf"))
    try:
        parts = urlsplit(cleaned)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            return None
    except ValueError:
        return None
    return quote(cleaned, safe=":/?#@!$&*+,;=%~.-_")


_LOOSE = " ,;:-"
_LEANING = re.compile(
    r"(?:\s+(?:a|an|and|as|at|by|for|from|in|is|of|on|or|than|that|the|to|via|with))+$",
    re.IGNORECASE,
)


def shorten(text: str, length: int = LONGEST_TITLE) -> str:
    """Return text cut to `length` characters, at a space where there is one near, and not after a
    word that leans on the next one ("Sparsity in…")."""
    text = clean(text)
    if len(text) <= length:
        return text
    space = text[:length].rfind(" ")
    if space <= length // 2:
        return text[: length - 1].rstrip(_LOOSE) + "…"
    return _LEANING.sub("", text[:space]).rstrip(_LOOSE) + "…"


def short_name(title: str) -> str:
    """Return the name that a title begins with (`FlatQuant: …`), else the title cut short."""
    name = clean(title).partition(":")[0]
    return shorten(name if len(name) >= 2 else title, LONGEST_NAME)


_MAKERS = re.compile(
    r"\((?:R|TM|C)\)|@.*|[- ]?\b(?:NVIDIA|AMD|Intel|Apple|GeForce|Radeon|Processor|CPU|\d+-Core"
    r"|\d+ ?GB|HBM\w*|PCIe|SXM\w*)(?!\w)",
    re.IGNORECASE,
)


def short_device(name: str) -> str:
    """Return the part of a device's name that tells it from others: "H100", "RTX 4090"."""
    return " ".join(_MAKERS.sub(" ", clean(name)).split()) or clean(name)


def in_a_row(items: Sequence[str], _: Translate) -> str:
    """Return names or phrases on one line, with the language's comma between."""
    return _(", ").join(clean(item) for item in items)
