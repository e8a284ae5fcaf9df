from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import seed
from db.errors import SeedError
from db.models import Claim, Correction, Fact, Paper, PrototypeLink, Reading, ReportSnapshot
from db.queries import claims, facts, notes, papers, prototype_links, readings, snapshots
from tests.db.builders import add_paper

READINGS = """
[[reading]]
id = "report-2025-08"
date = 2025-08-06
frozen = true
title = {en = "The first report", zh = "首份报告"}
[[reading]]
id = "current"
title = {en = "Today", zh = "当前"}
"""
REPORT = """
id = "report-2025-08"
date = "2025-08-06"
title = {en = "Priority report", zh = "优先级报告"}
[totals]
papers = 10
[[rows]]
paper = "fast"
score = 7.0
"""
PAPER = """
id = "fast"
arxiv_id = "2401.00001"
version = "v2"
title = "Fast Attention"
authors = ["A. Author"]
published = 2024-01-02
prototypes = ["sampling"]
summary = {en = "It is fast.", zh = "很快。"}

[facts.report-2025-08.relevance]
value = 1.0

[facts.current.relevance]
value = 0.4
reasons = [{en = "because", zh = "因为"}]
evidence = [{text = "commit", url = "https://example.org", date = 2026-01-01}]

[facts.current]
technique = "attention"
report_line = {en = "72 % faster", zh = "快 72 %"}

[[claims]]
key = "2401.00001/speed"
text = {en = "Twice as fast.", zh = "快一倍。"}
metric = "speedup"
value = 2
unit = "x"
baseline = "FlashAttention"
locator = "Table 2"

[[claims]]
key = "2401.00001/memory"
text = {en = "Half the memory.", zh = "内存减半。"}
metric = "memory_reduction"
value = 50
unit = "%"

[[corrections]]
key = "speed"
field = "report_speedup"
text = {en = "It is 1.5x.", zh = "是 1.5x。"}
date = "2026-01-01"
"""
ANALYSED = {"metric": "speedup", "value": 2.0, "unit": "x", "quote": "Twice as fast as FA."}

Edit = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "seed"
    (folder / "papers").mkdir(parents=True)
    (folder / "readings.toml").write_text(READINGS, encoding="utf-8")
    (folder / "report-2025-08.toml").write_text(REPORT, encoding="utf-8")
    (folder / "papers" / "fast.toml").write_text(PAPER, encoding="utf-8")
    return folder


@pytest.fixture
def edit(folder: Path) -> Edit:
    """What a new release changes in the paper's file."""

    def change(old: str, new: str) -> None:
        path = folder / "papers" / "fast.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def value(session: Session, field: str, reading: str = "current") -> Any:
    return facts.effective(session, reading)["fast"][field].value


def test_the_seed_brings_papers_facts_claims_corrections_and_the_report(
    session: Session, folder: Path
) -> None:
    result = seed.load(session, folder)
    assert (result.new_papers, result.changed_papers) == (["fast"], ["fast"])
    assert (result.updated, result.removed) == (0, 0)
    paper = papers.get(session, "fast")
    assert (paper.title, paper.arxiv_id, paper.version) == ("Fast Attention", "2401.00001", "v2")
    assert (paper.published, paper.authors, paper.is_seed) == ("2024-01-02", ["A. Author"], True)
    assert value(session, "relevance") == 0.4
    assert value(session, "relevance", "report-2025-08") == 1.0
    assert value(session, "technique") == "attention"
    assert value(session, "report_line") == {"en": "72 % faster", "zh": "快 72 %"}
    assert value(session, "summary") == {"en": "It is fast.", "zh": "很快。"}
    relevance = facts.effective(session)["fast"]["relevance"]
    assert relevance.reasons == [{"en": "because", "zh": "因为"}]
    assert relevance.evidence == [
        {"text": "commit", "url": "https://example.org", "date": "2026-01-01"}
    ]
    speed, memory = claims.rows(session)["fast"]
    assert (speed.key, speed.value, speed.bound, speed.locator) == (
        "2401.00001/speed",
        2.0,
        "exact",
        "Table 2",
    )
    assert memory.unit == "%"
    assert prototype_links.prototypes(session) == {"fast": ["sampling"]}
    assert session.query(Correction).one().key == "speed"
    report = snapshots.get(session, "report-2025-08")
    assert report.record == {"totals": {"papers": 10}, "rows": [{"paper": "fast", "score": 7.0}]}
    assert session.get_one(Reading, "report-2025-08").frozen


