"""A catalog of three papers, an old report and one measurement, the same at every run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.workflows.triage import rescore
from db.engine import open_engine, session_scope
from db.models import (
    Base,
    Claim,
    Correction,
    Fact,
    Paper,
    Place,
    PrototypeLink,
    Reading,
    ReportSnapshot,
)
from db.queries import runs
from tests.app.run_documents import document, run

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
OLD = "report-2025-08"
WRITTEN = "2026-01-02T00:00:00.000000+00:00"

TARGET = """
name = "llama.cpp"
title = { en = "llama.cpp", zh = "llama.cpp" }
date = "2026-01-01"
core_techniques = ["quantization", "attention"]

[workload]
prompt_tokens = 4096
generated_tokens = 128
batch = 1
note = { en = "a long prompt, a short answer", zh = "长提示词、短回答" }

[shares]
whole_run = 1.0
prefill = 0.5
decode = 0.5
prefill_attention = 0.09
decode_attention = 0.1
prefill_linears = 0.4
decode_linears = 0.2
sampling = 0.2

[devices]
cpu = 1.0
consumer_gpu = 1.0
datacentre_gpu = 0.25
counts_from = 0.5

[default_parts]
other = ["decode_attention", "whole_run"]

[[engine]]
paper = "quick"
state = "no"
date = "2025-01-01"
why = { en = "It had nothing.", zh = "当时没有。" }

[[engine]]
paper = "quick"
state = "partial"
date = "2026-01-01"
why = { en = "Half of it is there.", zh = "已有一半。" }
today = { en = "It takes the forty best.", zh = "取前四十名。" }
evidence = [{ text = "engine PR #7", url = "https://example.org/pull/7", date = "2026-01-01" }]
"""


def build(home: Path) -> Engine:
    """Create the catalog in the test's data folder, scored."""
    (home / "targets").mkdir(parents=True, exist_ok=True)
    (home / "targets" / "llama.cpp.toml").write_text(TARGET, encoding="utf-8")
    engine = open_engine(f"sqlite:///{home / 'assay.db'}")
    Base.metadata.create_all(engine)
    with session_scope(engine) as session:
        _fill(session)
        rescore(session, {"kind": "reading", "ref": "current"})
    return engine


def _fill(session: Session) -> None:
    old_title = {"en": "The old report", "zh": "旧报告"}
    session.add(Reading(id=OLD, date="2025-08-06", title=old_title, frozen=True))
    session.add(Reading(id="current", title={"en": "Today", "zh": "当前"}, frozen=False))
    for number, (paper_id, title, arxiv_id) in enumerate(
        (
            ("quick", "Quick: Sampling without Sorting", "2501.00001"),
            ("dense", "Dense Attention at Low Cost", None),
            ("later", "Later: A Scheme Nobody Has Tried", "2502.00002"),
        )
    ):
        session.add(
            Paper(
                id=paper_id,
                title=title,
                arxiv_id=arxiv_id,
                version="v2" if arxiv_id else None,
                authors=["Ann One", "Bo Two", "Cy Three", "Di Four"][: number + 2],
                published="2025-01-01",
                url=None if arxiv_id else "https://example.org/dense",
                read="full" if paper_id == "quick" else None,
            )
        )
    session.flush()
    for paper_id, reading, field, value in (
        ("quick", OLD, "technique", "other"),
        ("quick", OLD, "relevance", 0.5),
        ("quick", OLD, "complexity", "high"),
        ("dense", OLD, "technique", "attention"),
        ("dense", OLD, "relevance", 1.0),
        ("dense", OLD, "complexity", "high"),
        ("quick", "current", "technique", "sampling"),
        ("quick", "current", "relevance", 0.8),
        ("quick", "current", "complexity", "low"),
        ("dense", "current", "technique", "attention"),
        ("dense", "current", "relevance", 1.0),
        ("dense", "current", "complexity", "high"),
        ("dense", "current", "risks", [RISK]),
        ("dense", "current", "summary", {"en": "It is dense.", "zh": "它很稠密。"}),
    ):
        session.add(_fact(paper_id, reading, field, value))
    session.add(
        Fact(
            paper_id="later",
            reading_id="current",
            field="relevance",
            value=0.25,
            source="person",
            who="Lin",
            why="It | pays <late>",
            at=WRITTEN,
        )
    )
    _claim(session, "quick", "quick/speed", 2.0, part="sampling", scope="component")
    _claim(session, "dense", "dense/speed", 1.5, part="prefill_attention", hardware="H100")
    _claim(session, "later", "later/speed", 1.8, part="decode", scope="end_to_end")
    session.add(PrototypeLink(paper_id="quick", prototype="sampling"))
    session.add(
        Correction(
            paper_id="quick",
            key="cheaper",
            field="complexity",
            text={
                "en": "It is far less work than the report said.",
                "zh": "工作量远小于报告所说。",
            },
            evidence=[{"text": "the authors' code", "url": "https://example.org/code"}],
            date="2026-01-01",
        )
    )
    session.add(
        ReportSnapshot(id=OLD, reading_id=OLD, date="2025-08-06", title=old_title, record=RECORD)
    )
    session.flush()
    measured = run(paper=1.9, engine=1.2, claims=["quick/speed"])
    runs.import_document(session, document(measured, started_at="2026-02-01T00:00:00+00:00"))


RISK = {
    "kind": "accuracy",
    "severity": "high",
    "is_open": True,
    "reason": {"en": "It may lose accuracy.", "zh": "可能损失精度。"},
}

RECORD: dict[str, Any] = {
    "note": {"en": "Kept.", "zh": "保留。"},
    "totals": {"papers": 9, "analysed": 2},
    "distribution": {"complexity": {"high": 5, "low": 4}},
    "rows": [
        {
            "paper": "dense",
            "rank": 1,
            "score": 6.5,
            "complexity": "high",
            "relevance": 1.0,
            "performance": "1.72x",
            "recommendation": "do_now",
            "phase": 1,
            "line": {"en": "Do it.", "zh": "去做。"},
        },
        {"paper": "quick", "performance": "unknown", "line": {"en": "Hm.", "zh": "再看。"}},
    ],
    "phases": [{"months": "3-6", "papers": ["dense"], "title": {"en": "Now", "zh": "立即"}}],
}


def _fact(paper_id: str, reading: str, field: str, value: Any) -> Fact:
    return Fact(
        paper_id=paper_id,
        reading_id=reading,
        field=field,
        value=value,
        source="seed",
        reasons=[{"en": f"Why {field}.", "zh": f"{field} 的理由。"}],
        evidence=[{"text": f"Section {len(field)}", "url": "https://example.org/paper"}],
        at=WRITTEN,
    )


def _claim(session: Session, paper_id: str, key: str, value: float, **columns: Any) -> None:
    session.add(
        Claim(
            key=key,
            paper_id=paper_id,
            source="seed",
            text={"en": f"It is {value:g} times as fast.", "zh": f"速度为 {value:g} 倍。"},
            metric="speedup",
            value=value,
            unit="x",
            bound="at_least",
            baseline="plain code",
            baseline_kind="named_rival",
            locator="Table 3",
            places=[Place(kind="table", quote="2x", page=5, boxes=[])],
            **columns,
        )
    )
