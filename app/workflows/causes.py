"""What moved a score, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzers.message import message
from app.i18n import N_
from app.labels import say

_SENTENCES = {
    "reading": N_("the catalog was loaded"),
    "rule": N_("the rules or the target file changed"),
    "analysis": N_("the paper was analysed"),
}


def cause_text(cause: Mapping[str, Any], language: str) -> str:
    """Return a cause ({"kind", "ref", "message"?, "who"?}) in words."""
    text = _what(cause, language)
    return f"{text} ({cause['who']})" if cause.get("who") else text


def _what(cause: Mapping[str, Any], language: str) -> str:
    if cause.get("message"):
        return say(cause["message"], language)
    kind, ref = cause.get("kind", ""), str(cause.get("ref", ""))
    if kind == "run":
        return say(message("measured: {ref}", ref=ref), language)
    if kind == "correction":
        return say(message("corrected: {ref}", ref=ref), language)
    return say(message(_SENTENCES.get(kind, "{ref}"), ref=ref), language)
