"""The answer on top of the ranking: what to do next, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.i18n import N_, Translate
from app.labels import ADVICE, label
from app.web.components.text import plain, short_title

_SENTENCES = {
    "do_now": N_("Build {title} now: {why}."),
    "high_value": N_("Invest in {title}: {why}."),
    "steady": N_("Take {title} as the steady choice: {why}."),
    "measure_first": N_("Measure {title} first: {why}."),
    "long_term": N_("Plan {title} for the long term: {why}."),
}


def headline(rows: Sequence[dict[str, Any]], _: Translate) -> dict[str, Any] | None:
    """Say in one sentence what to do next and why; return the row it is about."""
    if not rows:
        return None
    row = min(rows, key=lambda r: r["rank"])
    template = _SENTENCES.get(
        row["recommendation"],
        N_("Nothing here is worth building now; {title} comes first: {why}."),
    )
    with st.container(border=True, gap="xxsmall"):
        sentence = _(template).format(
            title=f"**{plain(short_title(row['title']))}**", why=plain(row["why"].rstrip("."))
        )
        st.markdown(f"##### {sentence}", anchors=False)
        st.caption(_counts(rows, _))
    return row


def _counts(rows: Sequence[dict[str, Any]], _: Translate) -> str:
    counted = Counter(row["recommendation"] for row in rows)
    listed = [f"{counted[code]} {label(code, _)}" for code in ADVICE if counted[code]]
    return plain(_("Papers: {count}").format(count=len(rows)) + " — " + " · ".join(listed))
