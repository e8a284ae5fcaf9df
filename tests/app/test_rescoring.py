"""Scoring only what changed gives what scoring everything gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app import home
from app.workflows import triage
from app.workflows.add import add_sources
from app.workflows.correct import set_facts
from app.workflows.ranking import list_papers
from app.workflows.removing import remove_papers
from app.workflows.triage import rescore
from db.engine import session_scope
from db.queries import scores as score_queries
from tests.app.test_ingest import texts


def stored(engine: Engine) -> list[tuple[Any, ...]]:
    with session_scope(engine) as session:
        return sorted(
            (s.paper_id, s.kind, s.value, s.rank, json.dumps(s.record), json.dumps(s.place))
            for s in score_queries.for_target(session, "llama.cpp")
        )


def everything(engine: Engine) -> list[tuple[Any, ...]]:
    with session_scope(engine) as session:
        assert rescore(session, {"kind": "rule", "ref": "all"}) == [], "nothing moves"
    return stored(engine)


def test_a_change_of_one_paper_leaves_what_a_whole_ranking_would(
    catalog: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[int] = []
    real = triage.assemble

    def counted(*arguments: Any, **rest: Any) -> Any:
        found = real(*arguments, **rest)
        scored.append(len(found))
        return found

    monkeypatch.setattr(triage, "assemble", counted)
    paths = texts(tmp_path / "in", 5)
    added = add_sources(catalog, [str(path) for path in paths[:4]]).added
    [last] = add_sources(catalog, [str(paths[4])]).added
    assert scored[-1] == 1
    assert stored(catalog) == everything(catalog)
    with session_scope(catalog) as session:
        moves = set_facts(session, added[0], {"relevance": "1.0"}, why="yes", who="Ada")
    assert moves and scored[-1] == 1
    assert stored(catalog) == everything(catalog)
    before = len(scored)
    with session_scope(catalog) as session:
        remove_papers(session, [added[1]])
    assert not any(scored[before:])
    assert stored(catalog) == everything(catalog)
    with session_scope(catalog) as session:
        ranks = [row["rank"] for row in list_papers(session)]
        assert ranks == list(range(1, 15))
        assert last in {row["paper_id"] for row in list_papers(session)}


def test_a_changed_target_file_scores_all(catalog: Engine, tmp_path: Path) -> None:
    shipped = Path(triage.__file__).parents[2] / "analyzers" / "targets" / "llama.cpp.toml"
    text = shipped.read_text(encoding="utf-8")
    changed = text.replace('core_techniques = ["quantization", ', "core_techniques = [")
    assert changed != text
    (home.targets_folder() / "llama.cpp.toml").write_text(changed, encoding="utf-8")
    [path] = texts(tmp_path / "in", 1)
    summary = add_sources(catalog, [str(path)])
    moved = {move.paper_id for move in summary.moves}
    assert len(moved - set(summary.added)) >= 1, "others moved with the file"
    assert stored(catalog) == everything(catalog)
