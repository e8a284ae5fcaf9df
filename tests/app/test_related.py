"""Related papers: who compares with whom, the same technique, the same words; each with reasons."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.ranking import list_papers
from app.workflows.related import MOST, names_in, related
from app.workflows.triage import rescore
from db.engine import session_scope
from db.errors import NotFoundError
from db.models import Claim
from db.queries import papers


def neighbours(catalog: Engine, paper: str, language: str = "en") -> dict[str, dict[str, Any]]:
    with session_scope(catalog) as session:
        found = related(session, paper, list_papers(session), language=language)
    return {row["paper_id"]: row for row in found}


def add(catalog: Engine, paper_id: str, title: str, baseline: str = "", abstract: str = "") -> None:
    with session_scope(catalog) as session:
        papers.add(session, title=title, paper_id=paper_id, abstract=abstract or None)
        if baseline:
            session.add(
                Claim(
                    key=f"{paper_id}/c", paper_id=paper_id, source="analysis", metric="speedup",
                    value=2.0, unit="x", bound="exact", baseline=baseline,
                    baseline_kind="named_rival",
                )
            )  # fmt: skip
        session.flush()
        rescore(session, {"kind": "analysis", "ref": paper_id}, [paper_id])


def test_the_same_technique_relates(catalog: Engine) -> None:
    assert neighbours(catalog, "eagle3")["qspec"]["reasons"][0] == (
        "same technique: speculative decoding"
    )
    assert "flatquant" not in neighbours(catalog, "eagle3")


def test_who_compares_with_whom_comes_first(catalog: Engine) -> None:
    add(catalog, "new", "NewQuant: smaller still", baseline="FlatQuant (W4A4)")
    found = neighbours(catalog, "flatquant")
    assert next(iter(found)) == "new"
    assert found["new"]["reasons"] == ["it compares itself with this paper"]
    assert neighbours(catalog, "new")["flatquant"]["reasons"] == [
        "this paper compares itself with it"
    ]


def test_shared_rivals_are_named(catalog: Engine) -> None:
    add(catalog, "one", "One thing", baseline="FlashInfer 0.2 and vLLM")
    add(catalog, "two", "Another", baseline="flash-infer, FlashInfer's kernels; FP16")
    assert neighbours(catalog, "one")["two"]["reasons"] == ["both compare with FlashInfer"]


def test_words_that_few_others_use_relate(catalog: Engine) -> None:
    add(catalog, "one", "Ternary weights on wafers", abstract="Wafers hold ternary weights.")
    add(catalog, "two", "Wafers for ternary weights", abstract="We put ternary weights on wafers.")
    (reason,) = neighbours(catalog, "one")["two"]["reasons"]
    assert reason == "both speak of: ternary, wafers, weights"
    (told,) = neighbours(catalog, "one", "zh")["two"]["reasons"]
    assert told.startswith("都涉及")


@pytest.mark.parametrize(
    ("baseline", "names"),
    [
        ("FlashAttention FP16 (the authors' Triton kernel)", ["FlashAttention"]),
        ("vLLM with EAGLE-2", ["vLLM", "EAGLE-2"]),
        ("FP16", []),
        ("W4A16 kernels, AWQ and GPTQ", ["AWQ", "GPTQ"]),
        ("", []),
        ("<script>alert(1)</script>", []),
    ],
)
def test_names_in_a_baseline(baseline: str, names: list[str]) -> None:
    assert names_in(baseline) == names


def test_a_paper_alone_has_none_and_an_unknown_one_is_said(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        assert related(session, "sage", []) == []
        rows = [r for r in list_papers(session) if r["paper_id"] == "sage"]
        assert related(session, "sage", rows) == []
        with pytest.raises(NotFoundError):
            related(session, "no-such-paper", rows)


def test_ten_thousand_papers_are_quick(catalog: Engine) -> None:
    with session_scope(catalog) as session:
        rows = list_papers(session)
        many = [
            {"paper_id": f"p{n}", "title": f"Paper {n} about thing{n % 97} and matter{n % 89}"}
            | {"technique": "attention", "rank": n, "recommendation": "steady"}
            for n in range(10_000)
        ]
        began = time.perf_counter()
        found = related(session, "sage", [*rows, *many])
        took = time.perf_counter() - began
    assert len(found) == MOST
    assert took < 2  # 0.2 s on an idle machine
