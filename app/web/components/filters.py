"""The ranking's filters: a search box and a choice for each column of codes, all in the address."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import ADVICE, LEVELS, STATUSES, TECHNIQUES, VERDICTS, label
from app.web.components import url
from app.web.components.text import clean
from app.workflows.settings import default_target

Row = Mapping[str, Any]


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
    """The rows that pass, in their order, and whether all columns are wanted or the few."""

    rows: list[Row]
    few_columns: bool


def filtered(rows: Sequence[Row], _: Translate) -> Filtered:
    """Show the filters and the choice of columns; return what is left to show."""
    sizes = {"": _("All columns"), "few": _("Fewer columns")}
    with st.container(horizontal=True, vertical_alignment="center"):
        text = url.search(_("Search"), "q", placeholder=_("Search titles, authors, ids"), width=225)
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
                ("recommendation", _("Recommendation"), _("Any recommendation"), ADVICE, 190),
                ("verdict", _("Verdict"), _("Any verdict"), VERDICTS, 165),
                ("technique", _("Technique"), _("Any technique"), TECHNIQUES, 170),
                ("complexity", _("Complexity"), _("Any complexity"), LEVELS, 160),
                ("status", _("Status"), _("Any status"), STATUSES, 140),
            )
        }
        size = url.choose(
            _("Columns"),
            "columns",
            list(sizes),
            sizes.__getitem__,
            visibility="collapsed",
            width=145,
            help=_("Fewer columns fit a narrow window."),
        )
    return Filtered([row for row in rows if matches(row, text, chosen)], size == "few")


def matches(row: Row, text: str, chosen: Mapping[str, str]) -> bool:
    """Whether a row has every word of `text` and every chosen code."""
    if any(code and row.get(column) != code for column, code in chosen.items()):
        return False
    if not text:
        return True
    places = _folded(_searched(row))
    return all(word in places for word in _folded(text).split())


def _searched(row: Row) -> str:
    authors: Iterable[object] = row.get("authors") or ()
    return " ".join(
        str(part) for part in (row["title"], row["paper_id"], row["arxiv_id"], *authors)
    )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _named(anything: str, _: Translate) -> Callable[[str], str]:
    return lambda code: label(code, _) if code else anything
