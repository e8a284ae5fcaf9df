"""Watches on a page: add one, run it, let it rest, remove it; its last result and its next date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analyzers.errors import reason_of
from app import home
from app.i18n import N_, Translate
from app.labels import say
from app.web.components import access, catalog, context, flash, work
from app.web.components.text import clean, moment, plain
from app.workflows.digest import MEDIA_TYPES, write_digest
from app.workflows.watch import list_watches
from db.queries import watches as queries

Watch = Mapping[str, Any]

EVERY = {"day": N_("every day"), "week": N_("every week")}
_REMOVED = "_removed_watch"


def watches(_: Translate) -> None:
    """Show the watches and the form for one more."""
    with context.reading() as session:
        listed = list_watches(session)
    _offer_undo(_)
    if not listed:
        st.caption(plain(_("There is no watch yet.")))
    for watch in listed:
        _watch(watch, _)
    if access.may_do("curate"):
        with st.expander(_("Add a watch"), expanded=not listed):
            _form(_)


def digests(_: Translate) -> None:
    """Offer the digest to download, in both formats."""
    files = {"md": (_("Digest (Markdown)"), "md"), "atom": (_("Digest (Atom)"), "atom")}
    for name, (label, ending) in files.items():
        st.download_button(
            label,
            data=_digest(home.database_url(), catalog.version(), name, context.language()),
            file_name=f"assay-digest.{ending}",
            mime=MEDIA_TYPES[name],
            on_click="ignore",
            key=f"digest-{name}",
        )


@st.cache_data(show_spinner=False, max_entries=8)
def _digest(url: str, catalog_version: int, name: str, language: str) -> bytes:
    ranked = catalog.ranking()
    with context.reading() as session:
        return write_digest(session, format=name, language=language, ranked=ranked)


def _watch(watch: Watch, _: Translate) -> None:
    with st.container(border=True, gap="xsmall", key=f"watch-{clean(watch['name'])}"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            state, color = _state(watch, _)
            st.markdown(
                f"**{plain(watch['name'])}** :{color}-badge[{plain(state)}] "
                f":small[{plain(watch['query'])}]",
                width="stretch",
            )
            if access.may_do("curate"):
                _buttons(watch, _)
        st.caption(plain(_last(watch, _)))


def _state(watch: Watch, _: Translate) -> tuple[str, str]:
    if watch["paused"]:
        return _("paused"), "gray"
    rhythm = EVERY[watch["every"]]
    every = _(rhythm)
    if watch["failures"]:
        told = _("{every} · failures in a row: {count}")
        return told.format(every=every, count=watch["failures"]), "red"
    return every, "blue"


def _last(watch: Watch, _: Translate) -> str:
    result = watch["result"]
    if result is None:
        told = _("Not asked yet.")
    else:
        told = moment(watch["asked_at"]) + ": "
        if result["state"] != "failed":
            told += _("{found} found, {new} new, {versions} new versions.").format(
                found=result["found"], new=len(result["new"]), versions=len(result["versions"])
            )
        if result["left"]:
            told += " " + _("{count} more wait for the next time.").format(count=result["left"])
        if result["failed"]:
            told += " " + _("{count} could not be read.").format(count=len(result["failed"]))
        if result["error"]:
            told += " " + say(reason_of(result["error"]), context.language())
    if watch["next_at"]:
        told += " " + _("Next: {when}.").format(when=moment(watch["next_at"]))
    return told


def _buttons(watch: Watch, _: Translate) -> None:
    name = watch["name"]
    with st.container(horizontal=True, gap="small", width="content"):
        st.button(_("Run now"), key=f"run-{name}", on_click=_run, args=(name,))
        st.button(
            _("Resume") if watch["paused"] else _("Pause"),
            key=f"pause-{name}",
            on_click=_pause,
            args=(name, not watch["paused"]),
        )
        st.button(
            _("Remove"), key=f"remove-{name}", type="tertiary", on_click=_remove, args=(name,)
        )


def _run(name: str) -> None:
    with context.errors_shown():
        work.submit("watch", {"names": [name]})


def _pause(name: str, paused: bool) -> None:
    with context.errors_shown():
        access.act("curate", "watches", name)
        with context.writing() as session:
            queries.set_paused(session, name, paused)


def _remove(name: str) -> None:
    with context.errors_shown():
        access.act("curate", "watches", name)
        with context.writing() as session:
            queries.remove(session, name)
        st.session_state[_REMOVED] = name


def _offer_undo(_: Translate) -> None:
    name = st.session_state.get(_REMOVED)
    if not name:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = _("The watch {name} is removed; its papers stay.").format(name=name)
        st.markdown(plain(told), width="content")
        st.button(_("Take it back"), key="watch-restore", on_click=_restore, args=(name,))


def _restore(name: str) -> None:
    st.session_state.pop(_REMOVED, None)
    with context.errors_shown():
        access.act("curate", "watches", name)
        with context.writing() as session:
            queries.restore(session, name)


def _form(_: Translate) -> None:
    with st.form("watch-add", clear_on_submit=False, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                _("Name"), key="watch-name", max_chars=queries.LONGEST_NAME, width=180
            )
            query = st.text_input(
                _("arXiv query"),
                key="watch-query",
                placeholder='abs:"KV cache" AND cat:cs.LG',
                max_chars=queries.LONGEST_QUERY,
            )
            every = st.selectbox(
                _("How often"),
                queries.EVERY,
                format_func=lambda code: _(EVERY[code]),
                key="watch-every",
                width=130,
            )
            most = st.number_input(
                _("Papers at a time"), 1, queries.MOST, 25, key="watch-most", width=140
            )
        sent = st.form_submit_button(_("Save the watch"))
    if sent:
        _add(name or "", query or "", every, int(most), _)


def _add(name: str, query: str, every: str, most: int, _: Translate) -> None:
    with context.errors_shown():
        access.act("curate", "watches", name)
        with context.writing() as session:
            saved = queries.add(session, name, query, every=every, most=most).name
        st.session_state.pop(_REMOVED, None)
        work.submit("watch", {"names": [saved]})
        told = _("Watching {name}: arXiv is being asked for the first time.").format(name=saved)
        flash.say_after_rerun(told)
        st.rerun()
