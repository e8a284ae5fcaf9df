"""The answer on top of the ranking: what to do next, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.reports.advice import decision
from app.reports.papers import ranked_paper
from app.web.components import context
from app.web.components.text import plain

Row = dict[str, Any]


def headline(rows: Sequence[Row]) -> None:
    """Say in a sentence what to do next and why, as the report does; then what to measure first."""
    told = decision([ranked_paper(row, None) for row in rows], None, context.language())
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"##### {plain(told[0])}", anchors=False)
        for sentence in told[1:2]:
            st.caption(plain(sentence))
