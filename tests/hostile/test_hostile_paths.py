"""Names, links and devices that would lead elsewhere: reading and writing stay in their place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from analyzers.errors import ErrorKind
from analyzers.sources.local import MAX_BIBLIOGRAPHY_IDS, expand
from app.workflows.add import add_sources, save_upload
from app.workflows.file_content import Content
from app.workflows.report import save_snapshot
from app.workflows.report_output import write_output
from db.engine import session_scope
from tests.analyzers.papers import MARKDOWN
from tests.app.conftest import Assay
from tests.hostile.test_hostile_text import add, analysis_of
from tests.hostile.texts import PIECES

SECRET = "# A secret\n\nWe present nothing that is anybody's business, 2.0x faster than before.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    (folder / "inner").mkdir(parents=True)
    (folder / "paper.md").write_text(MARKDOWN)
    (tmp_path / "secret.md").write_text(SECRET)
    return folder


LINKS = ("../secret.md", "../../{name}/secret.md", "{outside}/secret.md", "/etc/passwd",
         "/dev/zero", "/proc/self/environ", "/proc/self/mem")  # fmt: skip


@pytest.mark.parametrize("suffix", [".md", ".pdf", ".bib", ".txt"])
@pytest.mark.parametrize("to", LINKS)
def test_a_link_out_of_a_folder_is_not_followed(folder: Path, to: str, suffix: str) -> None:
    target = to.format(outside=folder.parent, name=folder.parent.name)
    (folder / f"link{suffix}").symlink_to(target)
    found = expand([folder])
    assert [file.name for file in found.files] == ["paper.md"]
    assert found.ids == []
    told = {missing.path: str(missing.reason) for missing in found.missing}
    if os.path.exists((folder / f"link{suffix}").resolve()):  # noqa: PTH110
        assert "link out of its folder" in told[str(folder / f"link{suffix}")]


def test_links_inside_a_folder_are_followed_once(folder: Path) -> None:
    (folder / "inner" / "again.md").symlink_to("../paper.md")
    (folder / "round").symlink_to(folder)
    (folder / "lost.md").symlink_to("nowhere.md")
    found = expand([folder])
    assert len(found.files) == 1
    assert all("no file" in str(missing.reason) for missing in found.missing)


@pytest.mark.parametrize("suffix", [".pdf", ".md", ".bib"])
def test_a_pipe_or_a_device_is_not_waited_for(folder: Path, suffix: str) -> None:
    pipe = folder / f"pipe{suffix}"
    os.mkfifo(pipe)
    for sources in ([folder], [pipe], ["/dev/zero"], ["/dev/tty"], ["/dev/random"]):
        found = expand(sources)
        assert {missing.kind for missing in found.missing} == {ErrorKind.UNREADABLE}
        assert [file.name for file in found.files] == (["paper.md"] if folder in sources else [])


def test_a_secret_behind_a_link_reaches_no_catalog(
    folder: Path, assay: Assay, catalog: Engine
) -> None:
    (folder / "link.md").symlink_to("../secret.md")
    told = assay("add", str(folder))
    assert told.status == 1
    assert "link out of its folder" in told.err
    assert "secret" not in assay("list", "--json").out.lower()


def test_a_bibliography_of_any_size_is_read_to_its_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzers.sources.local.MAX_BIBLIOGRAPHY_BYTES", 1 << 16)
    large = folder / "refs.bib"
    with large.open("wb") as stream:
        stream.write(b"eprint = {2410.09426}\n")
        stream.truncate(1 << 16)
        stream.seek(0, 2)
        stream.write(b"\neprint = {2405.03917}\n")
    assert [str(i) for i in expand([large]).ids] == ["2410.09426"]


def test_what_never_ends_or_never_comes_is_no_file(
    tmp_path: Path, catalog: Engine, assay: Assay
) -> None:
    os.mkfifo(tmp_path / "pipe.md")  # put there after the folder was looked through
    for path in (tmp_path / "pipe.md", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(OSError):
            Content.of(path)
    with (tmp_path / "hole.pdf").open("wb") as stream:
        stream.write(b"%PDF-1.7")
        stream.truncate(1 << 42)  # 4 TB, of which nothing is on the disk
    told = assay("add", str(tmp_path / "hole.pdf"))
    assert (told.status, told.out) == (1, "")
    assert "the limit is 64 MB" in told.err


def test_a_bibliography_does_not_keep_arxiv_for_days(tmp_path: Path) -> None:
    listed = tmp_path / "refs.bib"
    listed.write_text("\n".join(f"eprint = {{2401.{number:05}}}" for number in range(1, 20_000)))
    found = expand([listed])
    assert len(found.ids) == MAX_BIBLIOGRAPHY_IDS
    assert [missing.kind for missing in found.missing] == [ErrorKind.TOO_LARGE]


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    tmp_path: Path, catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the digest of one text would stand for the claims of another."""
    file = tmp_path / "a.md"
    file.write_text(MARKDOWN)

    texts = [MARKDOWN.replace("2", "9")]

    def slowly(paths: Iterator[str], **_: Any) -> Iterator[dict[str, Any]]:
        for path in paths:
            if texts:
                Path(path).write_text(texts.pop())
            yield analysis_of("title", "abstract") | {"source": path}

    monkeypatch.setattr("analyzers.isolation.analyze_files", slowly)
    summary = add_sources(catalog, [str(file)])
    assert [failure.kind for failure in summary.failed] == [ErrorKind.CHANGED]
    assert add_sources(catalog, [str(file)]).added == ["title"], "it is read anew, as it now is"


