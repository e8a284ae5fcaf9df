"""A runs file from an attacker: taken in as what it says, or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import Engine, select
from streamlit.testing.v1 import AppTest

from app.cli.run_text import run_lines, run_row
from app.errors import AssayError
from app.workflows.benchmark import import_run_contents, parse_run_document
from app.workflows.benchmarks import list_runs, show_run
from app.workflows.report import render
from app.workflows.run_files import dumps, export_runs
from app.workflows.triage import rescore
from db.engine import read_scope, session_scope
from db.errors import DocumentError
from db.models import Run
from db.queries import runs
from tests.app.conftest import Assay
from tests.app.run_documents import document, run
from tests.app.web.conftest import ENTRY
from tests.hostile.odd_runs import odd_documents
from tests.hostile.texts import PIECES

PLAIN = json.dumps(document())
HUGE = "9" * 400


def put(old: str, new: str) -> bytes:
    assert old in PLAIN
    return PLAIN.replace(old, new).encode("utf-8", "surrogatepass")


REFUSED = {
    "a median of 400 digits": put('"median": 100.0', f'"median": {HUGE}'),
    "a weight of 400 digits": put('"target_weight": 1.0', f'"target_weight": {HUGE}'),
    "a weight of 65 bits": put('"target_weight": 1.0', f'"target_weight": {2**64}'),
    "bytes of 400 digits": put('"bytes": 1', f'"bytes": {HUGE}'),
    "5000 digits": put('"bytes": 1', f'"bytes": {"9" * 5000}'),
    "a noise of 400 digits": put('"noise_floor": 0.02', f'"noise_floor": {HUGE}'),
    "NaN": put('"noise_floor": 0.02', '"noise_floor": NaN'),
    "infinity": put('"samples": []', '"samples": [Infinity]'),
    "beyond infinity": put('"samples": []', '"samples": [1e999]'),
    "a hundred thousand deep": put('"samples": []', f'"samples": {"[" * 10**5}{"]" * 10**5}'),
    "nine hundred deep": put('"samples": []', f'"samples": {"[" * 900}{"]" * 900}'),
    "a deep environment": put('"quick": false', f'"quick": {"[" * 500}{"]" * 500}'),
    "records without end": b'{"documents":' * 50_000 + b"[]" + b"}" * 50_000,
    "before time": put("2026-11-24T00:00:00+00:00", "0001-01-01T00:00:00+23:59"),
    "after time": put("2026-11-24T00:00:00+00:00", "9999-12-31T23:59:59-23:59"),
    "a zero byte in a name": json.dumps(document(run(case="a\0b"))).encode(),
    "half a sign in a name": json.dumps(document(run(prototype="\ud800"))).encode(),
    "true as a schema": put('"schema": 1', '"schema": true'),
    "a bundle in a bundle": b'{"schema":1,"documents":[{"schema":1,"documents":[]}]}',
    "a bundle of rubbish": b'{"schema":1,"documents":[1,null,"x",[],{}]}',
    "a run that is fast and ungated": json.dumps(document(run() | {"quality_pass": None})).encode(),
    "no JSON": b"\x00\xff", "nothing": b"", "half of it": PLAIN[: len(PLAIN) // 2].encode(),
    "a list": b"[]", "a word": b'"runs"',
}  # fmt: skip


@pytest.mark.both
def test_each_is_refused_in_a_sentence(catalog: Engine) -> None:
    for name, content in REFUSED.items():
        summary = import_run_contents(catalog, [(f"{name}.json", content)])
        assert (summary.added, summary.known) == (0, 0), name
        assert summary.problems, name
        for problem in summary.problems:
            assert problem.place.startswith(name)
            assert len(problem.say()) < 400
    with read_scope(catalog) as session:
        assert session.scalars(select(Run)).all() == []


def test_of_two_values_of_a_key_the_last_one_counts_everywhere(catalog: Engine) -> None:
    twice = put('"speedup": {"median": 1.5', '"speedup": {"median": 99.0, "median": 1.5')
    assert import_run_contents(catalog, [("twice.json", twice)]).added == 1
    assert import_run_contents(catalog, [("once.json", PLAIN.encode())]).known == 1


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, assay: Assay, catalog: Engine
) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(65 << 20)  # nothing on the disk
    told = assay("bench", "import", str(large))
    assert told.status == 1
    assert "larger than 64 MB" in told.err


@pytest.fixture
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def test_what_is_taken_in_can_be_shown(catalog: Engine, fresh_caches: None) -> None:
    """Some hundred files that are odd in one place each; all: `python -m benchmarks.fuzz`."""
    files = list(odd_documents(share=0.05))
    assert len(files) > 80
    added, refused = take_in(catalog, [content for _, content in files])
    assert min(added, refused) > 30
    show_all(catalog)
    for section in ("claims", "roofline", "history", "runs"):
        page = AppTest.from_file(str(ENTRY), default_timeout=60)
        page.query_params["show"] = section
        page.run()
        page.query_params["show"] = section
        page.switch_page("views/benchmarks.py").run()
        assert not page.exception
        assert not page.error
    with session_scope(catalog) as session:
        for name in ("md", "json"):
            assert render(session, format=name)


def take_in(catalog: Engine, files: list[bytes]) -> tuple[int, int]:
    """Take files in as `assay bench import` does, but rank once; return how many, how many not."""
    added = refused = 0
    with session_scope(catalog) as session:
        for content in files:
            try:
                result = runs.import_document(session, parse_run_document("odd.json", content))
            except (DocumentError, AssayError) as error:
                assert str(error)
                refused += 1
            else:
                assert all(result.rejected)
                added, refused = added + len(result.added), refused + len(result.rejected)
        rescore(session, {"kind": "run", "ref": "odd.json"})
    return added, refused


def show_all(catalog: Engine) -> None:
    """Print every run as the command line does, and write them out again."""
    with read_scope(catalog) as session:
        for row in list_runs(session, current={}):
            run_row(row)
        for stored in session.scalars(select(Run)):
            told: Any = show_run(session, stored.id, current={})
            "\n".join(run_lines(told)).encode("utf-8", "replace")
        dumps(export_runs(session))


WORDS = " ".join(piece for piece in PIECES if "\x00" not in piece)


def test_its_words_drive_no_terminal_and_no_page(
    catalog: Engine, assay: Assay, tmp_path: Path, fresh_caches: None
) -> None:
    words = f"{WORDS[:90]}\x1b[2J\x1b]0;x\x07\u202e"
    odd = run(
        case=words, implementation=words, method={"summary": words}, code_hash=words,
        error={"message": words, "kind": words},
        figures=[{"name": words, "value": 1.0, "unit": words, "note": words}],
    )  # fmt: skip
    file = tmp_path / "words.json"
    file.write_text(json.dumps(document(odd, device_name=words, device_id="words", cpu=words)))
    taken = assay("bench", "import", str(file))
    listed = assay("bench", "runs")
    with read_scope(catalog) as session:
        [run_id] = session.scalars(select(Run.id)).all()
    shown = assay("bench", "show", run_id)
    for told in (taken, listed, shown):
        assert told.status == 0
        assert not [sign for sign in told.out + told.err if sign in "\x1b\x07\u202e\x9b"]
    page = AppTest.from_file(str(ENTRY), default_timeout=60)
    page.query_params["run"] = run_id
    page.run()
    page.query_params["run"] = run_id
    page.switch_page("views/benchmarks.py").run()
    assert not page.exception
    for kind in ("markdown", "subheader", "caption", "warning", "error"):
        for element in getattr(page, kind):
            assert "<script" not in str(element.value).replace("\\<", "")
