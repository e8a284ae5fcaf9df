"""A catalog with runs of two devices, and what its page of benchmarks shows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import Engine, select
from streamlit.testing.v1 import AppTest

from app.workflows.benchmark import import_run_contents
from db.engine import read_scope
from db.models import Run
from tests.app.run_documents import document, interval, run

HOSTILE = "<script>alert(1)</script> [click](javascript:alert(1)) :red[$x^2$] **bold** | `code`"
GPU = {"device_id": "gpu", "device_name": HOSTILE, "device_class": "consumer_gpu"}


@pytest.fixture
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are queued, and nobody works on them."""
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: None)


def take_in(engine: Engine, *documents: dict[str, Any]) -> None:
    contents = [(f"{n}.json", json.dumps(d).encode()) for n, d in enumerate(documents)]
    assert import_run_contents(engine, contents).is_clean


@pytest.fixture
def measured(seeded: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Two devices, one with a hostile name; three runs of a case, one quick, one of older code."""
    today = {("sampling", "b1-v128256"): {"0"}}
    monkeypatch.setattr("app.web.components.bench_data.code_hashes", lambda: today)
    rich: dict[str, Any] = {
        "roofline_fraction": 0.4,
        "samples": [99.0, 101.0, 100.0],
        "rates": {},
        "comparison": {"answer": "unclear", "noise": 0.02, "more_rounds": 80},
    }
    older = run(**rich, code_hash="s1-of-another-time", started_at="2026-11-01T00:00:00+00:00")
    quick = run(**rich, provisional=True, started_at="2026-11-02T00:00:00+00:00")
    full = run(**rich, started_at="2026-11-03T00:00:00+00:00")
    full["baselines"][0]["comparison"] = rich["comparison"]
    full["all_threads"] = {
        "threads": 8,
        "time_us": interval(25.0),
        "baselines": [{"name": "topk", "roles": ["engine"], "speedup": interval(1.25)}],
    }
    full["baselines"].append(
        {"name": "rival", "role": "other", "roles": ["other"], "available": False, "why": HOSTILE}
    )
    rates = {"copy_bytes_per_s": 2e11, "matmul_flops_per_s": 3e13}
    trouble = {"kind": "x", "message": HOSTILE}
    failed = run("b9", status="below_quality", error=trouble, claims=[])
    take_in(
        seeded,
        document(older, **GPU, rates=rates, started_at="2026-11-01T00:00:00+00:00"),
        document(quick, **GPU, rates=rates, started_at="2026-11-02T00:00:00+00:00"),
        document(full, failed, **GPU, rates=rates, started_at="2026-11-03T00:00:00+00:00"),
    )
    return seeded


def run_id(engine: Engine, **wanted: Any) -> str:
    with read_scope(engine) as session:
        for found in session.scalars(select(Run)):
            if all(found.record.get(k) == v for k, v in wanted.items()):
                return found.id
    raise AssertionError(wanted)


def chart(page: AppTest) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(page.get("vega_lite_chart")[0].proto.spec)
    return spec


def table(page: AppTest, number: int = 0) -> Any:
    return page.dataframe[number].value


def no_markup(text: str) -> bool:
    """Whether Markdown would show a hostile name's characters and nothing else."""
    bare = re.sub(r"\\.", "", text)
    return "<script" not in bare and "](javascript" not in bare and ":red[" not in bare
