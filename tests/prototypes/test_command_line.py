"""`python -m prototypes`: what it prints, refuses and writes, in processes of their own."""

import json
import os
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from analyzers.facts import Part
from prototypes.harness import document as documents
from prototypes.harness.cli import main
from prototypes.harness.document import Document, OutputError
from prototypes.harness.statistics import repeat_interval
from tests.conftest import PROJECT

pytestmark = pytest.mark.xdist_group("command line")

CASE = "b1-v128256-k40-p0.95-m0.05-zipf"
HEAVY = ("torch", "triton", "numpy")

# What `python -m prototypes` does, and then which heavy modules the parent has loaded.
SCRIPT = f"""
import runpy, sys
try:
    runpy.run_module("prototypes", run_name="__main__", alter_sys=True)
finally:
    print("loaded:", sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""


def prototypes(*arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **more,
    )


@pytest.fixture(scope="module")
def listed() -> list[dict[str, Any]]:
    done = prototypes("list", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "loaded: []\n"
    records: list[dict[str, Any]] = json.loads(done.stdout)
    return records


def test_the_list_has_the_contracts_keys(listed: list[dict[str, Any]]) -> None:
    keys = {"name", "papers", "devices", "implementations", "cases", "baselines", "claims"}
    assert all(keys <= record.keys() for record in listed)
    sampling = {record["name"]: record for record in listed}["sampling"]
    assert sampling["devices"] == ["cpu", "cuda"]
    assert {"id", "parameters", "target_weight", "quick", "baselines"} <= sampling["cases"][
        0
    ].keys()
    for device in sampling["devices"]:
        assert [i["device"] for i in sampling["implementations"] if i["shipped"]].count(device) == 1
        assert any(c["quick"] for c in sampling["cases"] if device in c["devices"])
        assert any(c["target_weight"] > 0 for c in sampling["cases"] if device in c["devices"])


def test_what_is_declared_stands_in_the_seed(listed: list[dict[str, Any]]) -> None:
    papers = {}
    for file in (PROJECT / "db" / "seed" / "papers").glob("*.toml"):
        paper = tomllib.loads(file.read_text("utf-8"))
        papers[paper["id"]] = paper
    for record in listed:
        assert record["part"] in set(Part)
        for slug in record["papers"]:
            assert record["name"] in papers[slug]["prototypes"]
            assert set(record["claims"]) <= {claim["key"] for claim in papers[slug]["claims"]}


def test_the_list_for_people_names_every_case(listed: list[dict[str, Any]]) -> None:
    done = prototypes("list")
    assert done.returncode == 0
    for record in listed:
        assert f"{record['name']}: {record['title']}" in done.stdout
        assert all(f"  {case['id']}" in done.stdout for case in record["cases"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope", "--device", "cpu"], "no prototype 'nope'; known: coupled_quant, "),
        (["sampling", "--device", "tpu"], "choose from"),
        (["sampling", "--device", "cpu", "--case", "b0"], f"no case 'b0'; known: {CASE}"),
        (["sampling", "--device", "cpu", "--case", "b64-v32000-k0-p0.9-normal3"], "other device"),
        (["sampling", "--device", "cpu", "--out", "{tmp}"], "is a folder"),
        (["sampling", "--device", "cpu", "--out", "{tmp}/none/x.json"], "There is no folder"),
        (["sampling", "--device", "cpu", "--out", "/proc/x.json"], "Can't write /proc/x.json"),
        (["sampling", "--device", "cpu", "--memory", "inf"], "--memory must be a number above 0"),
        (["sampling", "--device", "cpu", "--timeout", "-1"], "--timeout must be a number above 0"),
        (["sampling", "--device", "cpu", "--threads", "two"], "--threads: invalid int value"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [a.format(tmp=tmp_path) for a in arguments]
    out = [] if "--out" in given else ["--out", str(tmp_path / "x.json")]
    try:
        status = main(["run", *given, *out])
    except SystemExit as leaving:  # argparse's way
        status = int(leaving.code or 0)
    printed = capsys.readouterr()
    assert status == 2
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not list(tmp_path.iterdir())


def test_no_command_is_wrong_usage_without_a_traceback() -> None:
    done = prototypes()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--help" in done.stderr


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    out = tmp_path / "runs.json"
    done = prototypes(
        "run", "sampling", "--device", "cuda", "--quick", "--quiet", "--out", str(out)
    )
    assert done.returncode == 2
    assert "device cuda can't be used here" in done.stderr
    assert "Try --device cpu." in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


class Measured:
    """One real run, its progress lines, and what was on the disk while it ran."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "runs.json"
        self.versions: list[dict[str, Any]] = []
        reader, writer = os.pipe()
        with os.fdopen(reader) as lines:
            watcher = threading.Thread(target=self._watch, args=(lines,))
            watcher.start()
            arguments = ("run", "sampling", "--device", "cpu", "--quick", "--case", CASE)
            more = ("--out", str(self.out), "--progress-fd", str(writer))
            try:
                self.done = prototypes(*arguments, *more, pass_fds=(writer,))
            finally:
                os.close(writer)
                watcher.join()
        self.document = json.loads(self.out.read_text())

    def _watch(self, lines: Any) -> None:
        self.progress = []
        for line in lines:
            self.progress.append(json.loads(line))
            if self.out.exists():
                self.versions.append(json.loads(self.out.read_text()))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return Measured(tmp_path_factory.mktemp("measured"))


def test_a_real_run_ends_well_and_the_parent_stays_light(measured: Measured) -> None:
    assert measured.done.returncode == 0, measured.done.stderr
    assert measured.done.stdout == ""
    assert measured.done.stderr.endswith("loaded: []\n")


