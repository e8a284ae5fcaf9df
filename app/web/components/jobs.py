"""Jobs on a page: one flat fragment that looks again only while something runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from app import jobs
from app.i18n import Translate
from app.jobs import JobView
from app.web.components import context, flash, work
from app.web.components.outcomes import outcome
from app.web.components.text import duration, moment, plain

Details = Literal["page", "here", "none"]

POLL_S = 2.0
"""A benchmark may be running on this machine: looking more often would spoil it."""

_SIGNS = {"failed": "red", "timed_out": "red", "lost": "orange", "succeeded": "green"}


def live_jobs(
    wanted: Callable[[JobView], bool],
    _: Translate,
    *,
    ended: int,
    nothing: str | None = None,
    details: Details = "page",
) -> None:
    """Show the jobs that run or wait and the `ended` newest that are over; follow them.

    When the last of them ends, the whole page runs once more and shows what came of it. `nothing`
    is said where there is none; `details` says how one opens a job: on the page of jobs, here (on
    that page), or not at all.
    """
    followed = {view.id for view in _find(wanted, ended) if view.is_active}

    @st.fragment(run_every=POLL_S if followed else None)
    def panel() -> None:
        with context.errors_shown():
            views = _find(wanted, ended)
            if not views and nothing:
                st.info(plain(nothing))
            for view in views:
                job_card(view, _, details=details)
            active = {view.id for view in views if view.is_active}
            if followed and not active:
                _tell_end(views, followed, _)
            if active - followed or (followed and not active):
                st.rerun()  # one more job to follow, or none: the page must know

    panel()


def _find(wanted: Callable[[JobView], bool], ended: int) -> list[JobView]:
    views = jobs.describe_all(context.engine(), context.language())
    found = [view for view in views if wanted(view)]
    active = [view for view in found if view.is_active]
    return active + [view for view in found if not view.is_active][:ended]


def _tell_end(views: Sequence[JobView], followed: set[str], _: Translate) -> None:
    for view in views:
        if view.id in followed:
            told = f"{view.title}: {view.state_text}. {_score_moves(view, _)}"
            flash.say_after_rerun(told.strip(), good=view.state == "succeeded")


def _score_moves(view: JobView, _: Translate) -> str:
    scores = view.outcome.get("scores", ())
    if len(scores) != 1:
        return ""
    return flash.score_moved(scores[0]["before"], scores[0]["after"], _)


def job_card(view: JobView, _: Translate, *, details: Details = "page") -> None:
    """Show one job: what it is, how far it is, what came of it, and what can be done about it."""
    with st.container(border=True, gap="xsmall", key=f"job-{view.id}"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            color = _SIGNS.get(view.state, "gray")
            st.markdown(
                f"**{plain(view.title)}** :{color}-badge[{plain(view.state_text)}] "
                f":small[{plain(_times(view, _))}]",
                width="stretch",
            )
            _buttons(view, _, details)
        if view.state == "running":
            text = plain(view.text or _("at work"))
            if view.fraction is None:
                st.caption(text)
            else:
                st.progress(view.fraction, text=text)
        elif view.error or view.text:
            st.caption(plain(view.text or view.error))
        if not view.is_active:
            outcome(view.kind, view.outcome, _)


def _times(view: JobView, _: Translate) -> str:
    told = _durations(view, _)
    if view.asked_by is None:
        return told
    return told + " · " + _("asked for by {who}").format(who=view.asked_by)


def _durations(view: JobView, _: Translate) -> str:
    if view.state == "queued":
        place = _("{position} in the queue").format(position=view.position or 1)
        return f"{place} · {duration(view.elapsed_s)}"
    shown = duration(view.elapsed_s)
    if view.ended_at:
        return f"{shown} · {moment(view.ended_at)}"
    if view.left_s is None:
        return shown
    return _("{elapsed} · about {left} left").format(elapsed=shown, left=duration(view.left_s))


def _buttons(view: JobView, _: Translate, details: Details) -> None:
    may_ask = work.may_ask_for(view.kind)
    if view.can_cancel and may_ask:
        st.button(
            _("Cancel"),
            key=f"cancel-{view.id}",
            on_click=_guarded,
            args=(work.cancel, view.kind, view.id),
        )
    if view.can_retry and may_ask:
        st.button(
            _("Retry"),
            key=f"retry-{view.id}",
            on_click=_guarded,
            args=(work.retry, view.kind, view.id),
        )
    if details == "page":
        st.page_link("views/jobs.py", label=_("Details"), query_params={"job": view.id})
    elif details == "here" and st.button(_("Details"), key=f"details-{view.id}", type="tertiary"):
        st.query_params["job"] = view.id
        st.rerun()


def _guarded(action: Callable[[str, str], object], kind: str, job_id: str) -> None:
    with context.errors_shown():
        action(kind, job_id)
