"""Every page in Chinese: no word of another language but names, units and what papers say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from streamlit.testing.v1 import AppTest

from app import home
from app.reports.text import short_name
from app.web.components.run_record import flattened
from app.web.components.text import capital
from app.workflows.add import add_sources
from app.workflows.correct import add_note, set_facts
from app.workflows.doctor import PACKAGES
from app.workflows.targets import create_target, edit_target, list_targets, show_target
from db.engine import session_scope
from db.models import Claim, Correction, Environment, Fact, Paper, Run
from db.queries import jobs
from tests.app.web.conftest import Open

# Names, units, codes to type, and words that Chinese engineers write in Latin letters too.
VOCABULARY = {
    "Assay", "llama", "cpp", "vLLM", "arXiv", "NVIDIA", "GPU", "CPU", "cpu", "CUDA", "cuda",
    "Triton", "SQLite", "sqlite", "Python", "PyTorch", "torch", "PDF", "HTML", "Markdown", "Word",
    "DOCX", "JSON", "CSV", "BibTeX", "Atom", "README", "ASSAY_HOME", "ASSAY_LANG", "English",
    "MB", "GB", "KB", "B", "ms", "s", "min", "h", "x", "µs", "bit", "TOPS", "PPL", "NaN", "L1",
    "FP16", "INT8", "INT4", "GEMM", "LLM", "token", "softmax", "logprobs", "top", "k", "p", "gram",
    "n", "key", "K", "KV", "QK", "PV", "cuDNN", "Hopper", "Llama", "Qwen2", "Qwen3", "FlashInfer",
    "FlashAttention", "CogVideoX", "TIMM", "UltraPixel", "Unidiffuser", "issue", "run",
}  # fmt: skip
SEEN_ELSEWHERE = {"code", "iframe"}
"""What is in a report or to be typed: the report's own tests read the first."""
WORD = re.compile(r"[A-Za-zµ][A-Za-z0-9_µ]*")
TYPED = re.compile(
    r"assay (add|db|target|init)( FILE)?|python -m prototypes run NAME"
    r"|--device cuda --out runs.json"
    r"|都涉及.*|--lang|assay\.db(-wal|-shm)?|targets/[a-z.]+\.toml|assay-1|report-\d{4}-\d\d(-\d\d)?"
)
"""Commands, files and names of rules: the same in every language."""
EXAMPLES = {'cat:cs.LG AND abs:"KV cache"', 'abs:"KV cache" AND cat:cs.LG', "our-fork"}
MARKUP = re.compile(r"\]\([^)]*\)|:[a-z]+-badge\[|:[a-z]+\[|https?://\S+|`[^`]*`")


def shown(page: AppTest) -> Iterator[tuple[str, str]]:
    """Yield (what it is, text) of all that a page's elements say."""
    for element in page.main:
        if element.type in SEEN_ELSEWHERE:
            continue
        proto = getattr(element, "proto", None)
        for name in ("label", "help", "placeholder", "alt", "caption", "body", "title", "text"):
            value = getattr(proto, name, None)
            if isinstance(value, str) and value:
                yield f"{element.type}.{name}", value
        for option in getattr(proto, "options", ()) or ():
            yield f"{element.type}.option", getattr(option, "content", option)
        if element.type in ("arrow_table", "table", "dataframe"):
            yield from _table(element, json.loads(getattr(proto, "columns", "") or "{}"))
        if element.type == "arrow_vega_lite_chart":
            for title in _titles(json.loads(proto.spec)):
                yield "chart", title


def _table(element: Any, columns: dict[str, Any]) -> Iterator[tuple[str, str]]:
    frame = element.value
    order = list(getattr(element.proto, "column_order", ())) or [str(name) for name in frame]
    for name in frame.columns:
        config = columns.get(str(name), {})
        if str(name) not in order or config is None or config.get("hidden"):
            continue
        yield f"{element.type}.heading", config.get("label", str(name))
        yield f"{element.type}.help", config.get("help") or ""
        for cell in frame[name]:
            if isinstance(cell, str):
                yield f"{element.type}.{name}", cell


