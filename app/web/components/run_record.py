"""A run's full record: how it ended, its gates, baselines, samples, environment, all as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.i18n import N_, Translate
from app.labels import ROLES, label
from app.web.components import bench_data
from app.web.components.bench_runs import state_words
from app.web.components.cells import harmless_cells
from app.web.components.run_figures import told_figures
from app.web.components.run_samples import samples
from app.web.components.text import clean, microseconds, moment, plain, ratio, strong

Record = Mapping[str, Any]

_SHOWN = frozenset(
    {"prototype", "case", "implementation", "status", "fidelity", "quality", "baselines", "samples"}
    | {"time_us", "speedup", "method", "error", "claims", "all_threads", "figures"}
)
"""Fields with a place of their own on the page; every other one stands in the table of fields."""

COMPARISONS = {
    "faster": ("▲", N_("faster")),
    "slower": ("▼", N_("slower")),
    "same": ("=", N_("the same")),
    "unclear": ("?", N_("unclear")),
}


def run_record(run_id: str, _: Translate) -> None:
    """Show the run; raises `NotFoundError` where there is none of that id."""
    shown = bench_data.run(run_id)
    run, environment = shown["run"], shown["environment"]
    _head(shown, _)
    _figures(run, _)
    trouble = _dict(run.get("error")).get("message")
    if trouble:
        st.warning(plain(trouble))
    _gates(run, _)
    told_figures(run, _)
    st.subheader(_("Baselines"), anchor=False)
    _baselines(run, _)
    _all_threads(_dict(run.get("all_threads")), _)
    samples(run, _)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader(_("Fields of the run"), anchor=False)
        own = {name: value for name, value in run.items() if name not in _SHOWN}
        _fields({"run": shown["id"]} | own, _("Fields of the run"), _)
    with right:
        st.subheader(_("Environment"), anchor=False)
        _fields(environment, _("Environment"), _)


def _head(shown: Record, _: Translate) -> None:
    run = shown["run"]
    st.subheader(plain(f"{run['prototype']} · {run['case']}"), anchor=False)
    color = {"ok": "green", "quality_only": "blue", "below_quality": "orange"}.get(
        run["status"], "red"
    )
    # How far it counts has marks of its own.
    ended = state_words({"status": run["status"]}, _)
    marks = [_badge(color, ended)]
    if run.get("provisional"):
        marks.append(_badge("orange", "◔ " + _("quick (provisional)")))
    if shown["stale"]:
        marks.append(_badge("orange", "⌛ " + _("stale: the code is another now")))
    if run.get("shipped"):
        marks.append(_badge("blue", _("the implementation that ships")))
    st.markdown(" ".join(marks))
    told = [
        run["implementation"],
        shown["device_name"],
        moment(run.get("started_at") or shown["environment"].get("started_at")),
        label(run.get("scope"), _),
    ]
    st.markdown(plain(" · ".join(str(part) for part in told if part)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            _("Download as JSON"),
            data=bench_data.run_file([shown["id"]]),
            file_name=f"assay-run-{shown['id'][:12]}.json",
            mime="application/json",
            on_click="ignore",
            key="run-download",
        )
        for paper in shown["papers"]:
            st.page_link(
                "views/paper.py",
                label=plain(paper["name"]),
                query_params={"paper": paper["paper_id"], "view": "claims"},
            )
    if _list(run.get("claims")):
        tested = ", ".join(map(str, run["claims"]))
        st.caption(plain(_("Tests: {claims}").format(claims=tested)))


def _badge(color: str, text: str) -> str:
    return f":{color}-badge[{plain(text)}]"


def _figures(run: Record, _: Translate) -> None:
    time, fraction = _dict(run.get("time_us")), run.get("roofline_fraction")
    figures = [(_("Time"), microseconds(time.get("median")), _span(time, microseconds))]
    for role, name in (
        ("paper", _("vs paper's kind")),
        ("strongest", _("vs strongest")),
        ("engine", _("vs engine's")),
    ):
        found = next((b for b in _list(run.get("baselines")) if role in _roles(b)), None)
        speedup = _dict(_dict(found).get("speedup"))
        figures.append((name, ratio(speedup.get("median")), _span(speedup, ratio)))
    share = f"{100 * fraction:.1f} %" if isinstance(fraction, (int, float)) else "–"
    figures.append((_("Of roofline"), share, ""))
    with st.container(horizontal=True, gap="large"):
        for name, value, span in figures:
            with st.container(width="content", gap="xxsmall"):
                st.caption(plain(name))
                st.markdown(strong(value))
                if span:
                    st.caption(plain(span))


def _span(interval: Record, show: Any) -> str:
    if interval.get("low") is None or interval.get("high") is None:
        return ""
    return f"[{show(interval['low'])}, {show(interval['high'])}]"


def _gates(run: Record, _: Translate) -> None:
    st.subheader(_("Gates"), anchor=False)
    rows = []
    for name, title, passed in (
        ("fidelity", _("Fidelity"), _dict(run.get("fidelity")).get("pass")),
        ("quality", _("Quality"), run.get("quality_pass")),
    ):
        checks = _list(_dict(run.get(name)).get("checks"))
        st.markdown(
            plain(
                _("{gate}: {verdict} (checks: {count})").format(
                    gate=title, verdict=_verdict(passed, _), count=len(checks)
                )
            )
        )
        rows += [
            {
                _("Gate"): title,
                _("Check"): clean(check.get("name", "")),
                _("Value"): _figure(check.get("value")),
                _("Bar"): _figure(check.get("bar")),
                _("Verdict"): _verdict(check.get("pass"), _),
            }
            for check in checks
            if isinstance(check, dict)
        ]
    if rows:
        rows.sort(key=lambda row: row[_("Verdict")] == _verdict(True, _))  # failures first
        _table(rows, _("Checks of both gates: value, bar and verdict"))


def _verdict(passed: Any, _: Translate) -> str:
    if passed is None:
        return "○ " + _("not tried")
    return "✓ " + _("passed") if passed is True else "✗ " + _("failed")


def _all_threads(together: Record, _: Translate) -> None:
    """Show the same on all of a CPU's threads, where that was measured beside one thread."""
    if not together:
        return
    time = _dict(together.get("time_us"))
    told = f"{microseconds(time.get('median'))} {_span(time, microseconds)}"
    trouble = together.get("error")
    if trouble:
        told = str(_dict(trouble).get("message") or trouble)
    threads = together.get("threads")
    st.markdown(plain(_("With all {threads} threads: {told}").format(threads=threads, told=told)))
    if time:
        _baselines(together, _)


