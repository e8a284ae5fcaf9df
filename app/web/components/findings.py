"""What is wrong with a paper's numbers, with the arithmetic and the places, above its claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.i18n import N_, Translate
from app.web.components.pictures import evidence
from app.web.components.text import capital, plain, strong

Record = Mapping[str, Any]

KINDS = {
    "contradiction": N_("The paper contradicts itself"),
    "roofline": N_("Above what the device can do"),
    "amdahl": N_("Above what a part can give"),
}


def findings(shown: Record, devices: Mapping[str, str], _: Translate) -> None:
    """Show the findings of `show_paper`'s record; nothing where there are none."""
    if not shown["findings"]:
        return
    with st.container(border=True, gap="small"):
        for number, finding in enumerate(shown["findings"]):
            with st.container(gap="xxsmall"):
                _finding(shown, number, finding, devices, _)


def _finding(
    shown: Record, number: int, finding: Record, devices: Mapping[str, str], _: Translate
) -> None:
    head = strong(f"⚠ {_(KINDS[finding['kind']])}")
    if finding["device"]:
        device = devices.get(finding["device"], finding["device"])
        head += " " + plain(_("on {device}").format(device=device))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(head, width="content")
        _links(shown, finding, _)
    st.markdown(plain(capital(finding["text"]) + "."))
    for place in finding["places"]:
        where = _("page {page}").format(page=place["page"]) if place["page"] else ""
        if place["quote"]:
            st.caption(plain(f"“{place['quote']}” {where}"))
    if finding["places"]:
        evidence(shown["paper"], {"key": f"finding-{number}", "places": finding["places"]}, _)


def _links(shown: Record, finding: Record, _: Translate) -> None:
    paper_id = shown["paper"]["paper_id"]
    for claim in [c for c in shown["claims"] if c["key"] in finding["claims"]][:3]:
        st.page_link(
            "views/paper.py",
            label=plain(claim["key"].partition("/")[2]),
            query_params={"paper": paper_id, "view": "claims", "claim": claim["key"]},
        )
    if finding["run_id"]:
        st.page_link(
            "views/benchmarks.py",
            label=_("The run behind it"),
            query_params={"run": finding["run_id"]},
        )
