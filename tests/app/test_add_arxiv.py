"""Adding papers from arXiv into the catalog: once each, with what arXiv says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.workflows.add import add_sources, refresh_papers
from app.workflows.correct import set_facts
from app.workflows.paper import show_paper
from db.engine import session_scope
from db.models import Paper
from db.models.papers import title_key
from db.queries import papers as paper_queries
from tests.analyzers.arxiv_server import Answer, Replica, replica
from tests.app.arxiv import publish
from tests.conftest import CORPUS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    with replica() as state:
        monkeypatch.setenv("ASSAY_ARXIV_URL", f"{state.url}/api/query")
        state.papers.clear()
        yield state


def paper(engine: Engine, name: str) -> Paper:
    with session_scope(engine) as session:
        found = paper_queries.get_by_any_id(session, name)
        session.expunge(found)
        return found


def identity(engine: Engine, name: str) -> tuple[object, ...]:
    row = paper(engine, name)
    return row.arxiv_id, row.version, row.title, tuple(row.authors)


def test_a_paper_is_fetched_once_and_keeps_its_version(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.91234", "Fast Caches for Everyone", version=2)
    summary = add_sources(catalog, ["https://arxiv.org/abs/2412.91234"])
    assert (summary.added, summary.failed) == (["2412.91234"], [])
    row = paper(catalog, "2412.91234")
    assert (row.version, row.published, row.read) == ("v2", "2024-09-01", "full")
    assert row.url == "https://arxiv.org/abs/2412.91234v2"
    requests = len(server.asked)
    again = add_sources(catalog, ["2412.91234", "2412.91234v2"])
    assert (again.known, again.added, again.updated) == (["2412.91234"], [], [])
    assert len(server.asked) == requests + 1, "the records, and no PDF"
    publish(server, "2412.91234", "Faster Caches for Everyone", version=3)
    newer = add_sources(catalog, ["2412.91234"])
    assert newer.updated == ["2412.91234"]
    assert identity(catalog, "2412.91234")[1:3] == ("v3", "Faster Caches for Everyone")
    older = add_sources(catalog, ["2412.91234v2"])
    assert older.known == ["2412.91234"]
    assert paper(catalog, "2412.91234").version == "v3"


def test_a_withdrawn_paper_is_flagged(catalog: Engine, server: Replica) -> None:
    publish(
        server,
        "2412.95678",
        "A Paper Taken Back",
        version=2,
        comment="This paper has been withdrawn: the proof has a gap",
        has_pdf=False,
    )
    summary = add_sources(catalog, ["2412.95678"])
    assert summary.added == ["2412.95678"]
    [failure] = summary.failed
    assert "withdrawn" in failure.message and "Only its abstract was read" in failure.message
    with session_scope(catalog) as session:
        shown = show_paper(session, "2412.95678")
    risks = shown["facts"]["risks"]["value"]
    assert (risks[0]["kind"], risks[0]["severity"]) == ("withdrawn", "high")
    assert shown["row"]["recommendation"] == "careful"
    refreshed = refresh_papers(catalog, ["2412.95678"], again=True)
    assert refreshed.updated == ["2412.95678"]
    with session_scope(catalog) as session:
        again = show_paper(session, "2412.95678")
    assert again["facts"]["risks"]["value"] == risks
    assert again["paper"]["version"] == "v2"


def test_a_folder_gives_the_same_catalog_as_arxiv(
    catalog: Engine, server: Replica, tmp_path: Path
) -> None:
    folder = tmp_path / "pdfs"
    folder.mkdir()
    named = {
        "2412.91111": ("Quantized Caches for Long Contexts", ("Ada Mora", "Bela Kovacs"), 1),
        "2412.92222": ("A Kernel that Sorts Nothing at All", ("Chen Li",), 3),
        "2412.93333": ("Speculation with Small Drafts", ("Dana Ek", "Eva Roth", "Fei Wu"), 2),
    }
    for key, (title, authors, version) in named.items():
        publish(server, key, title, version=version, authors=authors)
        pdf = server.papers[key].pdf
        assert pdf is not None
        (folder / f"{key[-5:]}.pdf").write_bytes(pdf())
    add_sources(catalog, list(named))
    by_api = [identity(catalog, key) for key in named]
    with session_scope(catalog) as session:
        for key in named:
            paper_queries.remove(session, key)
    server.script = [Answer(503, b"", {"Retry-After": "3600"})]
    summary = add_sources(catalog, [*named, str(folder)])
    assert sorted(summary.added) == sorted(named)
    assert {f.kind for f in summary.failed} == {"rate_limited"}
    assert [identity(catalog, key) for key in named] == by_api


def test_the_record_of_a_paper_from_disk_is_taken_in_without_reading_it_again(
    catalog: Engine, server: Replica, tmp_path: Path
) -> None:
    publish(server, "2412.91111", "Quantized Caches for Long Contexts", version=2)
    pdf = server.papers["2412.91111"].pdf
    assert pdf is not None
    (tmp_path / "x.pdf").write_bytes(pdf())
    add_sources(catalog, [str(tmp_path / "x.pdf")])
    assert paper(catalog, "2412.91111").published is None
    summary = add_sources(catalog, ["2412.91111"])
    assert summary.updated == ["2412.91111"]
    assert paper(catalog, "2412.91111").published == "2024-09-01"
    assert not any("/pdf/" in path for _, path in server.asked)
    assert add_sources(catalog, ["2412.91111"]).known == ["2412.91111"]


def test_after_a_refusal_no_more_is_asked(catalog: Engine, server: Replica) -> None:
    keys = [f"2412.9000{n}" for n in range(4)]
    for key in keys:
        publish(server, key, f"Paper Number {key[-1]} of a Series")
    records = server.answer(f"/api/query?id_list={','.join(keys)}&start=0&max_results=100")
    first = server.answer(f"/pdf/{keys[0]}v1")
    server.script = [records, first, Answer(403, b"Access denied")]
    summary = add_sources(catalog, keys)
    assert len(server.asked) == 3
    assert len(summary.added) == 4
    assert [f.kind for f in summary.failed] == ["refused"] * 3
    assert paper(catalog, keys[0]).read == "full"
    assert paper(catalog, keys[3]).read == "abstract"
    stopped = add_sources(catalog, keys)
    assert {f.kind for f in stopped.failed} == {"refused"}
    assert len(server.asked) == 3, "nor by the next run"


def test_a_pdf_that_comes_later_replaces_the_abstract(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.91111", "Quantized Caches for Long Contexts", has_pdf=False)
    assert add_sources(catalog, ["2412.91111"]).added == ["2412.91111"]
    assert paper(catalog, "2412.91111").read == "abstract"
    with session_scope(catalog) as session:
        set_facts(session, "2412.91111", {"relevance": "0.2"}, why="no", who="Ada")
    publish(server, "2412.91111", "Quantized Caches for Long Contexts")
    assert add_sources(catalog, ["2412.91111"]).updated == ["2412.91111"]
    assert paper(catalog, "2412.91111").read == "full"
    with session_scope(catalog) as session:
        assert show_paper(session, "2412.91111")["row"]["relevance"] == 0.2


def test_unknown_ids_and_empty_queries_are_told(catalog: Engine, server: Replica) -> None:
    publish(server, "2412.91111", "Quantized Caches for Long Contexts")
    summary = add_sources(catalog, ["2412.91111", "2412.99999", "2412.91111v9"])
    assert summary.added == ["2412.91111"]
    assert sorted(f.source for f in summary.failed) == ["2412.91111v9", "2412.99999"]
    server.papers.clear()
    [failure] = add_sources(catalog, [], query="all:nothing").failed
    assert "nothing for the query" in failure.message


def test_a_query_s_results_are_added(catalog: Engine, server: Replica) -> None:
    for n in range(5):
        publish(server, f"2412.9000{n}", f"Paper Number {n} of a Series")
    summary = add_sources(catalog, [], query="all:series", limit=3)
    assert len(summary.added) == 3
    more = add_sources(catalog, [], query="all:series", limit=5)
    assert (len(more.added), len(more.known)) == (2, 3)


def test_the_catalog_and_arxiv_agree_on_old_ids(catalog: Engine, server: Replica) -> None:
    publish(server, "math/0309136", "Entropy of Old Things")
    assert add_sources(catalog, ["math.GT/0309136"]).added == ["math-0309136"]
    assert add_sources(catalog, ["math/0309136v1"]).known == ["math-0309136"]


@pytest.mark.corpus
def test_real_pdfs_give_the_catalog_that_their_records_give(
    catalog: Engine, server: Replica, tmp_path: Path
) -> None:
    """Id and version always, title and authors' names as far as front pages can be read."""
    papers = json.loads((CORPUS / "papers.json").read_text(encoding="utf-8"))
    chosen = [
        p
        for p in papers
        if p.get("stamp_on_page_1") and p.get("pdf") and (CORPUS / p["pdf"]).is_file()
    ]
    assert len(chosen) >= 20
    add_sources(catalog, [str(CORPUS / p["pdf"]) for p in chosen])
    differing: dict[str, list[str]] = {"title": [], "authors": []}
    for record in chosen:
        found = identity(catalog, record["arxiv_id"])
        assert found[:2] == (record["arxiv_id"], record["version"])
        if title_key(str(found[2])) != title_key(record["title"]):
            differing["title"].append(record["id"])
        if record["authors_complete"] and names(found[3]) != names(record["authors"]):
            differing["authors"].append(record["id"])
    assert differing["title"] == []
    assert len(differing["authors"]) <= 2


def names(authors: Any) -> set[str]:
    return {title_key(str(author).split()[-1]) for author in authors}
