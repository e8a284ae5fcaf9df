"""A person's notes on a paper, and where the paper stands in their own work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import STATUSES, label
from app.web.components import context, flash, person
from app.web.components.text import clean, moment
from app.workflows.correct import add_note, set_status

Record = Mapping[str, Any]


def notes(listed: Sequence[Record], paper_id: str, _: Translate) -> None:
    """Show the notes, the newest first, and the form for one more."""
    with st.form(f"note-{paper_id}", clear_on_submit=True):
        text = st.text_area(_("Note"), key=f"note-text-{paper_id}", max_chars=4000, height=90)
        who = person.name_input(f"note-who-{paper_id}", _)
        sent = st.form_submit_button(_("Keep the note"))
    if sent:
        with context.errors_shown():
            with context.writing() as session:
                add_note(session, paper_id, text or "", who=who)
            person.remember(who)
            flash.say_after_rerun(_("The note is kept."))
            st.rerun()
    for note in reversed(listed):
        with st.container(border=True, gap="xxsmall"):
            st.caption(clean(f"{note['who'] or '–'}, {moment(note['at'])}"))
            st.text(note["text"])


def status_choice(paper_id: str, status: str, _: Translate) -> None:
    """Let the person say where the paper stands."""
    key = f"status-{paper_id}"
    st.session_state[key] = status

    def change() -> None:
        with context.errors_shown(), context.writing() as session:
            set_status(session, paper_id, st.session_state[key])

    st.selectbox(
        _("Status"),
        list(STATUSES),
        format_func=lambda code: label(code, _),
        key=key,
        on_change=change,
        label_visibility="collapsed",
        width=150,
    )
