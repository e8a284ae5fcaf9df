"""A paper's claims: each with the place it stands on, and what the runs say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import VERDICT_ICONS, label
from app.web.components.pictures import evidence, say_if_no_pages
from app.web.components.text import arrow, capital, plain, ratio, strong

Record = Mapping[str, Any]

VERDICT_COLORS = {
    "confirmed": "green",
    "partly": "green",
    "unclear": "orange",
    "below_quality": "red",
    "contradicted": "red",
    "not_reproduced": "red",
}


def claims(shown: Record, devices: Mapping[str, str], _: Translate) -> None:
    """Show the claims of `show_paper`'s record, the headline claim first."""
    listed, headline = shown["claims"], (shown["row"] or {}).get("headline")
    if not listed:
        st.info(_("No claim with a number was found in this paper."))
        return
    say_if_no_pages(shown["paper"], _)
    for claim in sorted(listed, key=lambda c: c["key"] != headline):
        with st.container(border=True):
            left, right = st.columns([3, 2], gap="medium")
            with left.container(gap="xxsmall"):
                _claim(claim, claim["key"] == headline, _)
            with right.container(gap="xxsmall"):
                _verdicts(claim["verdicts"], devices, _)
            evidence(shown["paper"], claim, _)


def _claim(claim: Record, is_headline: bool, _: Translate) -> None:
    mark = " :blue-badge[" + plain(_("headline claim")) + "]" if is_headline else ""
    st.markdown(strong(_sentence(claim, _)) + mark)
    st.caption(plain(" · ".join(_context(claim, _))))
    for place in claim["places"][:3]:
        where = _("page {page}").format(page=place["page"]) if place["page"] else ""
        if place["quote"]:
            st.caption(plain(f"“{place['quote']}” {where}"))
        elif where:
            st.caption(plain(where))


def _sentence(claim: Record, _: Translate) -> str:
    """Return a claim in a sentence; one that the analysis found is its figure and its subject."""
    if claim["text"]:
        return str(claim["text"])
    figure = claim_value(claim, _)
    return capital(f"{claim['subject']}: {figure}" if claim["subject"] else figure)


def _context(claim: Record, _: Translate) -> list[str]:
    parts = [claim_value(claim, _)]
    if claim["baseline"]:
        parts.append(_("against {baseline}").format(baseline=claim["baseline"]))
    if claim["hardware"]:
        parts.append(_("on {hardware}").format(hardware=claim["hardware"]))
    parts += [label(claim[name], _) for name in ("scope",) if claim[name]]
    if claim["locator"]:
        parts.append(_("stands in: {place}").format(place=claim["locator"]))
    if not claim["own_result"]:
        parts.append(_("cited from others"))
    if claim["source"] == "analysis":
        parts.append(_("found by the analysis"))
    return parts


def claim_value(claim: Record, _: Translate) -> str:
    """Return a claim's figure as it was claimed: "up to 2.3x speedup"."""
    value = f"{claim['value']:g}"
    if claim["value_high"] is not None:
        value += f"–{claim['value_high']:g}"
    unit = claim["unit"] or ""
    value += unit if unit in ("x", "%") else f" {unit}" if unit else ""
    bound = label(claim["bound"], _) if claim["bound"] not in ("exact", "range") else ""
    return " ".join(part for part in (bound, value, label(claim["metric"], _)) if part)


def _verdicts(verdicts: Sequence[Record], devices: Mapping[str, str], _: Translate) -> None:
    if not verdicts:
        st.markdown(plain(f"{VERDICT_ICONS['untested']} {label('untested', _)}"))
        return
    for verdict in verdicts:
        _verdict(verdict, devices, _)


def _verdict(verdict: Record, devices: Mapping[str, str], _: Translate) -> None:
    code = verdict["verdict"]
    device = devices.get(verdict["device"] or "", verdict["device"] or "")
    word = plain(f"{VERDICT_ICONS.get(code, '')} {label(code, _)}")
    color = VERDICT_COLORS.get(code, "gray")
    line = f":{color}[**{word}**]"
    if device:
        line += " " + plain(_("on {device}").format(device=device))
    if verdict.get("provisional"):
        line += " " + plain(_("(quick run, provisional)"))
    st.markdown(line)
    if verdict.get("measured_speedup") is not None:
        figures = arrow(ratio(verdict["claimed_speedup"]), ratio(verdict["measured_speedup"]))
        low, high = verdict.get("measured_low"), verdict.get("measured_high")
        if low is not None and high is not None:
            figures += f" [{ratio(low)}, {ratio(high)}]"
        if verdict.get("baseline"):
            figures += " " + _("against {baseline}").format(baseline=verdict["baseline"])
        st.markdown(plain(figures))
    if verdict["reasons"]:
        st.caption(plain("; ".join(verdict["reasons"])))
