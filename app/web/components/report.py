"""The priority report on a page: preview, download, and the reports that were kept."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app import home
from app.i18n import LANGUAGES, Translate, pick
from app.reports.formats import load_format
from app.web.components import access, catalog, context, flash, url
from app.web.components.text import plain
from app.workflows.report import FORMATS, list_snapshots, render, save_snapshot
from app.workflows.settings import default_target

Record = Mapping[str, Any]

_PREVIEW_HEIGHT = 760
_LAID_OUT = ("docx", "pdf")
"""Formats that are laid out from the HTML, which is shown in their place."""
_PREVIEW_LETTERS = 150_000
_HIGHLIGHTED = {"md": "markdown", "json": "json", "bibtex": "latex"}


def report_options(_: Translate) -> tuple[str, str, str, str]:
    """Let the person choose language, format, the report to compare with ("" the last), engine."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        own = context.language()
        language = url.choose(
            _("Language of the report"), "in", list(LANGUAGES), LANGUAGES.__getitem__,
            default=own, width=170,
        )  # fmt: skip
        chosen = url.choose(
            _("Format"), "format", list(FORMATS), lambda code: load_format(code).title,
            default="html" if "html" in FORMATS else FORMATS[0], width=170,
        )  # fmt: skip
        titles = catalog.targets()
        target = url.choose(
            _("Engine"), "target", list(titles), titles.__getitem__,
            default=default_target(), width=150,
        )  # fmt: skip
        names = {
            kept["id"]: pick(kept["title"], context.language())
            for kept in snapshots()
            if kept["target"] == target
        }
        other = _("The last report made from other data")
        since = url.choose(
            _("Compared with"), "since", ["", *names],
            lambda code: f"{names[code]} ({code})" if code else other,
            width=330,
        )  # fmt: skip
        _download(language, chosen, since, target, _)
    return language, chosen, since, target


def _download(language: str, chosen: str, since: str, target: str, _: Translate) -> None:
    written = load_format(chosen)
    st.download_button(
        _("Download"),
        data=rendered(language, chosen, since, target),
        file_name=f"assay-report-{date.today().isoformat()}-{language}.{written.suffix.lstrip('.')}",
        mime=written.media_type,
        type="primary",
        on_click="ignore",
        key="report-download",
    )


def preview(language: str, chosen: str, since: str, target: str, _: Translate) -> None:
    """Show the report as it will be downloaded."""
    if chosen in _LAID_OUT:
        st.info(_("Word and PDF hold what this page shows: download it."))
    content = rendered(language, "html" if chosen in _LAID_OUT else chosen, since, target)
    if chosen == "html" or chosen in _LAID_OUT:
        # A data address has an origin of its own: nothing in it reaches the workbench.
        address = "data:text/html;charset=utf-8;base64," + base64.b64encode(content).decode()
        st.iframe(address, height=_PREVIEW_HEIGHT, alt=_("Preview of the report"))
        return
    text = content.decode("utf-8-sig")
    if len(text) > _PREVIEW_LETTERS:
        st.caption(_("The preview shows the first part only; the download has all of it."))
    st.code(
        text[:_PREVIEW_LETTERS],
        language=_HIGHLIGHTED.get(chosen),
        wrap_lines=True,
        height=_PREVIEW_HEIGHT,
    )


def kept_reports(target: str, _: Translate) -> None:
    """Show the reports that were kept, and the button that keeps today's for an engine."""
    if access.may_do("curate") and st.button(
        _("Save today's ranking as a report"), key="report-keep"
    ):
        with context.errors_shown():
            access.act("curate", "report", target)
            with context.writing() as session:
                kept = save_snapshot(session, target=target)
            flash.say_after_rerun(_("Saved as {name}.").format(name=kept))
            st.rerun()
    listed: Sequence[Record] = snapshots()
    st.table(
        pd.DataFrame(
            [
                {
                    _("Date"): plain(snapshot["date"]),
                    _("Report"): plain(pick(snapshot["title"], context.language())),
                    _("Papers"): plain(snapshot["papers"]),
                    _("Name"): plain(snapshot["id"]),
                }
                for snapshot in listed
            ]
        ),
        hide_index=True,
        border="horizontal",
        width="content",
        alt=_("Saved reports, the newest first"),
    )


def snapshots() -> list[dict[str, Any]]:
    """Return the reports that were kept, the newest first."""
    return _snapshots(home.database_url(), catalog.version())


@st.cache_data(show_spinner=False, max_entries=8)
def _snapshots(address: str, version: int) -> list[dict[str, Any]]:
    with context.reading() as session:
        return list_snapshots(session)


def rendered(language: str, chosen: str, since: str, target: str) -> bytes:
    """Return the report's bytes, made once for each state of the catalog."""
    return _rendered(home.database_url(), catalog.version(), language, chosen, since, target)


@st.cache_data(show_spinner=False, max_entries=16)
def _rendered(
    address: str, version: int, language: str, chosen: str, since: str, target: str
) -> bytes:
    with context.reading() as session:
        return render(session, format=chosen, language=language, since=since or None, target=target)
