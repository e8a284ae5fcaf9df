"""Files at volume: nothing twice, nothing lost, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.workflows.add import add_sources, refresh_papers
from app.workflows.ranking import list_papers
from db.engine import session_scope
from db.queries import papers as paper_queries
from tests.analyzers.arxiv_server import front_page
from tests.app.conftest import Assay
from tests.conftest import PROJECT


def texts(folder: Path, count: int) -> list[Path]:
    """Write papers that never were, each with a claim of its own."""
    folder.mkdir(exist_ok=True)
    paths = []
    for n in range(count):
        path = folder / f"paper{n:03d}.md"
        path.write_text(
            f"# Turbo{n}: Quantized Attention Number {n}\n\nAda Example, Bob Sample\n\n"
            f"## Abstract\n\nWe present Turbo{n}, a 4-bit attention kernel for consumer GPUs. "
            f"Turbo{n} achieves a {1.2 + n / 100:.2f}x speedup over FlashAttention-2 on an RTX "
            "4090 at batch size 1, and needs no retraining.\n\n## Results\n\n"
            + "The kernel keeps its tiles in shared memory. "
            * 40,
            encoding="utf-8",
        )
        paths.append(path)
    return paths


def test_a_second_run_reads_nothing(
    catalog: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts(tmp_path / "in", 4)
    (tmp_path / "in" / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\x00" * 200)
    (tmp_path / "in" / "copy.md").write_bytes((tmp_path / "in" / "paper001.md").read_bytes())
    first = add_sources(catalog, [str(tmp_path / "in")])
    assert len(first.added) == 4
    assert [Path(f.source).name for f in first.failed] == ["broken.pdf"]

    def nobody(*_: object, **__: object) -> object:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("analyzers.isolation._pool", nobody)
    steps: list[tuple[int, int | None]] = []
    again = add_sources(
        catalog,
        [str(tmp_path / "in")],
        on_progress=lambda done, total, _: steps.append((done, total)),
    )
    assert sorted(again.known) == sorted(first.added)
    assert (again.added, again.updated, again.moves) == ([], [], [])
    assert [(f.kind, f.reason) for f in again.failed] == [
        (f.kind, f.reason) for f in first.failed
    ], "a poison file isn't tried again"
    assert steps[-1] == (6, 6)


def test_changed_rules_and_changed_files_are_read_again(
    catalog: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = texts(tmp_path / "in", 3)
    added = add_sources(catalog, [str(tmp_path / "in")]).added
    assert refresh_papers(catalog, []).known == sorted(added)
    paths[1].write_text(paths[1].read_text().replace("no retraining", "some retraining"))
    refreshed = refresh_papers(catalog, [])
    assert len(refreshed.updated) == 1 and len(refreshed.known) == 2
    monkeypatch.setattr("analyzers.rules._code", lambda: b"other rules")
    assert sorted(refresh_papers(catalog, []).updated) == sorted(added)
    assert sorted(refresh_papers(catalog, []).known) == sorted(added)


def test_the_newest_version_speaks_whatever_the_order(catalog: Engine, tmp_path: Path) -> None:
    for name, version in (("a", 2), ("b", 3), ("c", 1)):
        title = f"Caches for Everyone, Version {version}"
        pdf = front_page(title, f"2412.91234v{version}")
        (tmp_path / f"{name}.pdf").write_bytes(pdf)
    summary = add_sources(catalog, [str(tmp_path / f"{n}.pdf") for n in "abc"])
    assert summary.added == ["2412.91234"]
    with session_scope(catalog) as session:
        row = paper_queries.get(session, "2412.91234")
        assert (row.version, Path(row.source_path or "").name) == ("v3", "b.pdf")
    assert add_sources(catalog, [str(tmp_path / "c.pdf")]).known == ["2412.91234"]


def test_two_ids_are_two_papers_also_under_one_title(catalog: Engine, tmp_path: Path) -> None:
    for key in ("2412.91111", "2412.92222"):
        (tmp_path / f"{key}.pdf").write_bytes(
            front_page("Technical Report of the Team", f"{key}v1")
        )
    assert sorted(add_sources(catalog, [str(tmp_path)]).added) == ["2412.91111", "2412.92222"]


def test_a_removed_paper_can_be_added_again(catalog: Engine, tmp_path: Path) -> None:
    texts(tmp_path / "in", 1)
    [paper_id] = add_sources(catalog, [str(tmp_path / "in")]).added
    with session_scope(catalog) as session:
        paper_queries.remove(session, paper_id)
    assert add_sources(catalog, [str(tmp_path / "in")]).added == [paper_id]


def counts(database: Path) -> dict[str, int]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM {name} {where}").fetchone()[0]
            for name, where in (
                ("paper", "WHERE id LIKE 'turbo%'"),
                ("source_file", ""),
                ("claim", "WHERE paper_id LIKE 'turbo%'"),
                ("fact", "WHERE paper_id LIKE 'turbo%'"),
                ("score", "WHERE paper_id LIKE 'turbo%'"),
            )
        }


def test_killed_at_any_moment_it_goes_on(catalog: Engine, own_home: Path, tmp_path: Path) -> None:
    """SIGKILL at random moments, again and again, against one undisturbed run."""
    count = 16
    folder = tmp_path / "in"
    texts(folder, count)
    other = tmp_path / "other"
    environment = {**os.environ, "ASSAY_HOME": str(other)}
    command = [sys.executable, "-c", "from app.cli import main; main()", "add", str(folder)]
    subprocess.run(command, check=True, cwd=PROJECT, env=environment, capture_output=True)
    wanted = counts(other / "assay.db")
    assert wanted["paper"] == wanted["source_file"] == count

    chance = random.Random(7)
    seen = 0
    for _ in range(8):
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as child:
            before = counts(own_home / "assay.db")["paper"]
            end = time.monotonic() + 60
            while child.poll() is None and time.monotonic() < end:
                if counts(own_home / "assay.db")["paper"] > before:
                    time.sleep(chance.uniform(0, 0.15))
                    break
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
        now = counts(own_home / "assay.db")["paper"]
        assert now >= seen, "what was stored stays"
        seen = now
        if now == count:
            break
    subprocess.run(command, check=True, cwd=PROJECT, env=os.environ, capture_output=True)
    assert counts(own_home / "assay.db") == wanted
    with session_scope(catalog) as session:
        assert len(list_papers(session)) == 10 + count


def test_the_command_counts_and_speaks_chinese(
    catalog: Engine, assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts(tmp_path / "in", 2)
    output = assay("add", str(tmp_path / "in"), "nowhere.pdf")
    assert output.err.splitlines()[-1] == "Added: 2, updated: 0, there already: 0, failed: 1."
    monkeypatch.setenv("ASSAY_LANG", "zh_CN.UTF-8")
    output = assay("add", str(tmp_path / "in"), "nowhere.pdf")
    assert output.out.split()[::2] == ["known", "known"]
    assert "nowhere.pdf 既不是文件或文件夹，也不是 arXiv 编号" in output.err
    assert assay("add").err.startswith("错误：没有可添加的内容")
    assert assay("refresh").status == 2
    assert assay("refresh", "--all").out.count("known") == 2
