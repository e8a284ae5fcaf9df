"""Real papers beside the checkout: the figures that the documentation states, with some slack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzers.evaluate import evaluate as evaluate_facts
from analyzers.evaluation.labels import read_corpus
from analyzers.isolation import analyze_files
from analyzers.reading.headings import squeeze
from analyzers.sources.arxiv_api import fetch_records, make_web
from tests.analyzers.arxiv_server import Answer, replica
from tests.conftest import CORPUS

pytestmark = [pytest.mark.corpus, pytest.mark.xdist_group("corpus")]
EVALUATION = CORPUS.parent / "eval" / "claims_eval.py"


@pytest.fixture(scope="module")
def analyses() -> dict[str, dict[str, Any]]:
    results = analyze_files(sorted((CORPUS / "pdfs").glob("*.pdf")), timeout_s=120)
    return {Path(result["source"]).stem: result for result in results}


def test_every_paper_is_read(analyses: dict[str, dict[str, Any]]) -> None:
    assert len(analyses) >= 40
    assert not [name for name, result in analyses.items() if "error" in result]


def test_front_pages(analyses: dict[str, dict[str, Any]]) -> None:
    papers = {p["id"]: p for p in json.loads((CORPUS / "papers.json").read_text(encoding="utf-8"))}
    known = [(papers[name], result) for name, result in analyses.items() if name in papers]
    titles = [squeeze(p["title"]) == squeeze(r["paper"]["title"] or "") for p, r in known]
    assert sum(titles) >= 0.95 * len(titles)
    for paper, result in known:
        stamp = result["paper"]["arxiv_id"]
        assert stamp in (None, paper["arxiv_id"]), paper["id"]
    # its repository calls this file FlashAttention-3; the page says what it is
    assert "quantum Hall" in analyses["2407.08568"]["paper"]["title"]


def test_claims_against_labels(analyses: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    figures = evaluate(analyses, tmp_path / "out.jsonl")
    assert figures["balanced"] >= 0.94, figures
    assert figures["precision_exhaustive"] >= 0.95, figures
    assert figures["claims_per_page"] < 1.0, figures
    assert figures["metric_accuracy"] >= 0.92, figures
    assert figures["bound_accuracy"] >= 0.97, figures
    assert figures["baseline_accuracy"] >= 0.82, figures
    assert figures["page_accuracy"] >= 0.98, figures


def test_quotes_and_boxes_stand_on_their_pages(
    analyses: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    some = {name: analyses[name] for name in ("2409.16997", "2211.17192")}
    figures = evaluate(some, tmp_path / "some.jsonl", "--pdfs", str(CORPUS / "pdfs"))
    assert figures["places_sound"] >= 0.98, figures


def evaluate(analyses: dict[str, dict[str, Any]], out: Path, *more: str) -> dict[str, Any]:
    out.write_text("\n".join(json.dumps(result) for result in analyses.values()))
    labels = str(CORPUS / "claims_dev.jsonl")
    command = [sys.executable, str(EVALUATION), str(out), labels, "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_facts_against_labels(analyses: dict[str, dict[str, Any]]) -> None:
    corpus = read_corpus(CORPUS)
    figures = evaluate_facts(corpus, analyses, places=False)["facts"]
    assert figures["papers"] >= 24
    assert figures["technique"] >= 0.95, figures
    assert figures["hardware"] >= 0.95, figures
    assert figures["code_url"] >= 0.90, figures  # two papers don't name the labelled address
    assert figures["complexity_within_one"] >= 0.95, figures
    assert figures["relevance_mean_error"] <= 0.20, figures


@pytest.mark.parametrize(
    ("recording", "titles"),
    [
        ("one_entry.xml", ["Heat-bath random walks with Markov bases"]),
        ("unknown_id_200_empty.xml", []),
    ],
)
def test_recorded_answers(tmp_path: Path, recording: str, titles: list[str]) -> None:
    web = make_web(lock_file=tmp_path / "lock", interval_s=0.0)
    with replica() as server:
        server.script = [Answer(body=(CORPUS / "arxiv_recorded" / recording).read_bytes())]
        records = fetch_records(query="all:walks", max_results=1, base_url=server.url, web=web)
    assert [record.title for record in records] == titles
