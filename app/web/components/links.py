"""Which prototypes test the paper, what of it they test, and the form that links or unlinks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.web.components import access, context, flash, person
from app.web.components.text import moment, plain, strong
from app.workflows.correct import set_facts
from app.workflows.undo import newest
from db.queries.prototype_links import LINK, LINKED, UNLINKED

Record = Mapping[str, Any]


def links(paper_id: str, listed: Sequence[Record], _: Translate) -> None:
    """Show `prototype_links`' records, and let the person link or unlink a prototype."""
    for link in listed:
        if link["linked"]:
            st.markdown(_line(link, _))
    if not listed or not access.may_do("curate"):
        return
    with st.expander(_("Link or unlink a prototype")):
        _form(paper_id, {link["prototype"]: link for link in listed}, _)


def _line(link: Record, _: Translate) -> str:
    if link["claims"]:
        tests = _("tests: {claims}").format(claims=", ".join(link["claims"]))
    else:
        tests = _("no claim that it tests: its runs count in the score, but they give no verdict")
    by = ""
    if link["by"] == "person":
        by = _("linked by {who}, {when}: {why}").format(
            who=link["who"], when=moment(link["at"]), why=link["why"]
        )
    return strong(link["prototype"]) + " " + plain(_("; ").join(t for t in (tests, by) if t))


def _form(paper_id: str, by_name: Mapping[str, Record], _: Translate) -> None:
    name = st.selectbox(_("Prototype"), list(by_name), key="link-prototype", width=260)
    if name not in by_name:
        return
    is_linked = by_name[name]["linked"]
    with st.form(f"link-{paper_id}-{name}", border=False):
        why = st.text_input(
            _("Why"), key=f"link-why-{paper_id}-{name}", placeholder=_("What shows it?")
        )
        who = person.name_input(f"link-who-{paper_id}-{name}", _)
        sent = st.form_submit_button(
            _("Unlink {prototype}").format(prototype=plain(name))
            if is_linked
            else _("Link {prototype}").format(prototype=plain(name))
        )
    if sent:
        with context.errors_shown():
            _save(paper_id, name, UNLINKED if is_linked else LINKED, (why or "").strip(), who, _)


def _save(paper_id: str, name: str, word: str, why: str, who: str, _: Translate) -> None:
    if not why or not who:
        st.error(plain(_("A correction needs a reason and a name: fill in both.")))
        return
    field = LINK + name
    with context.writing() as session:
        moves = set_facts(session, paper_id, {field: word}, why=why, who=who)
        undo = newest(session, paper_id, [field])
    person.remember(who)
    told = _("Linked: {prototype}.") if word == LINKED else _("Unlinked: {prototype}.")
    flash.say_after_rerun(
        told.format(prototype=name) + " " + flash.moved(moves, paper_id, _), undo=undo
    )
    st.rerun()
