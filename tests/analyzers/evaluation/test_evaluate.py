"""The evaluation: labels read, figures counted, errors said, and the same figures as by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzers.analysis import analyze_file
from analyzers.evaluate import evaluate, main
from analyzers.evaluation.claims import Tally, count_paper
from analyzers.evaluation.facts import same_hardware, same_repository
from analyzers.evaluation.labels import ClaimLabel, LabelError, read_corpus
from tests.analyzers.papers import MARKDOWN, make_pdf
from tests.conftest import CORPUS

PAPER = "quickkv"
QUOTE = "QuickKV achieves up to 2.4× faster decoding compared to vLLM"
CLAIMS: list[dict[str, Any]] = [
    {
        "paper": PAPER, "quote": QUOTE, "page": 1, "is_claim": True, "metric": "speedup",
        "value": 2.4, "unit": "x", "bound": "up_to", "baseline": "vLLM",
    },
    {
        "paper": PAPER, "quote": "Prior work [3] achieves 9.5× speedup over a naive implementation",
        "page": 1, "is_claim": False, "value": 9.5, "unit": "x",
    },
    {
        "paper": PAPER, "quote": "it halves the energy of each token", "page": 2, "is_claim": True,
        "metric": "other", "value": 50, "unit": "%", "bound": "exact",
    },
]  # fmt: skip
FACTS: dict[str, Any] = {
    "technique": "kv_cache",
    "secondary": ["quantization"],
    "complexity": "high",
    "relevance": {"llama.cpp": 0.7},
    "hardware_measured": ["NVIDIA GeForce RTX 4090 24GB"],
    "code_url": "https://github.com/Example/QuickKV.git",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pdfs").mkdir()
    make_pdf(tmp_path / "pdfs" / f"{PAPER}.pdf")
    write(tmp_path, CLAIMS, {PAPER: FACTS})
    return tmp_path


def write(folder: Path, claims: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    (folder / "claims.jsonl").write_text("\n".join(map(json.dumps, claims)), encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps(facts), encoding="utf-8")


def test_figures_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    claims, facts = result["claims"], result["facts"]
    assert (claims["labelled"], claims["found"], claims["recall"]) == (2, 1, 0.5)
    assert (claims["negatives"], claims["rejection"]) == (1, 1.0)
    assert claims["balanced"] == pytest.approx(2 * 0.5 / 1.5, abs=1e-3)
    assert claims["metric_accuracy"] == claims["bound_accuracy"] == claims["page_accuracy"] == 1
    assert claims["baseline_accuracy"] == 1
    unsound = [remark[3] for remark in result["remarks"] if remark[0] == "unsound place"]
    assert unsound == ["2.5 x"]  # "from 50 ms to 20 ms": its digits don't stand there
    assert claims["places_sound"] < 1
    assert claims["precision_exhaustive"] is None
    assert facts["technique"] == facts["hardware"] == facts["code_url"] == 1
    assert facts["complexity"] in (0, 1)
    assert facts["complexity_labelled"] == 1
    assert "integration" not in facts
    assert ["missed", PAPER, "2", "50.0 %", "it halves the energy of each token"] in (
        result["remarks"]
    )


def test_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--misses"]) == 0
    text = capsys.readouterr().out
    assert "1 papers analysed" in text
    assert "50.0 %   1 of 2" in text
    assert "missed | quickkv | 2 | 50.0 %" in text


def test_exhaustive_labels_count_what_is_extra() -> None:
    def claim(value: float, page: int, kind: str = "sentence") -> dict[str, Any]:
        place = {"kind": kind, "quote": f"our way is {value}x as fast", "page": page}
        return {"value": value, "unit": "x", "metric": "speedup", "places": [place]}

    labels = [
        ClaimLabel("p", "our way is 2.0x as fast", 2.0, True, unit="x", page=2, exhaustive=True)
    ]
    own = [claim(2.0, 2), claim(3.0, 1), claim(4.0, 9), claim(5.0, 1, "table")]
    tally = Tally()
    count_paper(tally, "p", labels, {"claims": own, "document": {"pages": 10}})
    figures = tally.figures()
    assert figures["precision_exhaustive"] == 0.5  # 3.0 is extra; 9 lies behind, cells don't count
    assert figures["claims_per_page"] == 0.4


def test_a_value_may_be_written_another_way() -> None:
    def found(label: dict[str, Any], claim: dict[str, Any]) -> bool:
        tally = Tally()
        quote = "it needs far less time than the rival does"
        record = {"claims": [{"quote": quote, "page": 1, **claim}]}
        count_paper(tally, "p", [ClaimLabel("p", quote, is_claim=True, **label)], record)
        return tally.found == 1

    assert found({"value": 43.0, "unit": "%"}, {"value": 1.43, "unit": "x"})
    assert found({"value": 2.0, "value_high": 3.0, "unit": "x"}, {"value": 2.5, "unit": "times"})
    assert found({"value": 2.0, "unit": "x"}, {"value": 2.01, "unit": "×"})
    assert not found({"value": 2.0, "unit": "x"}, {"value": 2.1, "unit": "x"})
    assert not found({"value": 2.0, "unit": "bits"}, {"value": 2.0, "unit": "x"})
    assert not found({"value": 2.0, "unit": "x"}, {"value": 2.0, "unit": "x", "own_result": False})


@pytest.mark.parametrize(
    ("labelled", "read", "right", "extra"),
    [
        (["A100 40GB"], ["NVIDIA A100"], True, 0),
        (["A100", "RTX 3090"], ["A100"], False, 0),
        (["TPU (JAX)"], ["TPU v3"], True, 0),
        (["not stated in the text at hand"], [], True, 0),
        (["none (analysis)"], ["H100"], False, 1),
        (["Apple M2 Ultra"], ["M2 Ultra", "H100"], True, 1),
    ],
)
def test_hardware(labelled: list[str], read: list[str], right: bool, extra: int) -> None:
    assert same_hardware(labelled, read) == (right, extra)


def test_repositories() -> None:
    assert same_repository("https://github.com/A/b", "http://www.github.com/a/B/tree/main/x")
    assert same_repository(None, None)
    assert same_repository("", None)
    assert not same_repository("https://github.com/a/b", "https://gitlab.com/a/b")
    assert not same_repository("https://github.com/a/b", None)


@pytest.mark.parametrize(
    ("claims", "facts", "says"),
    [
        ('{"paper": "p"', "{}", "line 1: this is no JSON"),
        ('["p"]', "{}", "line 1: a label is an object"),
        ('\n{"paper": "p", "quote": "q", "value": 1}', "{}", "line 2: 'is_claim' is true or false"),
        ('{"quote": "q", "value": 1, "is_claim": true}', "{}", "'paper' is missing"),
        (
            '{"paper": "p", "quote": "q", "value": 1, "is_claim": true, "metric": "speed"}',
            "{}",
            "metric 'speed' isn't one of speedup",
        ),
        (
            '{"paper": "p", "quote": "q", "value": 1, "is_claim": false, "page": 0}',
            "{}",
            "counts from 1",
        ),
        ("", "[]", "one object by paper"),
        ("", '{"p": {"technique": "magic"}}', "technique 'magic' isn't one of quantization"),
        ("", '{"p": {"hardware_measured": "A100"}}', "'hardware_measured' is a list"),
        ("", '{"p": ', "labels.json, line 1"),
    ],
)
def test_wrong_labels_say_where(tmp_path: Path, claims: str, facts: str, says: str) -> None:
    (tmp_path / "claims.jsonl").write_text(claims, encoding="utf-8")
    (tmp_path / "labels.json").write_text(facts, encoding="utf-8")
    with pytest.raises(LabelError) as told:
        read_corpus(tmp_path)
    assert says in str(told.value)


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, says in (
        (tmp_path / "nowhere", "There is no folder"),
        (tmp_path, "holds no labels"),
    ):
        assert main([str(folder)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("Error: ")
        assert says in error
    write(tmp_path, CLAIMS, {})
    assert main([str(tmp_path)]) == 2
    assert "None of the labelled papers has a file" in capsys.readouterr().err
    (tmp_path / "x.jsonl").write_text("{}", encoding="utf-8")
    assert main([str(tmp_path), "--analyses", str(tmp_path / "x.jsonl")]) == 2
    assert "x.jsonl, line 1" in capsys.readouterr().err


def test_a_paper_s_name_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(MARKDOWN, encoding="utf-8")
    folder = tmp_path / "labels"
    folder.mkdir()
    write(folder, [], {"../secret": FACTS, "other": {"file": str(tmp_path / "secret.md")}})
    corpus = read_corpus(folder)
    assert list(corpus.files) == ["other"]


def test_an_unreadable_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pdfs" / f"{PAPER}.pdf").write_bytes(b"%PDF-1.4 nothing")
    assert main([str(folder)]) == 1
    assert f"not analysed: {PAPER}" in capsys.readouterr().out


@pytest.mark.corpus
def test_the_same_figures_as_the_other_script(tmp_path: Path) -> None:
    names = ("2409.16997", "2211.17192", "2208.07339")
    out = tmp_path / "out.jsonl"
    records = {name: analyze_file(CORPUS / "pdfs" / f"{name}.pdf") for name in names}
    out.write_text("\n".join(json.dumps(record) for record in records.values()))
    script = CORPUS.parent / "eval" / "claims_eval.py"
    labels, pdfs = str(CORPUS / "claims_dev.jsonl"), str(CORPUS / "pdfs")
    command = [sys.executable, str(script), str(out), labels, "--pdfs", pdfs, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    ours = evaluate(read_corpus(CORPUS), records)["claims"]
    assert {key: ours[key] for key in theirs} == theirs
