"""Runs from elsewhere and for elsewhere: upload run documents, download a selection."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app.actor import acting
from app.i18n import Translate
from app.web.components import access, bench_data, context, flash
from app.web.components.adding import MAX_MB
from app.web.components.bench_runs import chosen_runs
from app.web.components.text import plain, strong
from app.workflows.benchmark import ImportSummary, import_run_contents

_TOLD = "_bench_import"
_MOST_PROBLEMS = 50


def files(_: Translate) -> None:
    """Show import above export."""
    _import(_)
    st.subheader(_("Export"), anchor=False)
    _export(_)


def _import(_: Translate) -> None:
    if not access.offers("run", _):
        return
    with st.form("bench-import", clear_on_submit=True):
        st.markdown(strong(_("Take in runs that were measured elsewhere")))
        st.caption(plain(_("There: python -m prototypes run NAME --device cuda --out runs.json")))
        uploads = st.file_uploader(
            _("Run documents (JSON), up to {size} MB each").format(size=MAX_MB),
            # Any name: what a file is, its content says, and each wrong one gets its sentence.
            accept_multiple_files=True,
            key="bench-upload",
        )
        sent = st.form_submit_button(_("Import"), type="primary")
    if sent:
        if not uploads:
            st.warning(_("Choose a file first."))
            return
        with context.errors_shown():
            who = access.act("run", "import", ", ".join(upload.name for upload in uploads))
            with acting(who):
                summary = import_run_contents(
                    context.engine(), [(upload.name, upload.getvalue()) for upload in uploads]
                )
            st.session_state[_TOLD] = told(summary, _)
            st.rerun()  # so that every figure on the page is the new one
    done, problems = st.session_state.pop(_TOLD, ("", []))
    if done:
        (st.warning if problems else st.success)(plain(done))
    for problem in problems:
        st.error(plain(problem))


def told(summary: ImportSummary, _: Translate) -> tuple[str, list[str]]:
    """Return what an import did in a sentence or two, and a sentence for each thing wrong."""
    parts = [
        _("{added} runs added, {known} known already.").format(
            added=summary.added, known=summary.known
        )
    ]
    for move in summary.moves:
        if move.kind == "believed":
            parts.append(f"{move.paper_id}: {flash.score_moved(move.before, move.after, _)}")
    problems = [problem.say(_) for problem in summary.problems]
    if len(problems) > _MOST_PROBLEMS:
        more = _("and {count} more").format(count=len(problems) - _MOST_PROBLEMS)
        problems = [*problems[:_MOST_PROBLEMS], more]
    return " ".join(parts), problems


def _export(_: Translate) -> None:
    chosen = chosen_runs(_)
    if not chosen:
        st.info(_("No run matches. Loosen a filter, measure, or import runs."))
        return
    st.download_button(
        _("Download {count} runs").format(count=len(chosen)),
        data=bench_data.run_file([run["id"] for run in chosen]),
        file_name=f"assay-runs-{date.today().isoformat()}.json",
        mime="application/json",
        on_click="ignore",
        key="bench-export",
    )
    st.caption(
        plain(
            _("The file holds everything, raw samples included; importing it gives the same runs.")
        )
    )
