"""What would change a paper's rank, as a table: each change with the score and rank it leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.web.components.ranking_table import ADVICE_COLORS
from app.web.components.text import arrow, capital, count, plain, score, together

Record = Mapping[str, Any]

_TABLE_WIDTH = 625
_RUNS = ("measurement", "threshold", "overtakes", "loses", "ceiling", "quality")


def what_if(found: Record, _: Translate) -> None:
    """Show `app.workflows.what_if`'s record: measurements first, then facts."""
    st.subheader(_("What would change this rank"), anchor=False)
    st.markdown(plain(in_short(found, _)))
    now, changes = found["now"], found["changes"]
    runs = [change for change in changes if change["kind"] in _RUNS]
    others = [change for change in changes if change["kind"] not in _RUNS]
    # Side by side where both fit, one below the other where not.
    with st.container(horizontal=True, gap="medium"):
        for title, listed in ((_("If it is measured"), runs), (_("If a fact changes"), others)):
            with st.container(width=_TABLE_WIDTH):
                _table(title, listed, now, _)


def in_short(found: Record, _: Translate) -> str:
    """Return the change that is nearest at hand: the first threshold, or that there is none."""
    changes = found["changes"]
    better = [c for c in changes if c["kind"] == "threshold"]
    if better:
        nearest = better[0]
        return _("{advice}, rank {rank}: {change}.").format(
            advice=capital(label(nearest["recommendation"], _)),
            rank=count(nearest["rank"]),
            change=nearest["change"],
        )
    ceiling = next((c for c in changes if c["kind"] == "ceiling"), None)
    facts = [c for c in changes if c["kind"] not in _RUNS and c["rank_moves"] < 0]
    if ceiling is not None and ceiling["recommendation_moves"] is False and facts:
        best = min(facts, key=lambda c: c["rank"])
        return _(
            "No run alone changes the recommendation. It would be at rank {rank} with: {change}."
        ).format(rank=count(best["rank"]), change=best["change"])
    return _("No single change would put it into a better group.")


def _table(title: str, rows: Sequence[Record], now: Record, _: Translate) -> None:
    if not rows:
        return
    st.table(
        pd.DataFrame(
            [
                {
                    title: plain(capital(row["change"])),
                    together(_("Score")): together(plain(_moved(now["score"], row["score"]))),
                    together(_("Rank")): together(plain(_rank(now, row))),
                    _("Recommendation"): _advice(row, _),
                }
                for row in rows
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=title,
    )


def _moved(before: float, after: float) -> str:
    if score(before) == score(after):
        return score(after)
    change = round(after, 2) - round(before, 2)  # of the figures that people see
    return f"{score(after)} ({change:+.2f})".replace("-", "−")


def _rank(now: Record, row: Record) -> str:
    moves = row["rank_moves"]
    if not moves:
        return f"= {count(row['rank'])}"
    return f"{'▲' if moves < 0 else '▼'} {arrow(count(now['rank']), count(row['rank']))}"


def _advice(row: Record, _: Translate) -> str:
    word = plain(label(row["recommendation"], _))
    if not word.isascii():
        word = together(word)
    if not row["recommendation_moves"]:
        return word
    return f":{ADVICE_COLORS[row['recommendation']]}-badge[{word}]"
