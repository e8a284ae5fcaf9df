"""The first row of a page: its heading, the page's own controls, the choice of language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.i18n import LANGUAGES
from app.web.components import access, context


@contextmanager
def header(title: str | None) -> Iterator[None]:
    """Show a page's heading and the languages; what is drawn inside stands between the two.

    No heading for a page whose content has one.
    """
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if title:
            st.title(title, anchor=False, width="content")
        with st.container(
            horizontal=True,
            horizontal_alignment="right" if title else "distribute",
            vertical_alignment="center",
        ):
            yield
            access.badge(context.words())
            _language_choice()


def _language_choice() -> None:
    _ = context.words()
    # Set before the widget, so that the address and a reload decide as well.
    st.session_state["language"] = context.language()
    st.selectbox(
        _("Language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key="language",
        label_visibility="collapsed",
        width=120,
        on_change=lambda: context.set_language(st.session_state["language"]),
    )
