"""English and Chinese: one gettext catalogue, its message ids are the English sentences.

`zh.po` is read as it is, without a compile step. `N_` marks a string that is translated later.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "简体中文"}
CATALOGUE = Path(__file__).parent / "translations" / "zh.po"

Translate = Callable[[str], str]


def N_(text: str) -> str:
    """Mark `text` for the catalogue and return it unchanged."""
    return text


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the translations of `language`; an unknown language reads English."""
    if language != "zh":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with CATALOGUE.open("rb") as source:
        write_mo(compiled, read_po(source, locale="zh_CN"))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translator(language: str) -> Translate:
    """Return the function that says an English sentence in `language`."""
    catalogue = translations(language)

    def translate(text: str) -> str:
        return catalogue.gettext(text) if text else text

    return translate


def pick(text: dict[str, str] | None, language: str) -> str:
    """Return a {"en", "zh"} pair's text in `language`, else its English."""
    if not text:
        return ""
    return text.get(language) or text.get("en", "")
