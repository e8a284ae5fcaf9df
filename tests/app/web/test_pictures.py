"""The marked page beside a claim: drawn when asked for, place by place, and what is said else."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from app.workflows.add import add_sources
from app.workflows.paper import show_paper
from app.workflows.pictures import places_with_page
from db.engine import session_scope
from db.queries import jobs, papers
from tests.analyzers.papers import MARKDOWN, make_pdf
from tests.app.conftest import Assay
from tests.app.web.conftest import ENTRY, Open, words

AGAIN = "QuickKV achieves up to 2.4× faster decoding compared to vLLM on an RTX 4090."


def paper_that_repeats_itself(path: Path) -> Path:
    """Write the small paper, its abstract's claim once more on page 2."""
    import pymupdf

    with pymupdf.open(make_pdf(path.with_suffix(".once.pdf"))) as pdf:
        pdf[1].insert_text((60, 500), AGAIN, fontsize=10)
        pdf.save(path)
    return path


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return paper_that_repeats_itself(tmp_path / "quickkv.pdf")


@pytest.fixture
def added(empty: Engine, pdf: Path) -> dict[str, Any]:
    """A paper from a PDF, as `show_paper` gives it."""
    summary = add_sources(empty, [str(pdf)])
    with session_scope(empty) as session:
        return show_paper(session, summary.added[0])


def claims_of(page: Open, paper: dict[str, Any], **parameters: str) -> AppTest:
    return page("paper", paper=paper["paper"]["paper_id"], view="claims", **parameters)


def many_places(paper: dict[str, Any]) -> dict[str, Any]:
    """A claim that stands at several places of the paper."""
    return next(c for c in paper["claims"] if len(places_with_page(c)) > 1)


def pictures(page: AppTest) -> list[Any]:
    return [element.proto for element in page.get("image")]


def test_nothing_is_drawn_until_it_is_asked_for(
    added: dict[str, Any], open_page: Open, own_home: Path
) -> None:
    page = claims_of(open_page, added)
    assert not pictures(page)
    assert not list((own_home / "pictures").glob("*.png"))
    offered = [t for t in page.toggle if t.key and t.key.startswith("shown-")]
    assert len(offered) == 1  # the chosen claim's; the table holds the others
    assert len(page.dataframe[0].value) == len(added["claims"]) >= 2


def test_a_claim_is_shown_on_its_page_and_its_places_in_turn(
    added: dict[str, Any], open_page: Open, own_home: Path
) -> None:
    claim = many_places(added)
    places = places_with_page(claim)
    page = claims_of(open_page, added, claim=claim["key"])
    page.toggle(key=f"shown-{claim['key']}").set_value(True).run()
    assert not page.error
    first = pictures(page)
    assert len(first) == 1
    assert places[0]["quote"][:20] in str(first[0])  # as the alternative text
    names = {path.name for path in (own_home / "pictures").iterdir()}
    page.segmented_control(key=f"place-{claim['key']}").set_value(1).run()
    assert places[1]["quote"][:20] in str(pictures(page)[0])
    page.toggle(key=f"whole-{claim['key']}").set_value(True).run()
    assert not page.error
    kept = {path.name for path in (own_home / "pictures").iterdir()}
    assert names < kept
    assert len(kept) == 3  # the two places, and the whole page of the second
    other = next(c for c in added["claims"] if c != claim and places_with_page(c))
    page.selectbox(key="claim").select(other["key"]).run()
    assert places_with_page(other)[0]["quote"][:20] in str(pictures(page)[0])
    page.toggle(key=f"shown-{other['key']}").set_value(False).run()
    assert not pictures(page)


