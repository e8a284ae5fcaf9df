"""What came of a job, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from analyzers.errors import reason_of
from app.i18n import Translate
from app.labels import say
from app.web.components import context, flash
from app.web.components.text import plain, ratio, strong

Outcome = Mapping[str, Any]

_MOST = 30


def outcome(kind: str, record: Outcome, _: Translate) -> None:
    """Show a job's outcome; nothing for a kind or an outcome that has none."""
    show = _KINDS.get(kind)
    if show and record:
        show(record, _)


def _benchmark(record: Outcome, _: Translate) -> None:
    lines = [
        flash.score_moved(score["before"], score["after"], _) for score in record.get("scores", ())
    ]
    for run in record.get("runs", ()):
        if run.get("speedup") is None and run.get("status") not in (None, "ok"):
            lines.append(f"{run['case']}: {run['status']}")
    best = [run["speedup"] for run in record.get("runs", ()) if run.get("speedup")]
    if best:
        lines.append(
            _("Against the strongest baseline: {low} to {high}.").format(
                low=ratio(min(best)), high=ratio(max(best))
            )
        )
    if lines:
        st.caption(plain(" ".join(lines)))
    for reason in record.get("rejected", ()):
        st.caption(plain(reason))


def _added(record: Outcome, _: Translate) -> None:
    headings = (
        ("added", _("Added")),
        ("updated", _("Read again")),
        ("known", _("There already")),
    )
    for name, heading in headings:
        papers = record.get(name) or ()
        if not papers:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(heading)}**", width="content")
            for paper_id in papers[:_MOST]:
                st.page_link(
                    "views/paper.py", label=plain(paper_id), query_params={"paper": paper_id}
                )
            if len(papers) > _MOST:
                st.caption(_("and {count} more").format(count=len(papers) - _MOST))
    failed = record.get("failed") or ()
    if failed:
        st.markdown(strong(_("Not added")))
        for failure in failed[:_MOST]:
            told = say(reason_of(failure), context.language())
            st.caption(f"**{plain(_source(failure))}**: {plain(told)}")


def _watched(record: Outcome, _: Translate) -> None:
    for run in record.get("runs", ()):
        new = [paper["paper_id"] for paper in run["new"]]
        newer = [version["paper_id"] for version in run["versions"]]
        # What was read by its abstract only came in, too; `_added` tells the reasons of the rest.
        _added({"added": new, "updated": newer, "failed": run["failed"]}, _)


def _source(failure: Outcome) -> str:
    """Return a source as the person knows it: an upload's name without what made it unique."""
    return re.sub(r"^[0-9a-f]{12}-", "", str(failure["source"]).rsplit("/", 1)[-1])


_KINDS: dict[str, Callable[[Outcome, Translate], None]] = {
    "benchmark": _benchmark,
    "add": _added,
    "watch": _watched,
}
