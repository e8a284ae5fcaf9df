"""A sentence that outlives the rerun after a change: what was done, and what it did to a score."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from app.i18n import Translate
from app.web.components import context, person
from app.web.components.text import plain, score
from app.workflows.moves import Move
from app.workflows.undo import undo as undo_edit

_FLASH = "_flash"


def say_after_rerun(text: str, *, good: bool = True, undo: str = "") -> None:
    """Keep `text` for the next run of the page; `undo` is the reference of what a click undoes."""
    st.session_state[_FLASH] = (text, good, undo)


def show() -> None:
    """Show what the last run left to say, once, with the way back beside it."""
    text, good, undo = st.session_state.pop(_FLASH, ("", True, ""))
    if not text:
        return
    box = st.success if good else st.warning
    if not undo:
        box(plain(text))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        box(plain(text), width="stretch")
        st.button(context.words()("Undo"), key="flash-undo", on_click=take_back, args=(undo,))


def take_back(ref: str) -> None:
    """Undo an edit, and say after the rerun what that did; for a button's callback."""
    _ = context.words()
    with context.errors_shown():
        with context.writing() as session:
            undone = undo_edit(session, ref, who=person.current())
        told = _("Undone.")
        if undone.kind in ("correction", "link"):
            told += " " + moved(undone.moves, undone.paper_id, _)
        say_after_rerun(told)


def moved(moves: Iterable[Move], paper_id: str, _: Translate) -> str:
    """Return "The score moved: 4.12 → 4.62." for the believed score of a paper."""
    for move in moves:
        if move.paper_id == paper_id and move.kind == "believed":
            return score_moved(move.before, move.after, _)
    return _("The score stays where it was.")


def score_moved(before: float | None, after: float | None, _: Translate) -> str:
    """Return how a score moved; three decimals where two would hide the move.

    Less than that is no move, as in the history: a part with a small share of a whole run can be
    measured anew without the score telling it.
    """
    decimals = 2
    if before is not None and after is not None:
        if round(before, 3) == round(after, 3):
            return _("The score stays at {score}.").format(score=f"{after:.3f}")
        if round(before, 2) == round(after, 2):
            decimals = 3
    shown = [
        "–" if value is None else score(value) if decimals == 2 else f"{value:.3f}"
        for value in (before, after)
    ]
    return _("The score moved: {before} → {after}.").format(before=shown[0], after=shown[1])
