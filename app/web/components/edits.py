"""What people changed about a paper: who, when and why, each with the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.web.components import access, flash
from app.web.components.facts import field_words, value_text
from app.web.components.text import arrow, capital, moment, plain, strong

Record = Mapping[str, Any]

_LONGEST = 160


def edits(changes: Sequence[Record], _: Translate) -> None:
    """Show the changes of `show_paper`'s record, the newest first, each with its undo button."""
    st.subheader(_("What people changed"), anchor=False)
    if not changes:
        st.caption(_("Nobody has changed anything about this paper yet."))
        return
    for change in changes:
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.markdown(_line(change, _), width="stretch")
            if change["can_undo"] and access.may_do("curate"):
                st.button(
                    _("Undo"),
                    key=f"undo-{change['ref']}",
                    on_click=flash.take_back,
                    args=(change["ref"],),
                )


def _line(change: Record, _: Translate) -> str:
    who = change["who"] or "–"
    line = strong(capital(_what(change, _))) + " " + plain(f"— {who}, {moment(change['at'])}")
    if change["why"]:
        line += plain(f": {change['why']}")
    if change["undone_at"]:
        told = _("undone by {who}, {when}").format(
            who=change["undone_by"] or "–", when=moment(change["undone_at"])
        )
        line = f"~~{line}~~ {plain(told)}"
    return line


def _what(change: Record, _: Translate) -> str:
    kind, value = change["kind"], change["value"]
    if kind in ("note", "note_removed"):
        text = str(value or "")
        text = text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
        name = _("note") if kind == "note" else _("note removed")
        return f"{name}: {text}"
    if kind == "status":
        return _("status") + ": " + arrow(label(change["before"], _), label(value, _))
    before, after = value_text(change["before"], _), value_text(value, _)
    return f"{field_words(change['field'], _)}: {arrow(before, after)}"
