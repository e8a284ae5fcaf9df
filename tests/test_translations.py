"""Every sentence for people is there in Chinese, and every Chinese one is still used."""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.extract import extract_from_dir

from app.i18n import read_catalogue
from db.errors import CatalogError
from tests.conftest import PROJECT


def _error_classes() -> list[str]:
    """The catalog's errors: the template that each is made with is a sentence for people."""
    found, waiting = [CatalogError.__name__], [CatalogError]
    while waiting:
        children = waiting.pop().__subclasses__()
        found += [child.__name__ for child in children]
        waiting += children
    return found


KEYWORDS = {"_": None, "N_": None, "message": None}
# What the catalog refuses carries its sentence as a template, which the roof translates.
KEYWORDS |= dict.fromkeys([*_error_classes(), "RunRefusedError"])
METHODS = [("**.py", "python"), ("reports/templates/**", "jinja2")]
OPTIONS = {"reports/templates/**": {"encoding": "utf-8", "trimmed": "true", "silent": "false"}}
PLACEHOLDER = re.compile(r"\{(\w+)[^}]*\}|%\((\w+)\)s")


@cache
def sentences() -> dict[str, str]:
    """Every sentence marked for translation, and where it stands."""
    found = {}
    for folder in ("app", "analyzers", "db"):
        for file, line, text, _, _ in extract_from_dir(
            PROJECT / folder, METHODS, OPTIONS, keywords=KEYWORDS
        ):
            if isinstance(text, str) and text:
                found[text] = f"{folder}/{file}:{line}"
    return found


@cache
def chinese() -> dict[str, str]:
    return {str(e.id): str(e.string) for e in read_catalogue() if e.id and e.string}


def test_there_is_something_to_translate() -> None:
    assert len(sentences()) > 150


def test_nothing_is_missing() -> None:
    missing = {text: place for text, place in sentences().items() if text not in chinese()}
    assert not missing


def test_nothing_is_left_over() -> None:
    assert not sorted(set(chinese()) - set(sentences()))


@pytest.mark.parametrize("kind", ["placeholders", "script"])
def test_translations_keep_their_parts(kind: str) -> None:
    wrong = []
    for english, translated in chinese().items():
        if kind == "placeholders":
            if set(PLACEHOLDER.findall(english)) != set(PLACEHOLDER.findall(translated)):
                wrong.append(english)
        elif re.search(r"[a-z]{3}", PLACEHOLDER.sub("", english)) and not re.search(
            "[\u4e00-\u9fff]", translated
        ):
            wrong.append(english)
    assert not wrong
