"""The data folder: where it is, what it holds, a backup of the catalog; the usual language."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.i18n import LANGUAGES, Translate
from app.web.components import access, context, flash
from app.web.components.text import clean, plain, strong
from app.workflows import settings
from app.workflows.data_folder import KINDS, back_up, backups, usage
from db.dialects import POSTGRES


def data_folder(_: Translate) -> None:
    """Show where everything is and how large it is, and what can be done with it."""
    left, right = st.columns([6, 5], gap="large")
    with left:
        _folder(_)
    with right:
        _backup(_)
        _language(_)


def _folder(_: Translate) -> None:
    held = usage()
    st.subheader(_("Data folder"), anchor=False)
    st.code(clean(held.folder), language=None, wrap_lines=True)
    told = _("{size} in all, {free} free on this disk. ASSAY_HOME moves the folder.")
    st.caption(plain(told.format(size=_size(held.total), free=_size(held.free))))
    st.table(
        pd.DataFrame(
            [
                {
                    _("What"): plain(_(KINDS[kind])),
                    _("Size"): plain(_size(size)),
                    _("Files"): plain(count),
                }
                for kind, (size, count) in held.sizes.items()
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("What the data folder holds"),
    )


def _backup(_: Translate) -> None:
    st.subheader(_("Backup"), anchor=False)
    if context.engine().dialect.name == POSTGRES:
        told = _(
            "A copy of the catalog, made while it is in use. To restore one, make a new database "
            "and fill it by pg_restore (docs/catalog.md)."
        )
    else:
        told = _(
            "A copy of the catalog, made while it is in use. To restore one, close Assay, copy "
            "it over assay.db, and delete assay.db-wal and assay.db-shm beside it."
        )
    st.caption(plain(told))
    if access.may_do("run") and st.button(_("Back up the catalog"), key="backup"):
        with context.errors_shown():
            access.act("run", "backup")
            made = back_up(context.engine())
            flash.say_after_rerun(_("The backup is {file}.").format(file=made))
            st.rerun()
    for name, size in backups()[:5]:
        st.markdown(f"- {plain(name)} ({plain(_size(size))})")


def _language(_: Translate) -> None:
    st.subheader(_("Language"), anchor=False)
    codes = ["", *LANGUAGES]
    held = settings.settings().language
    chosen = st.selectbox(
        _("Language of the workbench when it opens"),
        codes,
        index=codes.index(held),
        format_func=lambda code: LANGUAGES.get(code) or _("the browser's"),
        key="usual-language",
        disabled=not access.may_do("curate"),
    )
    if chosen != held:
        with context.errors_shown():
            access.act("curate", "settings", f"language = {chosen}")
            settings.change(language=chosen or "")
            if chosen:
                context.set_language(chosen)
            flash.say_after_rerun(_("Saved."))
            st.rerun()
    st.markdown(strong(_("Command line")))
    st.caption(plain(_("There the variable ASSAY_LANG and the option --lang choose the language.")))


def _size(size: int) -> str:
    if size < 2**10:
        return f"{size} B"
    for limit, unit in ((2**20, "KB"), (2**30, "MB")):
        if size < limit:
            return f"{size / (limit / 2**10):.1f} {unit}"
    return f"{size / 2**30:.1f} GB"
