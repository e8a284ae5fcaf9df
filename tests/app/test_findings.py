"""What is wrong with a paper's numbers: found, stored, told with its arithmetic and its places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.add import add_sources
from app.workflows.correct import set_facts
from app.workflows.paper import show_paper
from db.engine import session_scope
from db.queries import claims as claim_queries
from db.queries import runs
from tests.app.conftest import Assay
from tests.app.run_documents import CLAIM, document, run

TWICE = """# QuickKV: a key-value cache of two bits

## Abstract

We present QuickKV, a quantized cache. QuickKV speeds up decoding by up to 2.4x over vLLM.

## 1 Introduction

Serving is bound by memory, and the cache of keys and values takes most of it.

## 2 Conclusion

In this paper we saw decoding with QuickKV run up to 3.1x faster than vLLM.
"""


def contradicting_paper(catalog: Engine, folder: Path) -> str:
    file = folder / "quickkv.md"
    file.write_text(TWICE, encoding="utf-8")
    return add_sources(catalog, [str(file)]).added[0]


def found(catalog: Engine, paper: str, **chosen: Any) -> list[dict[str, Any]]:
    with session_scope(catalog) as session:
        findings: list[dict[str, Any]] = show_paper(session, paper, **chosen)["findings"]
    return findings


def test_a_contradiction_is_kept_with_both_places(catalog: Engine, tmp_path: Path) -> None:
    finding, limit = found(catalog, contradicting_paper(catalog, tmp_path))
    assert limit["kind"] == "amdahl"
    assert "3.1x is claimed" in limit["text"]
    assert finding["kind"] == "contradiction"
    assert "2.4x" in finding["text"]
    assert "3.1x" in finding["text"]
    assert [("2.4x" in p["quote"], "3.1x" in p["quote"]) for p in finding["places"]] == [
        (True, False),
        (False, True),
    ]


def test_a_claim_above_the_roofline_names_its_run(catalog: Engine) -> None:
    """1 GB at 1 TB/s takes 1 ms, of which 0.8 count: 2 ms can become 2.5 times as fast at most."""
    measured = run(bytes=10**9, flops=10**9)
    for baseline in measured["baselines"]:
        baseline["time_us"] = {"median": 1200.0, "low": 1190.0, "high": 1210.0}
    rates = {"copy_bytes_per_s": 1e12, "matmul_flops_per_s": 1e14}
    with session_scope(catalog) as session:
        runs.import_document(session, document(measured, rates=rates))
    (finding,) = found(catalog, "sampling")
    assert finding["kind"] == "roofline"
    assert finding["claims"] == [CLAIM]
    assert finding["device"] == "test-cpu"
    assert finding["run_id"]
    assert "no code can be more than 1.5x as fast" in finding["text"]
    assert "2x is claimed" in finding["text"]
    assert any(
        "一" <= letter <= "鿿" for letter in found(catalog, "sampling", language="zh")[0]["text"]
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"scope": "kernel"}, False),  # of the part itself anything may be claimed
        ({"regime": "large_batch"}, False),
        ({"metric": "throughput_gain"}, False),
        ({"own_result": False}, False),
        ({"value": 1.2}, False),  # 18 % of prefill sped up without end give 1.22x
        ({"part": "whole_run"}, False),
    ],
)
def test_a_phase_cannot_gain_more_than_its_part_takes(
    changes: dict[str, Any], expected: bool, catalog: Engine
) -> None:
    claim = {"scope": "end_to_end", "part": "prefill", "regime": "target", "value": 2.0}
    claim |= {"unit": "x", "metric": "speedup", "own_result": True} | changes
    with session_scope(catalog) as session:
        for row in claim_queries.for_paper(session, "sage"):
            session.delete(row)
        from db.models import Claim

        session.add(
            Claim(
                key="sage/test", paper_id="sage", source="person", bound="exact",
                baseline_kind="plain", **claim,
            )
        )  # fmt: skip
    told = found(catalog, "sage")
    assert [f["kind"] for f in told] == (["amdahl"] if expected else [])
    if expected:
        assert "prefill attention takes 18 % of prefill" in told[0]["text"]
        assert "no more than 1/(1 − 0.18) = 1.22x" in told[0]["text"]
        assert "it takes 50 % or more" in told[0]["text"]
        assert told[0]["claims"] == ["sage/test"]
        with session_scope(catalog) as session:
            set_facts(session, "sage", {"technique": "quantization"}, why="a try", who="Ada")
        assert found(catalog, "sage") == []


def test_the_command_line_tells_them_too(catalog: Engine, tmp_path: Path, assay: Assay) -> None:
    paper = contradicting_paper(catalog, tmp_path)
    shown = assay("show", paper, "--json").json
    assert [f["kind"] for f in shown["findings"]] == ["contradiction", "amdahl"]
    printed = assay("show", paper).out
    assert "Findings" in printed
    assert "two values for one claim: 2.4x" in printed
    assert "What would change this rank" in printed
    assert "merged in llama.cpp" in printed
    assert shown["what_if"]["now"]["rank"] == shown["row"]["rank"]