def _titles(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict):
        for name, value in spec.items():
            if name in ("title", "text") and isinstance(value, str):
                yield value
            elif name != "datasets":
                yield from _titles(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _titles(value)


def foreign(texts: Iterable[tuple[str, str]], data: re.Pattern[str]) -> set[str]:
    """Return what is said in words that are neither Chinese nor names: "where: words in text"."""
    found = set()
    for where, text in texts:
        if where.endswith(".placeholder") and text in EXAMPLES:
            continue
        left = TYPED.sub(" ", MARKUP.sub(" ", text.replace("\\", "")))
        left = data.sub(" ", left)
        words = [word for word in WORD.findall(left) if word not in VOCABULARY]
        if words:
            found.add(f"{where}: {' '.join(words)!r} in {text[:140]!r}")
    return found


def own_words(engine: Engine) -> re.Pattern[str]:
    """What papers, machines and files are called, and what papers say."""
    found: set[str] = {"test", str(home.data_folder()), home.database_url()}
    with session_scope(engine) as session:
        for paper in session.scalars(select(Paper)):
            found |= {paper.id, paper.title, short_name(paper.title), *paper.authors}
            found |= {str(paper.venue), str(paper.version), str(paper.source_path)}
        for claim in session.scalars(select(Claim)):
            found |= {claim.key, *(str(claim.hardware).split(",")), str(claim.baseline)}
            found |= {str(claim.locator), *(place.quote or "" for place in claim.places)}
            found |= {str(claim.subject), capital(str(claim.subject))}
        for fact in session.scalars(select(Fact)):
            found |= {str(e.get("text")) for e in fact.evidence}
            found |= {str(fact.value)} if fact.field == "summary" else set()
        for correction in session.scalars(select(Correction)):
            found |= {str(e.get("text")) for e in correction.evidence}
        for machine in session.scalars(select(Environment)):
            found |= {machine.device_name, machine.device_id}
        for run in session.scalars(select(Run)):
            found |= {run.id, run.id[:10], run.record["case"], run.record["implementation"]}
            for record in (run.record, run.environment.record):
                found |= {part for leaf in flattened(record) for part in leaf}
            found |= {b["name"] for b in run.record.get("baselines", ())} | {run.prototype}
    for view in list_targets():
        found |= {view.name, view.title}
        found |= {
            str(e["text"]) for entry in show_target(view.name)["engine"] for e in entry["evidence"]
        }
    found |= {f"{name} {version(name)}" for name in PACKAGES}
    longest = sorted((text for text in found if len(text) > 1), key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z])({'|'.join(map(re.escape, longest))})(?![A-Za-z])|“[^”]*”")


@pytest.fixture
def full(seeded: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The ten papers, one of a file, corrections, notes, an edited engine, jobs of every state."""
    monkeypatch.setattr("app.jobs.client.ensure_runner", lambda engine: None)
    note = tmp_path / "note.md"
    note.write_text(
        "# Swift: Fast Drafts for llama.cpp\n\n## Abstract\n\nWe propose Swift, a training-free"
        " draft model for llama.cpp on consumer GPUs. Swift is 2.9x faster than vLLM at batch size"
        " 1. It is plug-and-play and needs no changes to the model.\n",
        encoding="utf-8",
    )
    add_sources(seeded, [str(note)])
    with session_scope(seeded) as session:
        values = {"complexity": "high", "in_target": "partial", "relevance": "0.4"}
        set_facts(session, "sage", values, why="看过了", who="小王")
        add_note(session, "sage", "待查", who="小王")
        create_target("ours", "llama.cpp", who="小王")
        edit_target(
            session, "llama.cpp", {"devices.datacentre_gpu": "1", "core_techniques": "moe, other"},
            why="看过了", who="小王",
        )  # fmt: skip
        for state in ("running", "failed", "timed_out", "cancelled", "lost", "succeeded"):
            spec = {"prototype": "sampling", "device": "cpu", "quick": True, "cases": [state]}
            job = jobs.create(session, kind="benchmark", spec=spec, device=None)
            job.state, job.owner = state, "test"
    return seeded


VISITS: list[tuple[str, dict[str, str]]] = [
    ("ranking", {}),
    *(("paper", {"paper": "sampling", "view": v}) for v in ("score", "prototype", "notes")),
    *(("paper", {"paper": "sage", "view": v}) for v in ("claims", "facts", "history")),
    ("paper", {"paper": "swift", "view": "claims"}),
    ("paper", {"paper": "swift", "view": "facts"}),
    ("inbox", {}),
    *(("benchmarks", {"show": s}) for s in
      ("claims", "roofline", "history", "runs", "queue", "files")),
    ("report", {}),
    ("add", {}),
    ("jobs", {}),
    *(("settings", {"show": s}) for s in ("engine", "data", "machine")),
]  # fmt: skip


def test_every_page_speaks_chinese(full: Engine, open_page: Open) -> None:
    data = own_words(full)
    with session_scope(full) as session:
        ids = {"swift": next(p for p in session.scalars(select(Paper.id)) if "wift" in p)}
        run = session.scalars(select(Run.id)).first()
    problems: dict[str, set[str]] = {}
    for name, parameters in [*VISITS, ("benchmarks", {"run": str(run)})]:
        asked = {key: ids.get(value, value) for key, value in parameters.items()}
        page = open_page(name, lang="zh", **asked)
        problems[f"{name} {parameters}"] = foreign(shown(page), data)
    told = [f"{place}: {text}" for place, found in problems.items() for text in sorted(found)]
    assert not told, "\n".join(told)
