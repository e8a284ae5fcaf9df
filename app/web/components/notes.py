"""A person's notes on a paper, and where the paper stands in their own work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import STATUSES, label
from app.web.components import access, context, flash, person
from app.web.components.text import moment, plain
from app.workflows.correct import add_note, remove_note, set_status
from app.workflows.undo import newest

Record = Mapping[str, Any]


def notes(listed: Sequence[Record], paper_id: str, _: Translate) -> None:
    """Show the notes, the newest first, and the form for one more."""
    may_note = access.offers("curate", _)
    text, who, sent = _form(paper_id, _) if may_note else ("", "", False)
    if sent:
        with context.errors_shown():
            with context.writing() as session:
                add_note(session, paper_id, text, who=who)
                undo = newest(session, paper_id)
            person.remember(who)
            flash.say_after_rerun(_("The note is saved."), undo=undo)
            st.rerun()
    for note in reversed(listed):
        with st.container(border=True, gap="xxsmall"):
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.caption(plain(f"{note['who'] or '–'}, {moment(note['at'])}"))
                if may_note:
                    st.button(
                        _("Remove"),
                        key=f"note-remove-{note['id']}",
                        type="tertiary",
                        on_click=_remove,
                        args=(note["id"], _),
                    )
            st.text(note["text"])


def _form(paper_id: str, _: Translate) -> tuple[str, str, bool]:
    with st.form(f"note-{paper_id}", clear_on_submit=True):
        text = st.text_area(_("Note"), key=f"note-text-{paper_id}", max_chars=4000, height=90)
        who = person.name_input(f"note-who-{paper_id}", _)
        return text or "", who, st.form_submit_button(_("Save the note"))


def _remove(note_id: int, _: Translate) -> None:
    with context.errors_shown():
        with context.writing() as session:
            paper_id = remove_note(session, note_id, who=person.current())
            undo = newest(session, paper_id)
        flash.say_after_rerun(_("The note is removed."), undo=undo)


def status_choice(paper_id: str, status: str, _: Translate) -> None:
    """Let the person say where the paper stands."""
    key = f"status-{paper_id}"
    st.session_state[key] = status

    def change() -> None:
        chosen = st.session_state[key]
        with context.errors_shown():
            with context.writing() as session:
                set_status(session, paper_id, chosen, who=person.current())
                undo = newest(session, paper_id)
            told = _("Its status is now: {status}.").format(status=label(chosen, _))
            flash.say_after_rerun(told, undo=undo)

    st.selectbox(
        _("Status"),
        list(STATUSES),
        format_func=lambda code: label(code, _),
        key=key,
        on_change=change,
        label_visibility="collapsed",
        width=150,
        disabled=not access.may_do("curate"),
    )
