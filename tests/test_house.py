"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT, copied

PACKAGES = ("app", "analyzers", "prototypes", "db")
HEAVY = ("torch", "triton", "pymupdf", "streamlit", "pandas", "arxiv", "requests", "alembic")
LONGEST = 450


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_files_fit_in_the_head() -> None:
    long = []
    for package in (*PACKAGES, "tests"):
        for path in (PROJECT / package).rglob("*.py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LONGEST:
                long.append(f"{path.relative_to(PROJECT)}: {lines}")
    assert not long


def test_versions_are_pinned_without_a_host() -> None:
    text = (PROJECT / "constraints.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.+!]*", line), line
    assert "torch==2.13.0" in text
    assert "triton==3.7.1" in text


HOSTS = re.compile(r"py[p]i\.org|pythonh[o]sted|registry\.npm[j]s|deb\.debi[a]n")


def test_no_package_registry_is_named() -> None:
    named = []
    for name in tracked():
        try:
            text = (PROJECT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        if HOSTS.search(text):
            named.append(name)
    assert not named


def test_no_paper_is_in_the_project() -> None:
    assert not [name for name in tracked() if name.lower().endswith((".pdf", ".bib"))]


@pytest.mark.parametrize("command", [["list"], ["--help"], ["show", "sage"], ["bench", "--help"]])
def test_commands_start_without_heavy_imports(
    command: list[str], shipped_file: Path, own_home: Path
) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['assay', *{command!r}]\n"
        "from app.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    copied(shipped_file, own_home)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_pillars_import_nothing_heavy_at_the_top() -> None:
    found = []
    for package in ("app/workflows", "app/cli", "app/jobs", "analyzers", "db"):
        for path in (PROJECT / package).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                found += [
                    f"{path.relative_to(PROJECT)}: {name}"
                    for name in names
                    if name.split(".")[0] in HEAVY
                ]
    assert not found
