"""The command line: what it prints, and what it says to wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from sqlalchemy import Engine

from app.cli.fitted import fitting, shortened
from app.cli.main import app as commands
from app.cli.paper_text import paper_text
from tests.app.conftest import Assay
from tests.app.run_documents import document


def test_init_then_list_then_show(catalog: Engine, assay: Assay) -> None:
    listed = assay("list", "--json")
    assert listed.status == 0
    assert [row["rank"] for row in listed.json] == list(range(1, 11))
    assert assay("list", "--json", "--top", "3").json == listed.json[:3]
    first = assay("list", "--top", "2")
    assert first.out.count("[") == 2  # a score's interval each
    assert "The table shows the first 2 of 10 papers." in first.err
    table = assay("list")
    assert "INT-FlashAttention" in table.out
    shown = assay("show", "sage", "--json")
    assert shown.json["paper"]["arxiv_id"] == "2410.02367"
    assert "SageAttention" in assay("show", "2410.02367").out


def test_nothing_before_init(assay: Assay) -> None:
    for command in (["list"], ["show", "sage"], ["report"], ["db", "check"]):
        output = assay(*command)
        assert output.status == 1
        assert output.err == "Error: There is no catalog yet. Type `assay init` to create it.\n"
        assert not output.out


def test_set_moves_the_score_and_says_so(catalog: Engine, assay: Assay) -> None:
    output = assay("set", "sage", "relevance=0.9", "--why", "we sell cards", "--who", "Ada")
    assert output.status == 0
    assert "sage: believed score" in output.out
    record = assay("show", "sage", "--json").json
    assert record["overrides"][0]["why"] == "we sell cards"
    assert record["row"]["relevance"] == 0.9


def test_two_assignments_are_all_or_none(catalog: Engine, assay: Assay) -> None:
    output = assay("set", "sage", "relevance=0.9", "complexity=tiny", "--why", "x")
    assert output.status == 2
    assert not assay("show", "sage", "--json").json["overrides"]


def test_a_note_stays(catalog: Engine, assay: Assay) -> None:
    assert assay("note", "sage", "ask about head_dim 80", "--who", "Ada").status == 0
    assert "ask about head_dim 80" in assay("show", "sage").out


def test_remove_and_init_leave_it_removed(catalog: Engine, assay: Assay) -> None:
    assert assay("remove", "qspec").out == "removed  qspec\n"
    assert len(assay("list", "--json").json) == 9
    assert assay("init").status == 0
    assert len(assay("list", "--json").json) == 9


def test_import_twice(catalog: Engine, assay: Assay, tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(document()), encoding="utf-8")
    assert "1 runs added" in assay("bench", "import", str(path)).out
    assert "0 runs added, 1 known" in assay("bench", "import", str(path)).out


def test_bench_list(assay: Assay) -> None:
    output = assay("bench", "list", "--json")
    assert {p["name"] for p in output.json} >= {"sampling"}
    assert "sampling" in assay("bench", "list").out


def test_a_hostile_title_cannot_drive_the_terminal(catalog: Engine, assay: Assay) -> None:
    from db.engine import session_scope
    from db.queries import papers

    with session_scope(catalog) as session:
        papers.update(session, "sage", title="\x1b[2JGone [red]bold[/red] \x07")
    for command in (["show", "sage"], ["list"]):
        out = assay(*command).out
        assert "\x1b[2J" not in out
        assert "[red]bold" in out


def test_backup_and_check(catalog: Engine, assay: Assay, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert assay("db", "backup", str(copy)).status == 0
    assert copy.stat().st_size > 10_000
    again = assay("db", "backup", str(copy))
    assert again.status == 1
    assert again.err.startswith("Error: ")
    assert assay("db", "check").out == "The catalog is whole.\n"
    assert assay("db", "upgrade").status == 0


def test_doctor_finds_all_well(catalog: Engine, assay: Assay) -> None:
    output = assay("doctor")
    assert output.status == 0, output.out
    assert "10 papers" in output.out


WRONG = [
    (["show", "nonsense"], 1, "assay list"),
    (["set", "sage", "relevance", "--why", "x"], 2, "field=value"),
    (["set", "sage", "relevance=high", "--why", "x"], 2, "from 0 to 1"),
    (["set", "sage", "relevance=nan", "--why", "x"], 2, "from 0 to 1"),
    (["set", "sage", "colour=red", "--why", "x"], 2, "Fields: relevance"),
    (["set", "sage", "relevance=1", "--why", " "], 2, "reason"),
    (["note", "sage", "  "], 2, "empty"),
    (["remove", "nonsense"], 1, "assay list"),
    (["list", "--target", "abacus"], 1, "Known targets: llama.cpp"),
    (["list", "--device", "abacus"], 2, "none yet"),
    (["list", "--order", "random"], 2, "expected or safe"),
    (["bench", "run", "nonsense"], 2, "Prototypes: coupled_quant, "),
    (["bench", "run", "sampling", "--device", "abacus"], 2, "cpu or cuda"),
    (["bench", "run", "sampling", "--case", "nonsense"], 2, "no case"),
    (["bench", "import", "nowhere.json"], 2, "no file"),
    (["report", "--format", "docx2"], 2, "md"),
    (["report", "--since", "report-1999"], 1, "report-2025-08"),
    (["add"], 2, "Nothing to add"),
    (["analyze", "nowhere.pdf"], 1, "nowhere.pdf"),
]


@pytest.mark.parametrize(("arguments", "status", "says"), WRONG, ids=lambda v: str(v)[:40])
def test_wrong_input_gets_one_clear_sentence(
    catalog: Engine, assay: Assay, arguments: list[str], status: int, says: str
) -> None:
    output = assay(*arguments)
    assert output.status == status, output
    assert output.err.startswith("Error: ")
    assert says in output.err
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err + output.out
    assert "unexpected" not in output.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["list", "--nonsense"], ["set"]])
def test_wrong_usage_exits_with_2(assay: Assay, arguments: list[str]) -> None:
    assert assay(*arguments).status == 2


def test_an_unexpected_error_leaves_a_log_not_a_traceback(
    catalog: Engine, assay: Assay, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr("app.workflows.ranking.ranking", explode)
    output = assay("list")
    assert output.status == 1
    assert "errors.log" in output.err
    assert "surprise" not in output.err
    assert "surprise" in (own_home / "logs" / "errors.log").read_text(encoding="utf-8")


def command_names() -> list[list[str]]:
    names = [[c.name] for c in commands.registered_commands]
    for group in commands.registered_groups:
        assert group.typer_instance is not None
        names += [[group.name, c.name] for c in group.typer_instance.registered_commands]
    return names  # type: ignore[return-value]


@pytest.mark.parametrize("name", command_names(), ids=" ".join)
def test_every_command_has_help_with_an_example(assay: Assay, name: list[str]) -> None:
    output = assay(*name, "--help")
    assert output.status == 0
    assert f"Example: assay {' '.join(name)}" in output.out


def test_a_narrow_window_gets_fewer_columns_and_whole_names() -> None:
    columns = {name: name for name in ("paper", "title", "score", "device")}
    row = {"paper": "coupled_quant", "title": "标题" * 20, "score": "1.51", "device": "x" * 24}
    for width in (30, 45, 70, 200):
        shown, places = fitting([row], columns, ("device", "title"), width)
        cut = shortened(row["title"], places)
        taken = [cell_len(cut if name == "title" else row[name]) for name in shown]
        assert sum(taken) + 2 * (len(taken) - 1) <= width
        assert {"paper", "score"} <= {*shown}
        assert ("device" in shown) <= ("title" in shown)
    assert [*fitting([row], columns, ("device", "title"), 200)[0]] == [*columns]
    assert cut.endswith("…")


def test_a_paper_is_shown_in_one_language_and_within_the_window(
    catalog: Engine, assay: Assay
) -> None:
    record = assay("show", "coupled_quant", "--lang", "zh", "--json").json
    told = paper_text(record, "zh", 80)
    assert max(cell_len(line) for line in told.splitlines() if "http" not in line) <= 80
    assert "seed" not in told
    for word in ("论断", "变动记录", "谨慎", "风险 (初始论文库)"):
        assert word in told
    assert " ".join(told.split()) != " ".join(paper_text(record, "en").split())
