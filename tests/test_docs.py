"""The documentation is complete: every command, variable, advice and verdict stands in it."""

from __future__ import annotations

import re

import pytest

from analyzers.scoring.recommendation import Advice
from analyzers.scoring.verdicts import VerdictKind
from app.labels import ADVICE, VERDICTS
from tests.app.test_cli import command_names
from tests.conftest import PROJECT

DOCS = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md")}


@pytest.mark.parametrize("name", command_names(), ids=" ".join)
def test_every_command_is_listed(name: list[str]) -> None:
    assert f"`assay {' '.join(name)}" in DOCS["commands.md"]


def test_every_listed_command_exists() -> None:
    listed = re.findall(
        r"^\| `assay ((?:bench |db |hosts |target |watch )?\w+)", DOCS["commands.md"], re.MULTILINE
    )
    assert sorted(listed) == sorted(" ".join(name) for name in command_names())


READ = re.compile(r"""environ(?:\.get\(|\[)\s*["'](ASSAY_[A-Z_]+)["']""")
INTERNAL = {"ASSAY_JOB", "ASSAY_RUNNER", "ASSAY_PARENT", "ASSAY_HOST_FOLDER"}
"""Marks that the runner puts on its own processes, to find them again."""


def test_every_variable_is_listed() -> None:
    used = set()
    for package in ("app", "analyzers", "prototypes", "db"):
        for path in (PROJECT / package).rglob("*.py"):
            used |= set(READ.findall(path.read_text("utf-8")))
    assert used >= {"ASSAY_HOME", "ASSAY_DATABASE_URL"}
    assert not {v for v in used - INTERNAL if f"`{v}`" not in DOCS["commands.md"]}


def test_every_advice_and_verdict_is_explained() -> None:
    words = [ADVICE[a] for a in Advice] + [VERDICTS[v] for v in VerdictKind]
    assert not [
        w for w in words if f"| {w}" not in DOCS["scoring.md"] and w not in DOCS["scoring.md"]
    ]


def test_links_between_documents_resolve() -> None:
    broken = []
    for path in [*(PROJECT / "docs").glob("*.md"), *PROJECT.glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if "://" not in link and not (path.parent / link).exists():
                broken.append(f"{path.name}: {link}")
    assert not broken
