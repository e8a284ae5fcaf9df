"""English and Chinese: one gettext catalogue, its message ids are the English sentences.

The catalogue is `translations/zh.po` with `translations/parts/*.po`, read as they are, without a
compile step. `N_` marks a string that is translated later.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LANGUAGES = {"en": "English", "zh": "简体中文"}
TRANSLATIONS = Path(__file__).parent / "translations"
CATALOGUE = TRANSLATIONS / "zh.po"

Translate = Callable[[str], str]


def N_(text: str) -> str:  # noqa: N802 - gettext calls it so
    """Mark `text` for the catalogue and return it unchanged."""
    return text


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the translations of `language`; an unknown language reads English."""
    if language != "zh":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue())
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def catalogue_files() -> list[Path]:
    """Return the Chinese catalogue's files, the one that wins first."""
    files = [CATALOGUE, *sorted((TRANSLATIONS / "parts").glob("*.po"))]
    return [file for file in files if file.is_file()]


def read_catalogue() -> Catalog:
    """Return the Chinese catalogue; of two translations of a sentence the first one counts."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    merged = Catalog(locale="zh_CN")
    for file in catalogue_files():
        with file.open("rb") as source:
            part = read_po(source, locale="zh_CN")
        for entry in part:
            if entry.id and entry.string and merged.get(entry.id) is None:
                merged.add(entry.id, entry.string)
    return merged


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
