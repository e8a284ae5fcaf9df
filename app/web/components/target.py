"""The engine on the settings page: choose it, use it, undo an edit, make one of one's own."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import say
from app.web.components import access, context, flash, person, url
from app.web.components.target_edit import editor
from app.web.components.text import clean, moment, plain
from app.workflows.target_fields import Changed, told_in
from app.workflows.targets import (
    TargetView,
    create_target,
    list_targets,
    notice_hand_edits,
    show_target,
    undo_edit,
    use_target,
)


def target(_: Translate) -> None:
    """Show a target with everything that can be done about it."""
    if may_change := access.may_do("curate"):
        with context.writing() as session:
            notice_hand_edits(session)
    views = {view.name: view for view in list_targets(context.language())}
    usual = next((view.name for view in views.values() if view.is_default), "llama.cpp")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = url.choose(
            _("Engine"), "engine", list(views), lambda code: clean(views[code].title),
            default=usual, width=190,
        )  # fmt: skip
        if may_change:
            _actions(views[name], _)
            _own(name, views, _)
    view = views[name]
    st.caption(plain(_origin(view, _)))
    if view.problem is not None:
        st.error(plain(say(view.problem, context.language())))
        st.caption(plain(_("Take back the last edit, or fix the file.")))
        return
    record = show_target(name)
    editor(name, record, _)
    _log(record["edits"], _)


def _actions(view: TargetView, _: Translate) -> None:
    if view.is_default:
        st.button(_("In use"), key="target-used", disabled=True)
    elif st.button(_("Use this engine"), key="target-use", type="primary"):
        with context.errors_shown():
            access.act("curate", "target", view.name)
            with context.writing() as session:
                use_target(session, view.name, who=person.current() or "–")
            flash.say_after_rerun(
                _("Papers are ranked for {engine} now.").format(engine=view.title)
            )
            st.rerun()
    if view.edits and st.button(
        _("Undo the last edit ({count})").format(count=view.edits), key="target-undo"
    ):
        with context.errors_shown():
            with context.writing() as session:
                moves = undo_edit(session, view.name, who=person.current() or "–")
            moved = len({move.paper_id for move in moves})
            flash.say_after_rerun(
                _("Taken back.") + " " + _("Papers whose score moved: {count}.").format(count=moved)
            )
            st.rerun()


def _own(name: str, views: dict[str, TargetView], _: Translate) -> None:
    with (
        st.popover(_("Make your own")),
        st.form("target-new", border=False, clear_on_submit=True),
    ):
        st.caption(plain(_("It begins as {engine}.").format(engine=views[name].title)))
        wanted = st.text_input(
            _("Name"), key="target-new-name", placeholder="our-fork", max_chars=40
        )
        if st.form_submit_button(_("Create it")):
            with context.errors_shown():
                made = (wanted or "").strip()
                access.act("curate", "target", made)
                create_target(made, name, who=person.current() or "–")
                flash.say_after_rerun(_("Made {name}.").format(name=made))
                st.query_params["engine"] = made
                st.rerun()


def _origin(view: TargetView, _: Translate) -> str:
    told = {
        "shipped": _("As it ships with Assay."),
        "edited": _("Ships with Assay, with edits of yours on top."),
        "own": _("Your own."),
    }[view.origin]
    kept = _("Edits are kept in {file} of the data folder.")
    return told + " " + kept.format(file=f"targets/{view.name}.toml")


def _log(edits: list[dict[str, Any]], _: Translate) -> None:
    if not edits:
        return
    st.subheader(_("Edits"), anchor=False)
    st.table(
        pd.DataFrame(
            [
                {
                    _("When"): plain(moment(edit.get("at"))),
                    _("Who"): plain(edit.get("who", "")),
                    _("What"): plain(_what(edit, _)),
                    _("Why"): plain(edit.get("why", "")),
                }
                for edit in reversed(edits)
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("Edits of this engine, the newest first"),
    )


def _what(edit: dict[str, Any], _: Translate) -> str:
    changes = [Changed(c["field"], c["before"], c["after"]) for c in edit.get("changes", ())]
    return told_in(changes, context.language()) if changes else _("made")
