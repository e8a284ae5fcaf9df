"""The page that a claim stands on, beside the claim: drawn when asked for, by another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analyzers.errors import ErrorKind, ReadError
from app.i18n import Translate
from app.web.components import context, work
from app.web.components.text import clean, plain
from app.workflows.pictures import draw_place, places_with_page, why_no_pages

Record = Mapping[str, Any]

BAND_PX, WHOLE_PX = 990, 790
"""How wide pictures stand, where there is room: a paper's text in its own size or larger."""
_OPEN = "_page-open"
_STALE = (ErrorKind.CHANGED, ErrorKind.NO_SUCH_PAGE)


def say_if_no_pages(paper: Record, _: Translate) -> None:
    """Say why this paper's pages can't be shown, and where to add what is missing."""
    reason = why_no_pages(paper)
    if reason is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(reason.render(_)), width="content")
        st.page_link("views/add.py", label=_("Add papers"))


def evidence(paper: Record, claim: Record, _: Translate, *, stays_open: bool = False) -> None:
    """Offer a claim's places on their pages, in a fragment: the rest of the page stands still.

    With `stays_open` the next claim shows its page too, once one was asked for.
    """
    places = places_with_page(claim)
    if not places or why_no_pages(paper) is not None:
        return

    @st.fragment
    def panel() -> None:
        with context.errors_shown():
            _panel(paper, claim["key"], places, _, stays_open=stays_open)

    panel()


def _panel(
    paper: Record, key: str, places: list[Record], _: Translate, *, stays_open: bool
) -> None:
    pages = [str(place["page"]) for place in places]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if len(places) == 1:
            name = _("Show on page {page}").format(page=pages[0])
        else:
            name = _("Show on the page ({count} places)").format(count=len(places))
        was_open = stays_open and bool(st.session_state.get(_OPEN))
        is_open = st.toggle(name, value=was_open, key=f"shown-{key}")
        if stays_open:
            st.session_state[_OPEN] = is_open
        if not is_open:
            return
        number = 0
        if len(places) > 1:
            number = (
                st.segmented_control(
                    _("Place"),
                    range(len(places)),
                    default=0,
                    required=True,
                    format_func=lambda place: _("page {page}").format(page=pages[place]),
                    key=f"place-{key}",
                    label_visibility="collapsed",
                )
                or 0
            )
        whole = st.toggle(_("Whole page"), key=f"whole-{key}")
    _picture(paper, key, places[number], whole, _)


def _picture(paper: Record, key: str, place: Record, whole: bool, _: Translate) -> None:
    where = _("page {page}").format(page=place["page"])
    try:
        with st.spinner(_("Drawing the page …")):
            png = draw_place(paper, place, whole=whole)
    except ReadError as error:
        st.warning(plain(error.reason.render(_)))
        if error.kind in _STALE and st.button(_("Analyse again"), key=f"again-{key}"):
            with context.errors_shown():
                work.submit("add", {"sources": [paper["source_path"]]})
                st.success(plain(_("It is being analysed again: reload this page in a moment.")))
        return
    with st.container(border=True, width=WHOLE_PX if whole else BAND_PX):
        # with a width of its own the server would draw a smaller copy, and take its time over it
        st.image(png, width="stretch", alt=f"{where}: {clean(place['quote'])}")
