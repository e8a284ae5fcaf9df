"""The measured runs that ship: real, whole, in the contract's shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from prototypes.harness.registry import ROOT, scan
from prototypes.harness.status import Status

FILES = sorted((ROOT / "results").glob("*.json"))
KEYS = {
    *("id", "prototype", "paper", "part", "case", "case_parameters", "implementation", "shipped"),
    *("device", "scope", "status", "fidelity", "quality", "quality_pass", "time_us", "samples"),
    *("method", "baseline", "speedup", "baselines", "bytes", "flops", "roofline_fraction"),
    *("claims", "code_hash", "provisional", "error", "target_weight", "started_at", "seed"),
}


def document(file: Path) -> dict[str, Any]:
    loaded = json.loads(file.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_something_ships() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_shipped_document_is_whole(file: Path) -> None:
    assert file.stat().st_size < 600_000
    content = document(file)
    environment = content["environment"]
    assert content["schema"] == 1
    assert file.name.startswith(environment["device_id"])
    assert environment["started_at"][:10] in file.name
    assert environment["quick"] is False
    assert 0.01 <= environment["noise_floor"] < 0.2
    assert len({run["id"] for run in content["runs"]}) == len(content["runs"])
    known = scan()
    for run in content["runs"]:
        assert run.keys() >= KEYS
        case = known[run["prototype"]].case(run["case"])
        assert dict(case.parameters) == run["case_parameters"]
        assert case.target_weight == run["target_weight"]  # else a score rests on what was mended
        assert run["device"] == environment["device"]
        assert run["status"] != Status.CANCELLED
        assert (run["status"] == Status.OK) == (run["speedup"] is not None)
        assert run["provisional"] is False


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_its_numbers_agree_with_each_other(file: Path) -> None:
    for run in document(file)["runs"]:
        if run["status"] != Status.OK:
            continue
        assert run["quality_pass"] is run["fidelity"]["pass"] is True
        assert len(run["samples"]) == run["method"]["rounds"] >= 10
        time = run["time_us"]
        assert time["low"] <= time["median"] <= time["high"]
        assert min(run["samples"]) <= time["median"] * 1.001
        measured = [b for b in run["baselines"] if b["available"]]
        fastest = min(measured, key=lambda b: float(b["time_us"]["median"]))
        assert run["baseline"] == fastest["name"]
        assert "strongest" in fastest["roles"]
        assert run["speedup"] == fastest["speedup"]
        for baseline in measured:
            speed = baseline["speedup"]
            assert speed["low"] <= speed["median"] <= speed["high"]
            # Paired rounds against medians: they differ, but not by much.
            ratio = baseline["time_us"]["median"] / time["median"]
            assert speed["median"] == pytest.approx(ratio, rel=0.1)
