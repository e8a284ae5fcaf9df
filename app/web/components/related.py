"""Papers that have to do with this one, each with the reasons why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.reports.text import short_name
from app.web.components.ranking_table import ADVICE_COLORS
from app.web.components.text import capital, plain

Record = Mapping[str, Any]


def related(listed: Sequence[Record], _: Translate) -> None:
    """Show `app.workflows.related`'s records, the nearest first."""
    st.subheader(_("Related papers"), anchor=False)
    if not listed:
        st.caption(_("No other paper in the catalog has much to do with it."))
        return
    for paper in listed:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(
                "views/paper.py",
                label=plain(short_name(paper["title"])),
                query_params={"paper": paper["paper_id"]},
                width="content",
            )
            advice = plain(label(paper["recommendation"], _))
            rank = plain(_("rank {rank}").format(rank=paper["rank"]))
            reasons = plain(capital(_("; ").join(paper["reasons"])))
            badge = f":{ADVICE_COLORS[paper['recommendation']]}-badge[{advice}]"
            st.markdown(f"{badge} {rank} — {reasons}", width="content")
