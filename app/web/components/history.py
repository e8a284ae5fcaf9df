"""How a paper's scores moved and what moved them; what the report of 2025 had wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.web.components.text import link, moment, plain

Record = Mapping[str, Any]


def history(changes: Sequence[Record], _: Translate) -> None:
    """Show the steps of the scores, the newest first."""
    st.subheader(_("How the scores moved"), anchor=False)
    kinds = {"believed": _("score"), "claimed": _("claimed"), "report": _("report")}
    if not changes:
        st.info(_("No score has moved yet."))
        return
    st.table(
        pd.DataFrame(
            [
                {
                    _("When"): plain(moment(change["at"])),
                    _("Which"): plain(kinds.get(change["kind"], change["kind"])),
                    _("From"): plain(_three(change["before"])),
                    _("To"): plain(_three(change["after"])),
                    _("What moved it"): plain(change["cause"]),
                }
                for change in reversed(changes)
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("Steps of the paper's scores, the newest first"),
    )


def corrections(listed: Sequence[Record], _: Translate) -> None:
    """Show what is known better today than in the report."""
    if not listed:
        return
    st.subheader(_("Corrections of the report"), anchor=False)
    for correction in listed:
        sources = _(", ").join(
            link(e.get("text", ""), e.get("url")) for e in correction["evidence"]
        )
        name = f"**{plain(label(correction['field'], _))}** " if correction["field"] else ""
        st.markdown(f"- {name}{plain(correction['text'])}" + (f" ({sources})" if sources else ""))


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