def test_loading_twice_does_nothing(session: Session, folder: Path) -> None:
    seed.load(session, folder)
    session.expire_all()
    stamps = [(fact.id, fact.at) for fact in session.query(Fact)]
    result = seed.load(session, folder)
    assert not result.is_changed
    assert (result.new_papers, result.changed_papers) == ([], [])
    assert [(fact.id, fact.at) for fact in session.query(Fact)] == stamps


def test_a_person_is_never_overruled(session: Session, folder: Path, edit: Edit) -> None:
    seed.load(session, folder)
    facts.set_correction(session, "fast", "relevance", 0.9, "Ada", "measured")
    notes.add(session, "fast", "mine", "Ada")
    papers.update(session, "fast", status="archived")
    edit("value = 0.4", "value = 0.5")
    assert seed.load(session, folder).updated == 1
    assert value(session, "relevance") == 0.9
    assert papers.get(session, "fast").status == "archived"
    assert len(notes.for_paper(session, "fast")) == 1
    (correction,) = facts.overrides(session, "fast")
    facts.revert(session, correction.id, "Ada")
    assert value(session, "relevance") == 0.5


def test_a_new_release_changes_adds_and_drops_what_is_its_own(
    session: Session, folder: Path, edit: Edit
) -> None:
    seed.load(session, folder)
    facts.replace_analysis(session, "fast", {"hardware": {"value": ["H100"]}})
    edit('title = "Fast Attention"', 'title = "Faster Attention"')
    edit("value = 2\n", "value = 2.5\n")
    edit('key = "2401.00001/memory"', 'key = "2401.00001/cache"')
    edit('technique = "attention"', 'complexity = "low"')
    edit('prototypes = ["sampling"]', 'prototypes = ["attention"]')
    edit('key = "speed"', 'key = "slower"')
    result = seed.load(session, folder)
    assert (result.added, result.updated, result.removed) == (4, 2, 4)
    assert result.changed_papers == ["fast"]
    assert papers.get_by_any_id(session, "faster att").id == "fast"
    assert {c.key: c.value for c in claims.rows(session)["fast"]} == {
        "2401.00001/speed": 2.5,
        "2401.00001/cache": 50.0,
    }
    assert set(facts.effective(session)["fast"]) == {
        "relevance", "complexity", "report_line", "summary", "hardware",
    }  # fmt: skip
    assert prototype_links.prototypes(session) == {"fast": ["attention"]}
    assert [row.key for row in session.query(Correction)] == ["slower"]


def test_what_an_analysis_found_meets_the_claims_of_a_new_release(
    session: Session, folder: Path, edit: Edit
) -> None:
    edit("value = 2\n", "value = 3\n")
    seed.load(session, folder)
    papers.update(session, "fast", analysis={"source": "x"}, version="v5")
    found = claims.replace_analysis_claims(session, "fast", [ANALYSED])
    assert found.added == ("fast/speedup-2x",)
    edit("value = 3\n", "value = 2\n")
    seed.load(session, folder)
    rows = {claim.key: claim for claim in claims.for_paper(session, "fast")}
    assert set(rows) == {"2401.00001/speed", "2401.00001/memory"}
    assert [place.quote for place in rows["2401.00001/speed"].places] == ["Twice as fast as FA."]
    assert papers.get(session, "fast").version == "v5"  # the version that was read


