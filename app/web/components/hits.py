"""Where a search found its words: the papers' own text, its matched words in bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.reports.text import short_name
from app.web.components.text import plain
from app.workflows.search import PLACES

Row = dict[str, Any]


def hits_list(rows: Sequence[Row], hits: Mapping[str, Mapping[str, Any]], _: Translate) -> None:
    """Show the hits of these papers, a line each."""
    lines = [
        f"- **{plain(short_name(row['title']))}** ({_place(hit, _)}): {marked(hit)}"
        for row in rows
        if (hit := hits.get(row["paper_id"])) is not None
    ]
    if lines:
        with st.expander(_("Where the words were found"), expanded=True):
            st.markdown("\n".join(lines))


def _place(hit: Mapping[str, Any], _: Translate) -> str:
    name = PLACES[hit["where"]]
    told = _(name)
    if hit["page"]:
        told = _("{place}, page {page}").format(place=told, page=hit["page"])
    if hit["pieces"] > 1:
        told = _("{place}, {count} more").format(place=told, count=hit["pieces"] - 1)
    return plain(told)


def marked(hit: Mapping[str, Any]) -> str:
    """Return a snippet as Markdown that shows exactly its characters, the matched words bold."""
    text, told, end = hit["snippet"], "", 0
    for start, stop in hit["marks"]:
        told += f"{_plain(text[end:start])}**{plain(text[start:stop])}**"
        end = stop
    return told + _plain(text[end:])


def _plain(text: str) -> str:
    """Keep the spaces at both ends, which `plain` drops: a word next to a bold one stays apart."""
    inside = plain(text)
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and inside else ""
    return f"{before}{inside}{after}"
