"""The inbox as a queue: one paper at a time, decided by a key or a click; each can be undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import home
from app.i18n import N_, Translate
from app.labels import label
from app.reports.text import short_name, shorten
from app.web.components import access, catalog, context, person
from app.web.components.cells import harmless_cells
from app.web.components.ranking_table import ADVICE_COLORS
from app.web.components.text import capital, clean, count, link, people, plain, strong
from app.workflows import inbox
from app.workflows.inbox import Queue
from app.workflows.settings import default_target

Row = dict[str, Any]
ButtonType = Literal["primary", "secondary", "tertiary"]

_AT = "at"
_INDEX = "_inbox_index"
_TROUBLE = "_inbox_trouble"
_SHOWN = 14
_BEFORE = 3
_LONGEST_TITLE = 300

DECIDED = {"keep": N_("Kept"), "reject": N_("Rejected"), "later": N_("Put off")}
_BUTTONS: tuple[tuple[str, str, str, ButtonType], ...] = (
    ("keep", N_("Keep"), "K", "primary"),
    ("reject", N_("Reject"), "X", "secondary"),
    ("later", N_("Later"), "L", "secondary"),
)


def load_queue() -> Queue:
    """Return the inbox as it stands."""

    def work() -> Queue:
        rows = catalog.ranking()
        with context.reading() as session:
            return inbox.queue(session, rows)

    question = (home.database_url(), default_target(), context.language())
    return catalog.kept("inbox", 2).answer(question, catalog.version(), work)


def triage(queue: Queue, _: Translate) -> None:
    """Show the paper whose turn it is, what can be decided about it, and the queue around it."""
    index = _current(queue)
    start = max(0, min(index - _BEFORE, len(queue) - _SHOWN))
    with context.reading() as session:
        shown = queue.rows(session, start, start + _SHOWN)
    if not shown:
        _end(_)
        _decision_row(None, index, queue, _)
        return
    row = shown[min(index - start, len(shown) - 1)]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        # Above the card, which is as long as its paper asks for: they stay where they are.
        _decision_row(row, index, queue, _)
        _card(row, index, queue, _)
    with right:
        _list(shown, start, index, queue, _)


def _current(queue: Queue) -> int:
    """Return the place of the paper whose turn it is: `?at=`, else where the person was."""
    ids = queue.ids
    if not ids:
        return 0
    asked = st.query_params.get(_AT)
    if asked in ids:
        index = ids.index(asked)
    else:
        index = min(int(st.session_state.get(_INDEX, 0)), len(ids) - 1)
    _go(ids[index], index)
    return index


def _go(paper_id: str | None, index: int) -> None:
    st.session_state[_INDEX] = max(0, index)
    if paper_id is None:
        st.query_params.pop(_AT, None)
    elif st.query_params.get(_AT) != paper_id:
        st.query_params[_AT] = paper_id


def _card(row: Row, index: int, queue: Queue, _: Translate) -> None:
    with context.reading() as session:
        claim = inbox.headline(session, row, context.language())
    with st.container(border=True, gap="small", key="inbox-card"):
        st.caption(plain(_place_in_queue(row, index, queue, _)))
        st.markdown(f"#### {plain(shorten(row['title'], _LONGEST_TITLE))}", anchors=False)
        st.caption(_origin(row, _))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            advice = row["recommendation"]
            st.badge(plain(label(advice, _)), color=ADVICE_COLORS[advice])
            st.markdown(strong(_would_be(queue, row, _)), width="content")
        st.markdown(plain(capital(row["why"])))
        if claim:
            st.markdown(plain(_("Claims {claim}.").format(claim=claim)))
        st.caption(plain(_facts(row, _)))


def _place_in_queue(row: Row, index: int, queue: Queue, _: Translate) -> str:
    told = _("{number} of {count} in the inbox").format(
        number=count(index + 1), count=count(len(queue))
    )
    if row["later"]:
        told += " · " + _("you put it off")
    return told


def _would_be(queue: Queue, row: Row, _: Translate) -> str:
    if queue.is_of_seed:
        told = _("would be rank {place} of {of} beside the papers of the first report")
    else:
        told = _("would be rank {place} of {of} on the shortlist")
    return told.format(place=count(row["place"]), of=count(row["of"]))


def _origin(row: Row, _: Translate) -> str:
    parts = [plain(people(row["authors"] or (), 4))]
    if row["published"]:
        parts.append(plain(row["published"]))
    if row["arxiv_id"]:
        name = f"{row['arxiv_id']}{row['version'] or ''}"
        parts.append(link(f"arXiv {name}", f"https://arxiv.org/abs/{name}"))
    if row["read"]:
        parts.append(plain(_("read: {level}").format(level=label(row["read"], _))))
    if row["watch"]:
        parts.append(plain(_("found by {watch}").format(watch=row["watch"])))
    return " · ".join(part for part in parts if part)


def _facts(row: Row, _: Translate) -> str:
    parts = [
        (_("technique"), label(row["technique"], _)),
        (_("complexity"), label(row["complexity"], _)),
        (_("relevance"), "" if row["relevance"] is None else f"{row['relevance']:.2f}"),
        (_("in the engine"), label(row["in_target"], _)),
        (_("rank in the catalog"), count(row["rank"])),
    ]
    return " · ".join(f"{name}: {value}" for name, value in parts if value)


def _decision_row(row: Row | None, index: int, queue: Queue, _: Translate) -> None:
    """Show the buttons, always the same ones in the same places: the focus stays where it is."""
    with context.reading() as session:
        last = inbox.last_decision(session)
    if row is None and last is None and _TROUBLE not in st.session_state:
        return
    may_decide = access.may_do("curate")
    with st.container(horizontal=True, gap="small", key="inbox-buttons"):
        if row is not None:
            for decision, name, key, kind in _BUTTONS:
                st.button(
                    _(name),
                    key=f"inbox-{decision}",
                    shortcut=key,
                    type=kind,
                    on_click=_decide,
                    args=(decision, row["paper_id"], index, queue),
                    disabled=not may_decide,
                )
            if st.button(_("Open"), key="inbox-open", shortcut="O"):
                st.switch_page("views/paper.py", query_params={"paper": row["paper_id"]})
        st.button(
            _("Undo"),
            key="inbox-undo",
            shortcut="U",
            disabled=last is None or not may_decide,
            on_click=_undo,
        )
    trouble = st.session_state.pop(_TROUBLE, "")
    if trouble:
        st.warning(plain(trouble))
    elif not access.offers("curate", _):  # which says so
        return
    elif last is not None:
        told = _("Last decision: {what} – {title}")
        what = _(DECIDED[last.decision])
        st.caption(plain(told.format(what=what, title=shorten(last.title, 60))))
    else:
        st.caption(plain(_("Every decision can be undone.")))


def _step_button(name: str, key: str, shortcut: str, to: int, queue: Queue) -> None:
    inside = 0 <= to < len(queue)
    st.button(
        name,
        key=key,
        shortcut=shortcut,
        type="tertiary",
        disabled=not inside,
        on_click=_go,
        args=(queue.waiting[to].paper_id if inside else None, to),
    )


def _decide(decision: str, paper_id: str, index: int, queue: Queue) -> None:
    try:
        with context.writing() as session:
            inbox.decide(session, paper_id, decision, who=person.current())
    except Exception as error:
        st.session_state[_TROUBLE] = context.sentence(error)
    rest = [waiting for waiting in queue.ids if waiting != paper_id]
    _go(rest[min(index, len(rest) - 1)] if rest else None, index)


def _undo() -> None:
    try:
        with context.writing() as session:
            undone = inbox.undo(session)
    except Exception as error:
        st.session_state[_TROUBLE] = context.sentence(error)
        return
    if undone is None:
        return
    if undone.is_restored:
        _go(undone.paper_id, int(st.session_state.get(_INDEX, 0)))
    else:
        _ = context.words()
        told = _("The status of {paper} was changed elsewhere since: it stays as it is.")
        st.session_state[_TROUBLE] = told.format(paper=undone.paper_id)


def _list(shown: list[Row], start: int, index: int, queue: Queue, _: Translate) -> None:
    """Show the queue around the paper whose turn it is; a click on a row goes there."""
    frame = pd.DataFrame(
        [
            {
                "turn": "▶" if start + number == index else "",
                "rank": row["rank"],
                "paper": clean(short_name(row["title"])),
                "advice": label(row["recommendation"], _),
                "later": _("later") if row["later"] else "",
            }
            for number, row in enumerate(shown)
        ]
    )
    key = f"inbox-list-{catalog.version()}-{index}"
    column = st.column_config

    def chosen() -> None:
        cells = st.session_state[key]["selection"]["cells"]
        if cells and 0 <= cells[0][0] < len(shown):
            _go(shown[cells[0][0]]["paper_id"], start + cells[0][0])

    st.dataframe(
        harmless_cells(frame),
        key=key,
        hide_index=True,
        on_select=chosen,
        selection_mode="single-cell",
        height="content",
        column_config={
            "turn": column.TextColumn("", width=24),
            "rank": column.NumberColumn("#", width=44, help=_("rank in the catalog")),
            "paper": column.TextColumn(_("Paper")),
            "advice": column.TextColumn(_("Recommendation"), width=120),
            "later": column.TextColumn("", width=50),
        },
        # The title last: where the window is narrow it is what runs out of it.
        column_order=("turn", "rank", *(("later",) if queue.later else ()), "advice", "paper"),
        alt=_("The papers of the inbox around this one, the best first"),
    )
    last = start + len(shown)
    told = _("{first} to {last} of {count}")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(
            plain(told.format(first=count(start + 1), last=count(last), count=count(len(queue)))),
            width="content",
        )
        _step_button(_("Previous"), "inbox-previous", "P", index - 1, queue)
        _step_button(_("Next"), "inbox-next", "N", index + 1, queue)


def _end(_: Translate) -> None:
    """Say that nothing waits, what was decided, and what to do next."""
    with context.reading() as session:
        decided = inbox.decided_today(session, datetime.now(UTC))
    if decided:
        told = _("The inbox is done: {kept} kept, {rejected} rejected in the last 12 hours.")
        st.success(
            plain(told.format(kept=decided.get("keep", 0), rejected=decided.get("reject", 0)))
        )
    else:
        st.info(
            plain(
                _(
                    "Nothing waits in the inbox. What a watch finds comes here, ranked against "
                    "the shortlist; papers that you add yourself do too."
                )
            )
        )
    with st.container(horizontal=True, gap="medium"):
        st.page_link("views/ranking.py", label=_("See the ranking"))
        st.page_link("views/add.py", label=_("Add papers"))