def test_a_changed_file_is_said_and_can_be_analysed_again(
    added: dict[str, Any],
    open_page: Open,
    pdf: Path,
    empty: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Any] = []
    monkeypatch.setattr("app.jobs.client.ensure_runner", started.append)
    make_pdf(pdf, columns=1)
    claim = many_places(added)
    page = claims_of(open_page, added, claim=claim["key"])
    page.toggle(key=f"shown-{claim['key']}").set_value(True).run()
    assert not pictures(page)
    assert "has changed since it was analysed" in words(page)
    page.button(key=f"again-{claim['key']}").click().run()
    assert "analysed again" in words(page)
    with session_scope(empty) as session:
        assert [job.spec["sources"] for job in jobs.list_active(session)] == [[str(pdf)]]
    assert started


def test_a_file_that_is_gone_is_said(added: dict[str, Any], open_page: Open, pdf: Path) -> None:
    pdf.unlink()
    claim = many_places(added)
    page = claims_of(open_page, added, lang="zh", claim=claim["key"])
    page.toggle(key=f"shown-{claim['key']}").set_value(True).run()
    assert not pictures(page)
    assert not page.error
    assert "已不存在" in page.warning[0].value


def test_a_seed_paper_says_what_to_do(seeded: Engine, open_page: Open) -> None:
    page = open_page("paper", paper="sage", view="claims")
    assert "No file of this paper is here" in words(page)
    assert "assay add FILE" in words(page).replace("\\", "")
    assert not [toggle for toggle in page.toggle if str(toggle.key).startswith("shown-")]


def test_a_text_without_pages_offers_none(empty: Engine, tmp_path: Path, open_page: Open) -> None:
    note = tmp_path / "note.md"
    note.write_text(MARKDOWN, encoding="utf-8")
    paper = add_sources(empty, [str(note)]).added[0]
    page = open_page("paper", paper=paper, view="claims")
    assert not page.toggle
    assert "can't be shown" not in words(page)


def test_only_an_abstract_says_so(seeded: Engine, open_page: Open) -> None:
    with session_scope(seeded) as session:
        papers.update(session, "sage", source_path="/nowhere/sage.abstract.md", read="abstract")
    assert "Only the abstract" in words(open_page("paper", paper="sage", view="claims"))


def test_the_server_never_loads_the_parser(added: dict[str, Any], own_home: Path) -> None:
    """Drawing happens in another process: MuPDF must not run in the server's threads."""
    import sys

    from tests.conftest import PROJECT

    claim = many_places(added)
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(ENTRY)!r}, default_timeout=60)\n"
        "page.run()\n"
        "page.switch_page('views/paper.py').run()\n"
        "page.segmented_control(key='view').set_value('claims').run()\n"
        f"page.selectbox(key='claim').set_value({claim['key']!r}).run()\n"
        f"page.toggle(key='shown-' + {claim['key']!r}).set_value(True).run()\n"
        "assert page.get('image') and not page.error and not page.exception\n"
        "print(sorted(set(sys.modules) & {'torch', 'pymupdf', 'fitz', 'pebble'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_command_line_draws_it_too(added: dict[str, Any], assay: Assay, tmp_path: Path) -> None:
    paper, claim = added["paper"]["paper_id"], many_places(added)
    out = tmp_path / "page.png"
    done = assay("show", paper, "--claim", claim["key"], "--picture", str(out))
    assert done.status == 0
    assert done.out == ""
    first = out.read_bytes()
    assert first.startswith(b"\x89PNG")
    short = claim["key"].partition("/")[2]
    assert assay("show", paper, "--claim", short, "--place", "2", "--picture", str(out)).status == 0
    assert out.read_bytes() != first
    assert assay("show", paper, "--claim", short, "--whole", "--picture", str(out)).status == 0
    for wrong, told in (
        (("--claim", "no-such"), "has no claim 'no-such'. Claims to name with --claim: "),
        (("--claim", short, "--place", "99"), "there is no place 99"),
    ):
        failed = assay("show", paper, *wrong, "--picture", str(out))
        assert failed.status == 2
        assert told in failed.err
    assert assay("show", paper, "--whole").status == 2
    nowhere = assay("show", paper, "--claim", short, "--picture", str(tmp_path / "no" / "p.png"))
    assert nowhere.status == 1
    assert "can't be written" in nowhere.err
