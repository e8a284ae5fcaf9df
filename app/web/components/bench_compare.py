"""Claimed beside measured: every claim that a run speaks to, on one picture, and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import VERDICT_ICONS, label
from app.web.components import bench_data, catalog
from app.web.components.bench_chart import compare_chart
from app.web.components.bench_pick import TALL_ROW, picked
from app.web.components.text import capital, clean, plain, ratio
from app.workflows.benchmarks import MOST, UNTESTED

Row = Mapping[str, Any]

ORDER = (
    "confirmed", "partly", "unclear", "not_reproduced", "contradicted", "below_quality",
    "not_comparable", "not_runnable_here", "untested",
)  # fmt: skip
"""What holds first, then what doesn't, then what nobody knows."""
_ROW_HEIGHT = 40


def compare(_: Translate) -> None:
    """Show the picture for all measured devices or one, and the table below it."""
    rows = bench_data.comparisons()
    if not rows:
        st.info(_("No paper in the catalog claims a speedup, so there is nothing to compare."))
        return
    names = catalog.device_names()
    device = bench_data.choose_device(names, _("Measured on"), _("All devices"))
    stale = {run["id"] for run in bench_data.runs() if run["stale"]}
    shown = [{**row, "stale": row["run_id"] in stale} for row in arranged(rows, device)]
    st.markdown(plain(in_a_sentence(shown, _)))
    st.altair_chart(
        compare_chart([{**row, **_labels(row, _)} for row in shown], _),
        height=90 + _ROW_HEIGHT * len(shown),
        alt=in_words(shown, _),
    )
    st.caption(
        plain(
            _(
                "Measured against the paper's kind of baseline, with the 95 % interval; the tick "
                "is the speedup over what the engine does today, which the score uses."
            )
        )
    )
    if len(catalog.ranking()) > MOST:
        told = _("Of the papers that no prototype tests only the {count} best ranked are here.")
        st.caption(plain(told.format(count=UNTESTED)))
    opened = picked(
        compare_frame(shown, _),
        f"compare-{device}",
        _columns(_),
        _("Claims and what was measured, the verdicts that hold first"),
        row_height=TALL_ROW,
    )
    if opened is not None:
        _open(shown[opened])


def _labels(row: Row, _: Translate) -> dict[str, list[str]]:
    """Return the lines on both sides of a row of the picture."""
    claim = claim_words(row, _)
    if row["against"]:
        claim = _("{claim} vs {baseline}").format(claim=claim, baseline=row["against"])
    if row["measured"] is not None:
        figures = " · ".join(
            part for part in (ratio(row["measured"]), row["device_name"] or "") if part
        )
    elif row["device_name"]:
        figures = row["device_name"]
    else:
        figures = _("not measured yet") if row["prototype"] else _("no prototype yet")
    return {"labels": [row["name"], claim], "told": [verdict_words(row, _), figures]}


def _open(row: Row) -> None:
    if row["run_id"]:
        st.query_params["run"] = row["run_id"]
        st.rerun()
    st.switch_page("views/paper.py", query_params={"paper": row["paper_id"], "view": "claims"})


def arranged(rows: Sequence[Row], device: str) -> list[Row]:
    """Return the rows of one device ("" all) in the order to read them.

    A paper that was measured on other devices only is untested on this one.
    """
    here = [row for row in rows if not device or row["device"] in (device, None)]
    there = {row["paper_id"] for row in here}
    for row in rows:
        if row["paper_id"] not in there:
            there.add(row["paper_id"])
            here.append(_untested(row))
    return sorted(
        here,
        key=lambda row: (
            ORDER.index(row["verdict"]),
            -(row["measured"] or 0.0),
            -(row["claimed"] or 0.0),
            row["key"],
        ),
    )


def _untested(row: Row) -> Row:
    nothing = dict.fromkeys(
        ("device", "device_name", "measured", "low", "high", "reached", "baseline", "run_id")
    )
    nothing |= dict.fromkeys(("engine", "engine_baseline"))
    return {**row, **nothing, "verdict": "untested", "reasons": [], "provisional": False}


def in_a_sentence(rows: Sequence[Row], _: Translate) -> str:
    """Return how many claims hold: "Verdicts, one a claim and device: ✓ 1 confirmed, …"."""
    counts = Counter(row["verdict"] for row in rows)
    told = _(", ").join(
        f"{VERDICT_ICONS[code]} {counts[code]} {label(code, _)}" for code in ORDER if counts[code]
    )
    return _("Verdicts, one a claim and device: {verdicts}.").format(verdicts=told)


def in_words(rows: Sequence[Row], _: Translate) -> str:
    """Return the picture in words, for those who can't see it."""
    told = []
    for row in rows:
        words = _("{paper}: {claimed} claimed").format(
            paper=clean(row["name"]), claimed=claim_words(row, _)
        )
        if row["measured"] is not None:
            words += _(", ") + _("{measured} measured").format(measured=ratio(row["measured"]))
        told.append(words + _(", ") + label(row["verdict"], _))
    return _("Claimed and measured speedups.") + " " + _("; ").join(told)


def claim_words(row: Row, _: Translate) -> str:
    """Return a claim's ratio with its bound: "up to 2.30x", "1.40x–3.50x"."""
    if row["bound"] == "range" and row["claimed_low"] is not None:
        return f"{ratio(row['claimed_low'])}–{ratio(row['claimed_high'])}"
    bound = label(row["bound"], _) if row["bound"] not in ("exact", "range") else ""
    return f"{bound} {ratio(row['claimed'])}".strip()


def verdict_words(row: Row, _: Translate) -> str:
    """Return a verdict as icon and word; one from a quick run, or of older code, says so."""
    marks = [_("quick")] if row["provisional"] else []
    marks += [_("stale")] if row.get("stale") else []
    return " · ".join([f"{VERDICT_ICONS[row['verdict']]} {label(row['verdict'], _)}", *marks])


def compare_frame(rows: Sequence[Row], _: Translate) -> pd.DataFrame:
    """Return the table's words and figures, one row a claim on a device."""
    return pd.DataFrame(
        [
            {
                "paper": clean(row["name"]),
                "claim": clean(capital(row["subject"] or "")) or None,
                "claimed": claim_words(row, _),
                "measured": None if row["measured"] is None else ratio(row["measured"]),
                "interval": interval_words(row) or None,
                "verdict": verdict_words(row, _),
                "engine": None if row["engine"] is None else ratio(row["engine"]),
                "device": clean(row["device_name"] or "") or None,
                "why": clean(_("; ").join(row["reasons"])) or None,
            }
            for row in rows
        ]
    )


def interval_words(row: Row) -> str:
    """Return a measurement's interval as "30.0x–30.2x"; nothing where there is none."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"{ratio(row['low'])}–{ratio(row['high'])}"


def _columns(_: Translate) -> dict[str, Any]:
    column = st.column_config
    return {
        "paper": column.TextColumn(_("Paper"), width=120),
        "claim": column.TextColumn(_("Claim"), width=200),
        "claimed": column.TextColumn(_("Claimed"), width=90),
        "measured": column.TextColumn(_("Measured"), width=75),
        "interval": column.TextColumn(_("95 % interval"), width=100),
        "verdict": column.TextColumn(_("Verdict"), width=105),
        "engine": column.TextColumn(_("vs engine's"), width=80),
        "device": column.TextColumn(_("Device"), width=130),
        "why": column.TextColumn(_("Why"), width=370),
    }