def test_a_removed_paper_stays_away_until_it_is_asked_for(session: Session, folder: Path) -> None:
    seed.load(session, folder)
    papers.remove(session, "fast")
    result = seed.load(session, folder)
    assert (result.skipped_papers, papers.list_papers(session)) == (["fast"], [])
    assert session.query(Claim).count() == 0
    assert seed.load(session, folder, restore=True).new_papers == ["fast"]
    papers.remove(session, "fast")
    again = papers.add(session, title="Fast Attention", arxiv_id="2401.00001v2")
    assert again.id == "fast"
    assert seed.load(session, folder).changed_papers == ["fast"]
    assert value(session, "technique") == "attention"
    assert not seed.load(session, folder).is_changed


def test_a_paper_that_a_person_added_before_keeps_its_id(session: Session, folder: Path) -> None:
    add_paper(session, "2401.00001", arxiv_id="2401.00001", status="reading")
    result = seed.load(session, folder)
    assert (result.new_papers, result.changed_papers) == ([], ["2401.00001"])
    assert [row.id for row in papers.list_papers(session)] == ["2401.00001"]
    assert papers.get(session, "2401.00001").status == "reading"
    assert facts.effective(session)["2401.00001"]["technique"].value == "attention"
    assert not seed.load(session, folder).is_changed


def test_a_reading_that_a_report_froze_is_not_the_seeds(
    session: Session, folder: Path, edit: Edit
) -> None:
    seed.load(session, folder)
    readings.freeze(session, "report-2026-01", title={"en": "R", "zh": "R"}, date="2026-01-31")
    edit("value = 0.4", "value = 0.5")
    seed.load(session, folder)
    assert value(session, "relevance", "report-2026-01") == 0.4
    assert value(session, "technique", "report-2026-01") == "attention"


BROKEN = [
    ('title = "Fast Attention"', "", "fast.toml is broken at title: it is missing"),
    (
        "value = 2\n",
        'value = "two"\n',
        r"fast.toml is broken at claims\[1\].value: 'two' is no num",
    ),
    ('authors = ["A. Author"]', "authors = [1]", "authors"),
    ("facts.report-2025-08", "facts.report-1999", "facts.report-1999"),
    ('zh = "快一倍。"', 'zn = "快一倍。"', r"claims\[1\].text"),
    ("reasons = [{", "reasons = {a = [{", "no TOML"),
    ('"2401.00001/memory"', '"2401.00001/speed"', "claim key '2401.00001/speed' twice"),
    ('[[corrections]]\nkey = "speed"', "[corrections]\nkey = 1", "corrections"),
]


@pytest.mark.parametrize(("old", "new", "words"), BROKEN)
def test_a_broken_file_is_named_with_its_key_and_changes_nothing(
    session: Session, folder: Path, edit: Edit, old: str, new: str, words: str
) -> None:
    seed.load(session, folder)
    edit(old, new)
    with pytest.raises(SeedError, match=words):
        seed.load(session, folder)
    assert value(session, "relevance") == 0.4


def test_two_files_of_one_paper_and_a_missing_file_are_named(
    session: Session, folder: Path
) -> None:
    (folder / "papers" / "twin.toml").write_text(PAPER, encoding="utf-8")
    with pytest.raises(SeedError, match="paper id 'fast' twice"):
        seed.load(session, folder)
    (folder / "readings.toml").unlink()
    with pytest.raises(SeedError, match=r"readings\.toml is missing"):
        seed.load(session, folder)


def test_a_report_needs_its_reading(session: Session, folder: Path) -> None:
    path = folder / "report-2025-08.toml"
    path.write_text(REPORT.replace('id = "report-2025-08"', 'id = "report-x"'), encoding="utf-8")
    with pytest.raises(SeedError, match="report-x"):
        seed.load(session, folder)


def test_the_shipped_seed_loads_and_loads_again(session: Session) -> None:
    first = seed.load(session)
    assert first.new_papers == sorted(first.new_papers)
    assert {"flatquant", "coupled_quant", "int_flash", "sage", "kv_compress"} <= set(
        first.new_papers
    )
    assert not seed.load(session).is_changed
    assert session.query(ReportSnapshot).count() == 1
    assert session.query(Paper).count() == len(first.new_papers)
    assert session.query(PrototypeLink).filter_by(prototype="sampling").count() == 1
    named = facts.effective(session, "report-2025-08")
    assert {"flatquant", "int_flash"} <= set(named)