def test_the_document_holds_to_the_contract(measured: Measured) -> None:
    assert measured.document["schema"] == 1
    assert measured.document["complete"] is True
    environment = measured.document["environment"]
    assert (
        {"device_id", "device_name", "device_class", "device", "started_at", "host", "software"}
        | {"threads", "noise_floor", "gpu", "git", "quick", "rates"}
    ) <= environment.keys()
    assert {"cpu", "cores", "memory_bytes", "load"} <= environment["host"].keys()
    assert {"python", "torch", "triton", "cuda", "os"} <= environment["software"].keys()
    assert environment["device"] == environment["device_class"] == "cpu"
    assert environment["quick"] is True
    assert environment["gpu"] is None
    assert environment["noise_floor"] >= 0.01

    (run,) = measured.document["runs"]
    assert (
        {"prototype", "case", "implementation", "device", "scope", "status", "fidelity", "quality"}
        | {"quality_pass", "time_us", "samples", "method", "baseline", "speedup", "baselines"}
        | {"bytes", "flops", "roofline_fraction", "claims", "code_hash", "provisional", "error"}
        | {"shipped", "target_weight", "part", "paper", "case_parameters", "id", "seed"}
    ) <= run.keys()
    assert (run["prototype"], run["case"], run["device"]) == ("sampling", CASE, "cpu")
    assert (run["status"], run["error"], run["scope"]) == ("ok", None, "call")
    assert run["shipped"] is run["provisional"] is run["quality_pass"] is True
    assert run["target_weight"] == 1.0
    assert run["bytes"] >= 4 * 128256
    assert 0 < run["roofline_fraction"] < 1.25


def test_every_check_of_both_gates_is_told(measured: Measured) -> None:
    (run,) = measured.document["runs"]
    assert run["fidelity"]["pass"] is True
    for check in run["fidelity"]["checks"] + run["quality"]["checks"]:
        assert check.keys() == {"name", "value", "bar", "pass"}
        assert check["pass"] is True
    names = [c["name"] for c in run["fidelity"]["checks"]]
    assert {"outputs not written", "input bytes changed"} <= set(names)
    assert any(name.startswith("after timing: ") for name in names)
    assert run["quality"]["checks"]


def by_process(run: dict[str, Any], timed: dict[str, Any]) -> list[list[float]]:
    """Return the samples of a run or a baseline, process by process."""
    left = list(timed["samples"])
    return [[left.pop(0) for _ in range(n)] for n in run["method"]["rounds_per_process"]]


def test_the_numbers_of_a_run_agree_with_its_samples(measured: Measured) -> None:
    (run,) = measured.document["runs"]
    rows = {b["name"]: b for b in run["baselines"]}
    rivals = {"torch_sort", "torch_sort_lean", "torch_topk_first", "bucket_sort_of_k"}
    assert rows.keys() == rivals
    assert len(run["samples"]) == run["method"]["rounds"] >= 5
    assert run["method"]["processes"] == len(run["method"]["rounds_per_process"]) == 2
    assert sum(run["method"]["rounds_per_process"]) == run["method"]["rounds"]
    for timed in (run, *rows.values()):
        samples = sorted(timed["samples"])
        assert len(samples) == run["method"]["rounds"]
        interval = timed["time_us"]
        assert interval["low"] <= interval["median"] <= interval["high"]
        assert samples[0] <= interval["median"] * 1.001
        assert interval["median"] <= samples[-1] * 1.001
        # It is about a repeat in other processes, so it may reach past these rounds: it follows
        # from them and from how all contestants differed between processes.
        others = [r for r in (run, *rows.values()) if r is not timed]
        again = repeat_interval(by_process(run, timed), [by_process(run, o) for o in others])
        for end in ("low", "median", "high"):
            assert interval[end] == pytest.approx(again.to_json()[end], rel=0.01)
    for row in rows.values():
        assert row["version"].startswith("torch ")
        ratios = sorted(b / c for b, c in zip(row["samples"], run["samples"], strict=True))
        assert ratios[0] * 0.998 <= row["speedup"]["median"] <= ratios[-1] * 1.002
    fastest = min(rows.values(), key=lambda b: b["time_us"]["median"])
    assert run["baseline"] == fastest["name"]
    assert run["speedup"] == fastest["speedup"]
    assert [n for n, b in rows.items() if "strongest" in b["roles"]] == [fastest["name"]]
    assert rows["torch_sort"]["role"] == "paper"
    assert rows["torch_topk_first"]["role"] == "engine"


def test_progress_lines_go_up_to_the_end(measured: Measured) -> None:
    assert all(line.keys() == {"done", "total", "message"} for line in measured.progress)
    done = [line["done"] for line in measured.progress]
    assert done == sorted(done)
    assert {line["total"] for line in measured.progress} == {200}
    assert done[-1] == 200
    assert any("timing: round" in line["message"] for line in measured.progress)


def test_whoever_reads_meanwhile_reads_a_whole_document(measured: Measured) -> None:
    assert measured.versions  # each was parsed as JSON when it was read
    assert {"schema", "complete", "environment", "runs"} <= measured.versions[0].keys()
    assert measured.versions[0]["complete"] is False
    assert [p.name for p in measured.out.parent.iterdir()] == ["runs.json"]


def test_a_document_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.json"
    document = Document(path)
    document.add({"case": "first"})
    before = path.read_text()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        document.add({"case": "second"})
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_out_minus_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    document = Document(None)
    document.add({"case": "μ"})
    document.finish()
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "complete": True,
        "environment": {},
        "summaries": [],
        "runs": [{"case": "μ"}],
    }
