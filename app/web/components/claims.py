"""A paper's claims as a table; beside it the chosen one: verdicts with their runs, its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import VERDICT_ICONS, label
from app.web.components import url
from app.web.components.bench_pick import picked
from app.web.components.pictures import evidence, say_if_no_pages
from app.web.components.text import arrow, capital, clean, plain, ratio, strong
from app.workflows.pictures import places_with_page, why_no_pages

Record = Mapping[str, Any]

_PICKED = "_claims-picked"
_ROW_HEIGHT = 78
"""Four lines of text: over four times the base font size the grid wraps its cells."""

VERDICT_COLORS = {
    "confirmed": "green",
    "partly": "green",
    "unclear": "orange",
    "below_quality": "red",
    "contradicted": "red",
    "not_reproduced": "red",
}


def claims(shown: Record, devices: Mapping[str, str], _: Translate) -> None:
    """Show the claims of `show_paper`'s record as a table, and the chosen one with its page."""
    row = shown["row"] or {}
    listed, headline = shown["claims"], row.get("headline")
    if not listed:
        st.info(_("No claim with a number was found in this paper."))
        return
    say_if_no_pages(shown["paper"], _)
    listed = sorted(listed, key=lambda c: (c["key"] != headline, not c["own_result"]))
    by_key = {claim["key"]: claim for claim in listed}
    large = _large_page(shown["paper"], listed, _)
    table, detail = (st.container(), st.container()) if large else st.columns([6, 7], gap="medium")
    speaker = row.get("verdict_device") or row.get("device")
    with table:
        _table(listed, headline, speaker, _)
    with detail:
        key = url.choose(
            _("Claim"),
            "claim",
            list(by_key),
            lambda key: clean(_sentence(by_key[key], _)),
            default=listed[0]["key"],
            visibility="collapsed",
        )
        with st.container(border=True, gap="xsmall"):
            _claim(by_key[key], key == headline, _)
            _verdicts(by_key[key]["verdicts"], devices, _)
            evidence(shown["paper"], by_key[key], _, stays_open=True)


def _large_page(paper: Record, listed: Sequence[Record], _: Translate) -> bool:
    """Ask whether the page shall stand below, as wide as the window, and not beside."""
    if why_no_pages(paper) is not None or not any(map(places_with_page, listed)):
        return False
    return st.toggle(_("Large page, below the table"), key="claims-large")


def _table(
    listed: Sequence[Record], headline: str | None, device: str | None, _: Translate
) -> None:
    """Show the table; a click on a row chooses its claim."""
    column = st.column_config
    row = picked(
        claim_frame(listed, headline, device, _),
        "claims",
        {
            "claim": column.TextColumn(_("Claim"), width=196),
            "figure": column.TextColumn(_("Figure"), width=88),
            "verdict": column.TextColumn(_("Verdict"), width=100),
            "where": column.TextColumn(_("Found in"), width=84),
        },
        _("Claims of the paper with their figures and verdicts"),
        row_height=_ROW_HEIGHT,
    )
    st.caption(plain(_("★ speaks for the paper in the score. A click on a row shows the claim.")))
    # The selection stays in the table: only a new one chooses.
    if row is not None and st.session_state.get(_PICKED) != listed[row]["key"]:
        st.query_params["claim"] = listed[row]["key"]
    st.session_state[_PICKED] = None if row is None else listed[row]["key"]


def claim_frame(
    listed: Sequence[Record], headline: str | None, device: str | None, _: Translate
) -> pd.DataFrame:
    """Return the table's words: a row a claim, its verdict on the ranking `device` if any."""
    return pd.DataFrame(
        [
            {
                "claim": clean(
                    ("★ " if claim["key"] == headline else "")
                    + ("" if claim["own_result"] else _("cited from others") + ": ")
                    + _sentence(claim, _)
                ),
                "figure": clean(claim_value(claim, _)),
                "verdict": clean(_verdict_words(chosen_verdict(claim["verdicts"], device), _)),
                "where": clean(_where(claim, _)),
            }
            for claim in listed
        ]
    )


def chosen_verdict(verdicts: Sequence[Record], device: str | None) -> Record | None:
    """Return the verdict that a line has room for: the ranking device's, else one with a run."""
    told = [v for v in verdicts if v["verdict"] != "untested"]
    return next((v for v in told if v["device"] == device), told[0] if told else None)


def _verdict_words(verdict: Record | None, _: Translate) -> str:
    code = verdict["verdict"] if verdict else "untested"
    words = f"{VERDICT_ICONS.get(code, '')} {label(code, _)}"
    if verdict and verdict.get("measured_speedup") is not None:
        words += f": {ratio(verdict['measured_speedup'])}"
    if verdict and verdict.get("provisional"):
        words = _("{verdict} · quick").format(verdict=words)
    return words


def _where(claim: Record, _: Translate) -> str:
    pages = sorted({place["page"] for place in claim["places"] if place["page"]})
    if pages:
        return _("page {page}").format(page=", ".join(map(str, pages[:4])))
    return str(claim["locator"] or "")


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
        parts.append(_("found in: {place}").format(place=claim["locator"]))
    if not claim["own_result"]:
        parts.append(_("cited from others"))
    if claim["source"] == "analysis":
        parts.append(_("found by the analysis"))
    return parts


def claim_value(claim: Record, _: Translate) -> str:
    """Return a claim's figure as it was claimed: "up to 2.3x speedup".

    What its unit says already isn't said twice, and nothing where the kind has no name.
    """
    value = f"{claim['value']:g}"
    if claim["value_high"] is not None:
        value += f"–{claim['value_high']:g}"
    unit = claim["unit"] or ""
    shown = "bit" if (value, unit) == ("1", "bits") else unit
    value += unit if unit in ("x", "%") else f" {shown}" if unit else ""
    bound = label(claim["bound"], _) if claim["bound"] not in ("exact", "range") else ""
    said = claim["metric"] == "other" or (claim["metric"] == "bitwidth" and unit == "bits")
    metric = "" if said else label(claim["metric"], _)
    return " ".join(part for part in (bound, value, metric) if part)


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
        st.caption(plain(_("; ").join(verdict["reasons"])))
    if verdict.get("run_id"):
        st.page_link(
            "views/benchmarks.py",
            label=_("The run behind it"),
            query_params={"run": verdict["run_id"]},
        )