UPLOADS = (
    "../../evil.pdf",
    "/etc/cron.d/evil",
    "..\\..\\evil.pdf",
    "C:\\evil.pdf",
    ".ssh",
    "a\0b.pdf",
    "evil.pdf/",
    "con.pdf",
    "x" * 5000,
    "\u202efdp.exe",
    "-rf *.pdf",
    "$(id).pdf",
    *PIECES,
)


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_stays_in_its_folder(own_home: Path, name: str) -> None:
    path = save_upload(name, b"content")
    assert path.parent == own_home / "papers"
    assert [*path.parent.iterdir()] == [path]
    assert not path.name.startswith((".", "-"))


def test_an_upload_does_not_write_through_a_link(own_home: Path, tmp_path: Path) -> None:
    path = save_upload("paper.pdf", b"content")
    path.unlink()
    (tmp_path / "victim").write_text("mine")
    path.with_name(f".{path.name}.{os.getpid()}.part").symlink_to(tmp_path / "victim")
    assert save_upload("paper.pdf", b"content").read_bytes() == b"content"
    assert (tmp_path / "victim").read_text() == "mine"


def test_outputs_go_where_a_person_says_or_nowhere(
    catalog: Engine, assay: Assay, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    for out in (tmp_path / "no" / "such" / "report.md", tmp_path):
        for command in (("report", "-o", str(out)), ("bench", "export", "--out", str(out))):
            told = assay(*command)
            assert told.status in (1, 2)
            assert "Traceback" not in told.err
    told = assay("db", "backup", str(tmp_path / "mine"))
    assert told.status == 1
    assert (tmp_path / "mine").read_text() == "mine"
    write_output(tmp_path / "report.md", b"whole")
    assert (tmp_path / "report.md").read_bytes() == b"whole"
    with session_scope(catalog) as session:
        assert save_snapshot(session).startswith("report-2")


def test_what_is_kept_of_a_removed_paper_stays_in_its_folder(
    catalog: Engine, assay: Assay, tmp_path: Path, own_home: Path
) -> None:
    paper = add(catalog, tmp_path, "../../../etc/passwd \x1b[2J")
    assert assay("remove", paper).status == 0
    [kept] = (own_home / "removed").iterdir()
    assert kept.suffix == ".json"