def _baselines(run: Record, _: Translate) -> None:
    listed = [b for b in _list(run.get("baselines")) if isinstance(b, dict)]
    if not listed:
        st.caption(plain(_("None was measured.")))
        return
    rows = []
    for baseline in listed:
        time, speedup = _dict(baseline.get("time_us")), _dict(baseline.get("speedup"))
        rows.append(
            {
                _("Baseline"): clean(baseline.get("name", "")),
                _("Role"): ", ".join(label(role, _, ROLES) for role in _roles(baseline) if role),
                _("Version"): clean(baseline.get("version") or "–"),
                _("Time"): microseconds(time.get("median")),
                _("Time, 95 %"): _span(time, microseconds),
                _("Speedup"): ratio(speedup.get("median")),
                _("Speedup, 95 %"): _span(speedup, ratio),
                _("Compared"): comparison_words(baseline.get("comparison"), _),
                _("Available here"): _available(baseline, _),
            }
        )
    _table(rows, _("Baselines with their roles, versions and times"))


def _available(baseline: Record, _: Translate) -> str:
    if baseline.get("available", True):
        return "✓ " + _("yes")
    why = clean(baseline.get("why") or "")
    return "✗ " + _("no") + (f": {why}" if why else "")


def comparison_words(comparison: Any, _: Translate) -> str | None:
    """Return faster, slower, same or unclear as icon and word; of unclear, what would settle it."""
    found = _dict(comparison)
    answer = str(found.get("answer"))
    if answer not in COMPARISONS:
        return None
    icon, word = COMPARISONS[answer]
    told = f"{icon} {_(word)}"
    more = found.get("more_rounds")
    if isinstance(more, int) and more > 0:
        told += " · " + _("about {count} more rounds would settle it").format(count=more)
    return told


def _fields(record: Record, alt: str, _: Translate) -> None:
    rows = [
        {_("Field"): name, _("Value"): value} for name, value in flattened(record) if value != ""
    ]
    if rows:
        _table(rows, alt)


def flattened(record: Record, prefix: str = "", depth: int = 4) -> list[tuple[str, str]]:
    """Return a record's leaves as (path, text); long lists are told by their length."""
    rows: list[tuple[str, str]] = []
    for name, value in record.items():
        path = clean(f"{prefix}{name}")
        if isinstance(value, dict) and depth:
            rows += flattened(value, f"{path}.", depth - 1)
        else:
            rows.append((path, _leaf(value)))
    return rows


def _leaf(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (list, dict)):
        text = ", ".join(clean(str(item))[:60] for item in list(value)[:8])
        return text if len(value) <= 8 else f"{text}, … ({len(value)})"
    return _figure(value) if isinstance(value, float) else clean(value)[:500]


def _figure(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else clean(value)[:200]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Record], alt: str) -> None:
    # Text only: a figure that is missing in one row must not turn the others into floats.
    frame = harmless_cells(pd.DataFrame(list(rows)).astype(object))
    frame = frame.dropna(axis="columns", how="all")
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(rows) <= 12 else 440,
        placeholder="–",
        alt=alt,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _roles(baseline: Any) -> list[str]:
    record = _dict(baseline)
    return [clean(role) for role in _list(record.get("roles")) or [record.get("role") or ""]]
