from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.reports.flow import flow, plain
from app.workflows.report import build_report
from tests.app.reports.small_catalog import NOW


@pytest.mark.parametrize("language", ["en", "zh"])
def test_blocks_say_what_the_page_says(session: Session, language: str) -> None:
    model = build_report(session, language=language, now=NOW)
    blocks = flow(model)
    text = "\n".join(plain(block.spans) for block in blocks)
    assert "".join(model.decision[2:]).replace(" ", "") in text.replace(" ", "")
    assert {block.kind for block in blocks} == {"heading", "text", "item", "table", "facts", "bars"}
    ranking = next(block for block in blocks if block.kind == "table")
    assert len(ranking.rows) == len(model.ranking)
    assert len(ranking.widths) == len(ranking.head) == 6
    for row, cells in zip(model.ranking, ranking.rows, strict=True):
        assert plain(cells[1]).startswith(row.title)
    spread = [block for block in blocks if block.kind == "bars"]
    counted = [[int(bar.count) for bar in block.bars] for block in spread[:3]]
    assert counted == [[share.count for share in d.shares] for d in model.distributions]
    assert all(max(bar.share for bar in block.bars) == 1 for block in spread)
    assert not any("\n" in block.anchor or "  " in plain(block.spans) for block in blocks)


def test_links_lead_somewhere(session: Session) -> None:
    blocks = flow(build_report(session, now=NOW))
    anchors = {f"#{block.anchor}" for block in blocks if block.anchor}
    cells = [spans for block in blocks for row in block.rows for spans in row]
    targets = {span.target for spans in (*cells, *(b.spans for b in blocks)) for span in spans}
    assert targets & anchors
    assert all(t.startswith("https://") or t in anchors for t in targets if t)


def test_a_verdict_keeps_its_sign_and_tone(session: Session) -> None:
    blocks = flow(build_report(session, now=NOW))
    ranking = next(block for block in blocks if block.kind == "table")
    told = [span for span in ranking.rows[1][4] if span.tone]
    assert [(span.text, span.tone) for span in told] == [("✓ confirmed", "good")]
