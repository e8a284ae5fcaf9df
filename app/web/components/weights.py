"""Sliders for the four criteria, and how firm the order is that they give."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import home
from app.i18n import Translate
from app.labels import CRITERIA as CRITERION_LABELS
from app.reports.text import short_name
from app.web.components import url
from app.web.components.text import capital, plain
from app.workflows.firmness import DRAWS, Firmness, firmness
from app.workflows.ranked import CRITERIA, Ranking
from app.workflows.weights import LEAST, MOST, Weights

_STEPS = [f"{step / 10:g}" for step in range(round(LEAST * 10), round(MOST * 10) + 1)]
_SHOWN = 6
"""So many papers' shares are told."""


def weights_panel(rows: Ranking, key: tuple[Any, ...], _: Translate) -> Weights:
    """Let the person weigh the criteria; return the weights. `key` names what `rows` are."""
    moved = any(st.query_params.get(f"w_{name}") for name in CRITERIA)
    with st.expander(_("Weights, and how firm the order is"), expanded=moved):
        values = {}
        for column, name in zip(st.columns(len(CRITERIA)), CRITERIA, strict=True):
            with column:
                text = url.scale(
                    capital(_(CRITERION_LABELS[name])), f"w_{name}", _STEPS, default="1"
                )
                values[name] = float(text)
        weights = Weights(**values)
        st.caption(
            _("With all at 1 the ranking is the usual one, by recommendation and score.")
            if weights.are_usual
            else _("Weights were moved: the order is by the weighted score alone.")
        )
        _firmness(
            _found(rows, (home.database_url(), *key), weights.values),
            rows,
            _,
        )
    return weights


@st.cache_data(show_spinner=False, max_entries=256)
def _found(_rows: Ranking, key: tuple[Any, ...], values: tuple[float, ...]) -> Firmness | None:
    return firmness(_rows, Weights(*values))


def warm(rows: Ranking, key: tuple[Any, ...]) -> None:
    """Find how firm the usual order is, so that the first page needn't wait for it."""
    _found(rows, (home.database_url(), *key), Weights().values)


def _firmness(found: Firmness | None, rows: Ranking, _: Translate) -> None:
    if found is None:
        return

    change = found.dethroning
    named = {found.first, *(paper_id for paper_id, _ in found.shares[:_SHOWN])}
    if change is not None:
        named.add(change.paper_id)
    titles = {row["paper_id"]: row["title"] for row in rows.rows(named)}

    def name(paper_id: str) -> str:
        return plain(short_name(titles.get(paper_id, paper_id)))

    if change is None:
        told = _("By weighted score {first} stays first whatever one weight, from 0 to 2.")
        st.markdown(told.format(first=name(found.first)))
    else:
        told = _(
            "By weighted score {first} is first; the smallest change of one weight that ends it: "
            "{criterion} from {before} to {after}, then {other} catches up."
        )
        st.markdown(
            told.format(
                first=f"**{name(found.first)}**",
                criterion=plain(_(CRITERION_LABELS[change.criterion])),
                before=f"{change.before:g}",
                after=plain(f"{change.after:.3g}"),
                other=name(change.paper_id),
            )
        )
    shares = _("; ").join(
        f"{name(paper_id)} {_percent(share)} %" for paper_id, share in found.shares[:_SHOWN]
    )
    more = len(found.shares) - _SHOWN
    told = _("Among the top three when the weights wobble ({draws} draws, each ½ to 2 times): ")
    st.markdown(
        told.format(draws=DRAWS)
        + shares
        + (_("; {count} more now and then").format(count=more) if more > 0 else "")
    )


def _percent(share: float) -> str:
    return plain("<1" if share < 0.005 else f"{100 * share:.0f}")
