"""The analysis contract, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzers.analysis import analyze_file
from analyzers.facts import Bound, Complexity, Metric, Scope, Severity, Technique
from tests.analyzers.papers import MARKDOWN, make_pdf

TOP = {
    "source", "read", "paper", "document", "contribution", "claims", "technique", "complexity",
    "relevance", "relevance_elsewhere", "risks", "trust", "hardware", "formats", "code_url",
    "seconds",
}  # fmt: skip
CLAIM = {
    "metric", "value", "value_high", "unit", "bound", "subject", "scope", "baseline", "hardware",
    "own_result", "quote", "page", "boxes", "places", "confidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = make_pdf(tmp_path_factory.mktemp("pdf") / "paper.pdf")
    result = analyze_file(path)
    assert result["source"] == str(path)
    return result


def test_contract(analysis: dict[str, Any]) -> None:
    assert set(analysis) >= TOP
    assert set(analysis["paper"]) >= {"arxiv_id", "title", "authors", "abstract"}
    assert set(analysis["document"]) >= {"pages", "words", "columns", "sections"}
    assert set(analysis["seconds"]) == {"parse", "analyze"}
    Technique(analysis["technique"]["primary"])
    Complexity(analysis["complexity"]["level"])
    assert 0 <= analysis["relevance"]["value"] <= 1
    for claim in analysis["claims"]:
        assert set(claim) >= CLAIM
        Metric(claim["metric"]), Bound(claim["bound"])
        assert claim["scope"] is None or Scope(claim["scope"])
        assert 0 < claim["confidence"] < 1
        first = claim["places"][0]
        assert (first["quote"], first["page"], first["boxes"]) == (
            claim["quote"],
            claim["page"],
            claim["boxes"],
        )
        for place in claim["places"]:
            assert place["kind"] in ("sentence", "caption", "table")
            assert 1 <= place["page"] <= 4
            assert all(len(box) == 4 for box in place["boxes"])
    for risk in analysis["risks"]:
        Severity(risk["severity"])
        assert {"kind", "quote", "page"} <= set(risk)


def test_facts(analysis: dict[str, Any]) -> None:
    values = {(c["metric"], c["value"]) for c in analysis["claims"] if c["own_result"]}
    assert {("speedup", 2.4), ("memory_reduction", 60.0), ("speedup", 1.9)} <= values
    assert ("speedup", 9.5) not in values
    assert analysis["technique"]["primary"] == "kv_cache"
    assert analysis["contribution"]["text"].startswith("We present QuickKV")
    assert analysis["contribution"]["page"] == 1
    assert analysis["code_url"] == "https://github.com/example/quickkv"
    assert [name.replace("NVIDIA ", "") for name in analysis["hardware"]] == ["RTX 4090"]


def test_reasons_are_messages_with_evidence(analysis: dict[str, Any]) -> None:
    reasons = [
        *analysis["complexity"]["reasons"],
        *analysis["relevance"]["reasons"],
        *analysis["technique"]["evidence"],
    ]
    assert reasons
    for item in reasons:
        assert item["template"].format(**item["params"])
        assert {"quote", "page"} <= set(item)
    assert any(item["quote"] and item["page"] == 1 for item in reasons)


def test_same_file_same_answer(analysis: dict[str, Any], tmp_path: Path) -> None:
    again = analyze_file(make_pdf(tmp_path / "paper.pdf"))
    for key in TOP - {"source", "seconds"}:
        assert json.dumps(again[key]) == json.dumps(analysis[key])


def test_markdown_has_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "post.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    result = analyze_file(path)
    assert result["document"]["pages"] is None
    assert result["claims"]
    assert all(claim["page"] is None and claim["boxes"] == [] for claim in result["claims"])
    assert {c["value"] for c in result["claims"] if c["own_result"]} >= {2.4, 60.0, 1.9}


def test_unreadable_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "none.pdf"
    result = analyze_file(path)
    assert set(result) == {"source", "error"}
    error = result["error"]
    assert error["kind"] == "not_found"
    assert error["message"] == "There is no such file. Check the path."
