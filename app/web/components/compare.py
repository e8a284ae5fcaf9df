"""Papers side by side; differences are told by signs and weight, never by colour alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.reports.text import short_name
from app.web.components import catalog, context
from app.web.components.ranking_table import verdict
from app.web.components.text import (
    arrow,
    capital,
    count,
    interval,
    link,
    plain,
    ratio,
    score,
    together,
)
from app.workflows.compare import FEWEST, MOST, Line, chosen_ids, compare
from app.workflows.ranked import Ranking

Row = dict[str, Any]
_AHEAD, _DIFFERS = "▲", "≠"


def asked(rows: Ranking) -> list[str]:
    """Return the papers that `?compare=a,b` names; none where fewer than two are known."""
    ids = chosen_ids(st.query_params.get("compare", ""), rows.paper_ids)
    return ids if len(ids) >= FEWEST else []


def compare_button(ids: Sequence[str], _: Translate) -> None:
    """Offer to set the chosen papers side by side."""
    if not ids:
        return
    fits = FEWEST <= len(ids) <= MOST
    told = (
        _("Compare the {count} chosen papers").format(count=len(ids))
        if fits
        else _("To compare, choose two to four papers: {count} chosen").format(count=len(ids))
    )
    if st.button(told, type="primary", disabled=not fits, key="compare_chosen"):
        st.query_params["compare"] = ",".join(ids)
        st.rerun()


def comparison(rows: Sequence[Row], target: str, device: str, _: Translate) -> None:
    """Show papers of the ranking side by side, and the way back."""
    if st.button(_("Back to the ranking"), key="compare_back"):
        del st.query_params["compare"]
        st.rerun()
    with context.reading() as session:
        lines = compare(
            session, rows, target=target, device=device or None, language=context.language()
        )
    st.markdown(_table(rows, lines, _))
    st.caption(
        _("{differs} the papers differ in it; {ahead} and bold: ahead of the others.").format(
            differs=_DIFFERS, ahead=_AHEAD
        )
    )
    with st.container(horizontal=True):
        for row in rows:
            st.page_link(
                "views/paper.py",
                label=plain(short_name(row["title"])),
                query_params={"paper": row["paper_id"]},
            )


def _table(rows: Sequence[Row], lines: Sequence[Line], _: Translate) -> str:
    """Return a Markdown table: a real one, whose headings a screen reader says."""
    head = ["&nbsp;", *(plain(short_name(row["title"])) for row in rows)]
    told = [_cells(head), _cells([":--"] * len(head))]
    for line in lines:
        cells = [_cell(line, value, _) or "–" for value in line.values]
        differs = len(set(cells)) > 1  # as they are shown: 1.45x is no more than 1.45x
        for place in line.best if differs else ():
            cells[place] = f"{_AHEAD} **{cells[place]}**"
        words = capital(_(line.name))
        if line.kind == "points":  # of the score; a fact may have the same name
            words = _("{criterion}, points").format(criterion=words)
        name = together(plain(words))
        told.append(_cells([f"{_DIFFERS}\u00a0**{name}**" if differs else name, *cells]))
    return "\n".join(told)


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(line: Line, value: Any, _: Translate) -> str:
    if value is None or value == ():
        return ""
    show: Mapping[str, Callable[[Any], str]] = {
        "rank": lambda place: plain(count(place)),
        "code": lambda code: plain(label(code, _)),
        "level": lambda code: plain(label(code, _)),
        "text": lambda text: plain(capital(text)),
        "score": lambda figure: plain(score(figure)),
        "points": lambda figure: plain(score(figure)),
        "interval": lambda ends: plain(interval(*ends)),
        "test": lambda test: _test(test, _),
        "ratio": lambda figure: plain(ratio(figure)),
        "share": lambda figure: plain(f"{figure:.2f}"),
        "texts": lambda texts: " · ".join(plain(text) for text in texts),
        "link": lambda url: link(_("Code"), url) if url else "",
    }
    return show[line.kind](value)


def _test(test: tuple[Any, ...], _: Translate) -> str:
    claimed, measured, code, provisional, device = test
    told = verdict(
        {"verdict": code, "provisional": provisional, "verdict_device": device},
        _,
        catalog.device_names(),
    )
    return f"{plain(arrow(ratio(claimed), ratio(measured)))} · {plain(told)}"
