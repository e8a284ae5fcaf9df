"""The answer on top of the ranking: what to do next, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.web.components.text import plain


def headline(told: Sequence[str]) -> None:
    """Say in a sentence what to do next and why, as the report does; then what to measure first."""
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"### {plain(told[0])}", anchors=False)
        for sentence in told[1:2]:
            st.caption(plain(sentence))
