"""The ranking's filters: a search box and a choice for each column of codes, all in the address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app.i18n import Translate
from app.labels import ADVICE, LEVELS, STATUSES, TECHNIQUES, VERDICTS, label
from app.web.components import catalog, url
from app.web.components.text import clean, folded, plain
from app.workflows.ranked import Ranking, Row
from app.workflows.settings import default_target
from db.queries.search import Found
from db.queries.search_matches import Matches


@dataclass(frozen=True, slots=True)
class View:
    """For which engine, by which device and in which order to rank."""

    target: str
    device: str
    order: str


def ranking_view(targets: Mapping[str, str], devices: Mapping[str, str], _: Translate) -> View:
    """Let the person choose the target, the device and the order."""
    target = url.choose(
        _("Engine"),
        "target",
        list(targets),
        lambda code: clean(targets[code]),
        default=default_target(),
        visibility="collapsed",
        width=130,
        help=_("The engine that the papers are ranked for."),
    )
    orders = {"expected": _("By expected score"), "safe": _("By safe score")}
    order = url.choose(
        _("Order"),
        "order",
        list(orders),
        orders.__getitem__,
        default="expected",
        visibility="collapsed",
        width=180,
    )
    device = url.choose(
        _("Device"),
        "device",
        ["", *devices],
        lambda code: clean(devices[code]) if code else _("All devices"),
        visibility="collapsed",
        width=230,
    )
    return View(target, device, order)


@dataclass(frozen=True, slots=True)
class Filtered:
    """The rows that pass, in their order; what was searched; whether few columns are wanted."""

    rows: Ranking
    text: str
    found: Mapping[str, Found]
    """Where the searched words stand, by paper."""
    few_columns: bool
    key: tuple[str, ...]
    """What was chosen."""

    def in_order_of(self, ranking: Ranking) -> Filtered:
        """Return the same choice of papers in another ranking's order."""
        return replace(self, rows=ranking.only(set(self.rows.chosen)))


def filtered(rows: Ranking, _: Translate) -> Filtered:
    """Show the filters and the choice of columns; return what is left to show."""
    sizes = {"": _("All columns"), "few": _("Fewer columns")}
    years = sorted({year for year in rows.columns.years if year}, reverse=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        text = url.search(
            _("Search"), "q", placeholder=_("Search titles, claims, texts"), width=205
        )
        chosen = {
            column: url.choose(
                name,
                column,
                ["", *codes],
                _named(anything, _),
                visibility="collapsed",
                width=width,
            )
            for column, name, anything, codes, width in (
                ("recommendation", _("Recommendation"), _("Any recommendation"), ADVICE, 180),
                ("verdict", _("Verdict"), _("Any verdict"), VERDICTS, 135),
                ("technique", _("Technique"), _("Any technique"), TECHNIQUES, 145),
                ("complexity", _("Complexity"), _("Any complexity"), LEVELS, 148),
                ("status", _("Status"), _("Any status"), STATUSES, 120),
                ("year", _("Year"), _("Any year"), years, 105),
            )
        }
        size = url.choose(
            _("Columns"),
            "columns",
            list(sizes),
            sizes.__getitem__,
            visibility="collapsed",
            width=135,
            help=_("Fewer columns fit a narrow window."),
        )
    found = (catalog.matching(text) if text else None) or {}
    ids = found.ids if isinstance(found, Matches) else found
    return Filtered(
        rows.only(matching(rows, catalog.names() if text else {}, text, ids, chosen))
        if text or any(chosen.values())
        else rows,
        text,
        found,
        size == "few",
        (text, *chosen.values()),
    )


PAGE = 100
"""Rows that are sent to the browser at once."""


def page_of(shown: Filtered, _: Translate) -> list[Row]:
    """Let the person turn pages where there are more than one; return the rows of this one."""
    total = len(shown.rows)
    is_other = st.session_state.get("_filtered", shown.key) != shown.key
    st.session_state["_filtered"] = shown.key
    if total <= PAGE:
        st.query_params.pop("from", None)
        return shown.rows[:]
    first = url.page("from", total, PAGE, begin=is_other)  # other filters: their first page
    last = min(first + PAGE - 1, total)
    told = _("{first}–{last} of {total}").format(
        first=f"{first:,}", last=f"{last:,}", total=f"{total:,}"
    )
    st.caption(plain(told), width="content")
    return shown.rows[first - 1 : last]


def matching(
    rows: Ranking,
    names: Mapping[str, str],
    text: str,
    found: Collection[str],
    chosen: Mapping[str, str],
) -> set[int]:
    """Return the places of the papers that have every choice and are found by the text.

    Those that the search found are; of others every word has to be in what `names` calls them:
    title, authors, ids, folded.
    """
    columns = rows.columns
    numbers: Iterable[int] = rows.chosen
    for column, code in chosen.items():
        if code:
            codes = columns.years if column == "year" else columns.codes[column]
            numbers = [number for number in numbers if codes[number] == code]
    if not text:
        return set(numbers)
    words, ids = folded(text).split(), columns.paper_ids
    return {
        number
        for number in numbers
        if ids[number] in found or all(word in names.get(ids[number], "") for word in words)
    }


def _named(anything: str, _: Translate) -> Callable[[str], str]:
    return lambda code: label(code, _) if code else anything
