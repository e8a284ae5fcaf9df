"""Adding papers: by id or address, by file, by a query; each becomes a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from analyzers.sources.arxiv_id import parse_arxiv_id
from app.errors import AssayError
from app.i18n import Translate
from app.web.components import access, context, work
from app.web.components.text import strong
from app.workflows.add import save_upload
from app.workflows.team import is_for_a_team

_MOST = 200
SUFFIXES = ["pdf", "md", "txt", "html", "htm"]
MAX_MB = 64
"""As the server's own limit has it."""


def adding(_: Translate) -> None:
    """Show the three ways to add papers; what is sent becomes one job."""
    if not access.offers("curate", _):
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _by_id(_)
    with right:
        _by_file(_)
    _by_query(_)


def _by_id(_: Translate) -> None:
    with st.form("add-ids", clear_on_submit=True, height="stretch"):
        st.markdown(strong(_("By arXiv id or address")))
        text = st.text_area(
            _("One per line"),
            key="add-text",
            placeholder="2410.02367\nhttps://arxiv.org/abs/2409.16997",
            height=110,
            max_chars=20_000,
        )
        sent = st.form_submit_button(_("Add"), type="primary")
    if sent:
        _submit(lambda: _ids(text or "", _), None, _)


def _by_file(_: Translate) -> None:
    with st.form("add-files", clear_on_submit=True, height="stretch"):
        st.markdown(strong(_("From files")))
        files = st.file_uploader(
            _("PDF, Markdown, text or HTML, up to {size} MB each").format(size=MAX_MB),
            type=SUFFIXES,
            accept_multiple_files=True,
            key="add-upload",
        )
        sent = st.form_submit_button(_("Add the files"), type="primary")
    if sent:
        _submit(lambda: _kept(files, _), None, _)


def _by_query(_: Translate) -> None:
    with (
        st.form("add-query", clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        query = st.text_input(
            _("By an arXiv query"),
            key="add-query-text",
            placeholder='cat:cs.LG AND abs:"KV cache"',
            max_chars=500,
        )
        sent = st.form_submit_button(_("Search and add"))
    if sent:
        _submit(list, (query or "").strip(), _)


def _ids(text: str, _: Translate) -> list[str]:
    found = list(dict.fromkeys(text.replace(",", " ").split()))
    if len(found) > _MOST:
        raise AssayError(_("At most {count} papers at once.").format(count=_MOST))
    if is_for_a_team():
        # One's own machine may be read by its paths; that of others by nobody's typing.
        for source in found:
            if parse_arxiv_id(source) is None:
                told = _("{source} is no arXiv id or address. Send files by the form beside it.")
                raise AssayError(told.format(source=source))
    return found


def _kept(files: Sequence[Any], _: Translate) -> list[str]:
    """Keep the files; what is wrong with one's content, its job says."""
    access.require("curate")
    try:
        return [str(save_upload(file.name, file.getvalue())) for file in files]
    except OSError as error:
        told = _("The file can't be kept in the papers folder: {why}.")
        raise AssayError(told.format(why=error.strerror or error)) from error


def _submit(sources: Callable[[], list[str]], query: str | None, _: Translate) -> None:
    with context.errors_shown():
        listed = sources()
        if not listed and not query:
            st.warning(_("Nothing to add yet: fill in the form first."))
            return
        spec: dict[str, Any] = {"sources": listed}
        if query:
            spec["query"] = query
        work.submit("add", spec)
