"""Other people's code through ASSAY_BASELINES: what is read, refused, and measured."""

import os
from pathlib import Path

import pytest
import torch

from prototypes.harness import foreign, measure, timing
from prototypes.harness.foreign import BaselinesError, check_entries, load
from prototypes.harness.outcome import Outcome
from prototypes.harness.roofline import Rates
from tests.prototypes.specimens.declaration import DECLARATION
from tests.prototypes.specimens.workload import WORKLOAD

GOOD = """
import torch
from prototypes.harness.declarations import Baseline, Role
from prototypes.harness.foreign import ForeignBaseline
from prototypes.harness.workload import NotRunnableError

def build(case, device):
    return lambda inputs, outputs: torch.add(inputs["x"], inputs["x"], out=outputs["y"])

def wrong(case, device):
    return lambda inputs, outputs: outputs["y"].fill_(1)

def absent(case, device):
    raise NotRunnableError("It needs another machine.")

BASELINES = [
    ForeignBaseline("specimens", Baseline("theirs", "", (Role.STRONGEST,), package="none"), build),
    ForeignBaseline("specimens", Baseline("theirs_wrong", "", package="torch"), wrong),
    ForeignBaseline("specimens", Baseline("theirs_absent", "", package="torch"), absent),
    ForeignBaseline("specimens", Baseline("slow", "", package="torch"), build),
    ForeignBaseline("another", Baseline("elsewhere", "", package="torch"), build),
]
"""


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "theirs.py"
    file.write_text(GOOD)
    monkeypatch.setenv(foreign.VARIABLE, str(file))
    monkeypatch.setattr(timing, "QUICK", timing.Budget(4, 3, 0.5, 0.05, 3))
    return file


def outcome() -> Outcome:
    rates = Rates(1e10, 1e11, 1 << 30, 1e11)
    case = DECLARATION.case("honest")
    return measure.run_case(
        DECLARATION, WORKLOAD, case, "doubling", torch.device("cpu"), rates, quick=True
    )


def test_it_is_measured_beside_the_declared_ones_with_its_version(named: Path) -> None:
    record = outcome().to_json()
    assert record["status"] == "ok", record["error"]
    rows = {b["name"]: b for b in record["baselines"] if b["available"]}
    assert rows["theirs"]["version"].startswith("theirs.py sha256:")
    assert rows["theirs"]["speedup"]["median"] > 0
    assert "strongest" in rows["theirs"]["roles"]
    why = {b["name"]: b["why"] for b in record["baselines"] if not b["available"]}
    assert "wrong here" in why["theirs_wrong"]
    assert why["theirs_absent"] == "It needs another machine."
    assert "already has a slow" in why["slow"]
    assert "elsewhere" not in {*rows, *why}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise ValueError('their bug')", "can't be read: ValueError: their bug"),
        ("BASELINES = []", "holds no BASELINES"),
        ("BASELINES = [1]", "int in BASELINES is none"),
        ("x = (", "can't be read: SyntaxError"),
        (GOOD.replace('"theirs"', '"The irs"'), "is no name"),
    ],
)
def test_a_file_that_fails_costs_its_own_row(named: Path, text: str, words: str) -> None:
    named.write_text(text)
    found = load()
    assert not found.baselines
    ((row, why),) = found.failed
    assert row.name == "theirs"
    assert words in why
    assert str(named.parent) not in why  # a document travels: no path of this machine


def test_folders_modules_and_several(
    named: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / foreign.FOLDER_FILE).write_text(GOOD)
    (folder / "their_module.py").write_text(GOOD)
    monkeypatch.setattr("sys.path", [*os.sys.path])  # type: ignore[attr-defined]
    entries = [str(named), str(folder), "their_module"]
    monkeypatch.setenv(foreign.VARIABLE, os.pathsep.join(entries))
    check_entries()
    assert len(load().of("specimens")) == 12
    assert not load().failed


@pytest.mark.parametrize(
    ("entry", "words"),
    [("/nowhere/x.py", "isn't there"), ("/etc/passwd", "give a Python file"), ("a b", "give a")],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, entry: str, words: str
) -> None:
    monkeypatch.setenv(foreign.VARIABLE, entry)
    with pytest.raises(BaselinesError, match=words):
        check_entries()
