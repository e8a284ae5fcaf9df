"""What a hash over syntax sees, and what it doesn't; the shipped runs are of today's kernels."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from prototypes.harness.declarations import Case
from prototypes.harness.registry import ROOT, record, scan
from prototypes.harness.source_hash import (
    BYTES_HASHES,
    SCHEME,
    case_hash,
    declared_kernels,
    kernel_hash,
    older_hashes,
    run_hash,
)

WORKLOAD = '''"""Joins the parts."""
import torch
from prototypes.thing import oracle
from prototypes.thing.kernels import double

LIMIT = 3  # of something


def build(name: str) -> object:
    """Say what it does."""
    from . import late
    return double, late, f"{name}-{LIMIT:d}"
'''
FILES = {
    "__init__.py": "",
    "declaration.py": "DECLARATION = 1\n",
    "workload.py": WORKLOAD,
    "oracle.py": "def exact(x):\n    return 2 * x\n",
    "kernels.py": "def double(x):\n    return x + x\n",
    "late.py": "A = 1\n",
    "tune.py": "print('not imported by what is measured')\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "thing"
    made.mkdir()
    for name, text in FILES.items():
        (made / name).write_text(text)
    return made


def edit(folder: Path, file: str, old: str, new: str) -> tuple[str, str]:
    before = kernel_hash(folder, "workload")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return before, kernel_hash(folder, "workload")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("workload.py", "  # of something", ""),
        ("workload.py", '"""Say what it does."""', '"""Say it otherwise."""'),
        ("workload.py", '    """Say what it does."""\n', ""),
        ("workload.py", "LIMIT = 3", "LIMIT = (\n    3\n)"),
        ("workload.py", '"""Joins the parts."""', "# nothing"),
        ("kernels.py", "x + x", "( x+x )"),
        ("declaration.py", "1", "2"),
        ("tune.py", "print", "input"),
    ],
)
def test_comments_format_docstrings_and_unused_files_do_not_matter(
    folder: Path, file: str, old: str, new: str
) -> None:
    before, after = edit(folder, file, old, new)
    assert after == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("workload.py", "LIMIT = 3", "LIMIT = 4"),
        ("workload.py", "LIMIT = 3", "LIMIT = 3.0"),
        ("workload.py", "LIMIT = 3", "LIMIT = '3'"),
        ("workload.py", "{LIMIT:d}", "{LIMIT:x}"),
        ("kernels.py", "x + x", "x - x"),
        ("kernels.py", "x + x", "None"),
        ("oracle.py", "2 * x", "2 * y"),
        ("late.py", "A = 1", "A = True"),
    ],
)
def test_code_matters_wherever_it_is_imported_from(
    folder: Path, file: str, old: str, new: str
) -> None:
    before, after = edit(folder, file, old, new)
    assert after != before


SHARED = {
    "thing/workload.py": "from prototypes.shared.tiles import a\nimport prototypes.harness\n",
    "thing/tiles.py": "unused = 1\n",
    "shared/tiles.py": "from prototypes.shared import masks\nfrom .deep import last\n",
    "shared/masks.py": "MASK = 1\n",
    "shared/deep.py": "from ..other.far import near\n",
    "shared/loose.py": "LOOSE = 1\n",
    "other/far.py": "near = 1\n",
    "harness/__init__.py": "x = 1\n",
}


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("shared/tiles.py", True),
        ("shared/masks.py", True),
        ("shared/deep.py", True),
        ("other/far.py", True),
        ("shared/loose.py", False),
        ("thing/tiles.py", False),
        ("harness/__init__.py", False),
    ],
)
def test_code_that_prototypes_share_matters_too(tmp_path: Path, file: str, matters: bool) -> None:
    root = tmp_path / "prototypes"
    for name, text in SHARED.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    before = kernel_hash(root / "thing", "workload")
    (root / file).write_text(SHARED[file] + "more = 2\n")
    assert (kernel_hash(root / "thing", "workload") != before) is matters


def test_a_case_is_its_parameters_and_its_seed() -> None:
    (sampling,) = (d for d in scan().values() if d.name == "sampling")
    case = sampling.cases[0]
    same = replace(case, target_weight=9.0, quick=False, claims=())
    assert run_hash(sampling, same, ROOT) == run_hash(sampling, case, ROOT)
    assert run_hash(sampling, replace(case, seed=1), ROOT) != run_hash(sampling, case, ROOT)
    other = replace(case, parameters={**case.parameters, "batch": 2})
    assert run_hash(sampling, other, ROOT) != run_hash(sampling, case, ROOT)
    assert case_hash({"a": 1, "b": 2}, 0) == case_hash({"b": 2, "a": 1}, 0)


def test_a_file_that_cannot_be_read_is_no_crash(folder: Path) -> None:
    (folder / "kernels.py").write_text("def (")
    declaration = replace(scan()["sampling"], name="thing", module="prototypes.thing.workload")
    assert declared_kernels(declaration, folder.parent) is None
    case = Case("c", {}, seed=0)
    assert run_hash(declaration, case, folder.parent) == f"{SCHEME}unreadable"


def test_the_list_tells_the_hashes_of_today() -> None:
    told = record(scan()["sampling"])
    hashes = [case["code_hash"] for case in told["cases"]]
    assert len(set(hashes)) == len(hashes)
    assert all(h.startswith(SCHEME) for h in hashes)


def test_the_shipped_runs_are_of_the_present_kernels_or_known_to_be_of_older_ones() -> None:
    known = scan()
    for file in (ROOT / "results").glob("*.json"):
        for run in json.loads(file.read_text())["runs"]:
            declaration = known[run["prototype"]]
            if run["code_hash"].startswith(SCHEME):
                continue
            # An older hash that nobody can place would say nothing for ever.
            assert run["code_hash"] in BYTES_HASHES
            if run["prototype"] == "sampling":
                kernels = declared_kernels(declaration, ROOT)
                assert (run["code_hash"] in older_hashes(kernels)) == (
                    BYTES_HASHES[run["code_hash"]] == kernels
                )


def test_every_python_here_gives_the_same_hash(folder: Path) -> None:
    others = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
    script = (
        "from pathlib import Path; from prototypes.harness.source_hash import kernel_hash; "
        f"print(kernel_hash(Path({str(folder)!r}), 'workload'))"
    )
    for python in [sys.executable, *(o for o in others if o)]:
        done = subprocess.run(
            [python, "-c", script], cwd=ROOT.parent, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:  # a shim may be there without the version it stands for
            assert done.stdout.strip() == kernel_hash(folder, "workload")
