"""The top of a paper's page: what it is, what to do about it, and the figures that say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.labels import label
from app.web.components import catalog, url
from app.web.components.ranking_table import ADVICE_COLORS, verdict
from app.web.components.text import (
    arrow,
    capital,
    clean,
    count,
    interval,
    link,
    people,
    plain,
    ratio,
    score,
)
from app.workflows.ranked import Ranking

Record = Mapping[str, Any]
_FEW = 1_000
"""Papers up to which the rank has room beside the range."""


def paper_choice(rows: Ranking, _: Translate) -> str:
    """Let the person choose a paper by `?paper=`; return its id."""
    here = rows.paper_ids.get(st.query_params.get("paper", ""), 0)
    titles = {
        paper_id: f"{count(rows.paper_ids[paper_id] + 1)} · {title}"
        for paper_id, title in catalog.offered(rows, here).items()
    }
    return url.choose(
        _("Paper"),
        "paper",
        list(titles),
        titles.__getitem__,
        default=next(iter(titles)),
        visibility="collapsed",
        width=420,
        always=True,
    )


def paper_head(shown: Record, total: int, devices: Mapping[str, str], _: Translate) -> None:
    """Show title, recommendation, summary and the four figures of `show_paper`'s record."""
    paper, row = shown["paper"], shown["row"]
    st.title(plain(paper["title"]), anchor=False)
    st.markdown(f":small[{_origin(shown, _)}]")  # a caption fades its links
    if row:
        _recommendation(row, len(shown["findings"]), total, _)
    summary = shown["facts"].get("summary", {}).get("value")
    if summary:
        st.markdown(plain(summary))
    if row:
        _figures(shown, row, total, devices, _)


def _origin(shown: Record, _: Translate) -> str:
    paper = shown["paper"]
    parts = [plain(people(paper["authors"] or ()))]
    parts += [plain(paper[name]) for name in ("published", "venue") if paper[name]]
    if paper["arxiv_id"]:
        address = f"https://arxiv.org/abs/{paper['arxiv_id']}"
        parts.append(link(f"arXiv {paper['arxiv_id']}", address))
    elif paper["url"]:
        parts.append(link(_("page"), paper["url"]))
    code = shown["facts"].get("code_url", {}).get("value")
    if code:
        parts.append(link(_("code"), str(code)))
    if paper["read"]:
        parts.append(plain(_("read: {level}").format(level=label(paper["read"], _))))
    return " · ".join(part for part in parts if part)


def _recommendation(row: Record, findings: int, total: int, _: Translate) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(plain(label(row["recommendation"], _)), color=ADVICE_COLORS[row["recommendation"]])
        if row["phase"]:
            st.badge(plain(_("phase {number}").format(number=row["phase"])), color="gray")
        if total > _FEW:
            told = _("rank {rank} of {total}").format(rank=count(row["rank"]), total=count(total))
            st.badge(plain(told), color="gray")
        st.markdown(f"**{plain(capital(row['why']))}**", width="content")
        if findings:
            told = _("⚠ findings about its claims: {count}").format(count=findings)
            st.badge(plain(told), color="orange")


def _figures(
    shown: Record, row: Record, total: int, devices: Mapping[str, str], _: Translate
) -> None:
    scores, belief = shown["score"], shown["belief"]
    report = scores["report"] and scores["report"]["value"]
    speaker = row.get("verdict_device") or row["device"] or ""
    device = devices.get(speaker, speaker) or _("none")
    told = _("90 %: {range} · rank {rank} of {total}") if total <= _FEW else _("90 %: {range}")
    tiles = [
        (
            _("Score"),
            score(row["score"]),
            told.format(
                range=interval(*row["score_interval"]),
                rank=count(row["rank"]),
                total=count(total),
            ),
            _("What is believed today: −3 to 10."),
        ),
        (
            _("Report · if claims hold"),
            f"{score(report)} · {score(row['score_claimed'])}",
            _("rank {report} · rank {claimed}").format(
                report=count(row["rank_report"]), claimed=count(row["rank_claimed"])
            ),
            _("The score in the report of August 2025, and the score if the claims were true."),
        ),
        (
            _("Claimed → measured"),
            arrow(ratio(row["claimed_speedup"]), ratio(row["measured_speedup"])),
            verdict(row, _, devices),
            _("The headline claim. It was measured on: {device}.").format(device=device),
        ),
        (
            _("Speedup of a whole run"),
            ratio(row["run_speedup"]),
            _("{low}–{high} · {share} % of a run").format(
                low=ratio(belief["run_low"]),
                high=ratio(belief["run_high"]),
                share=f"{100 * belief['share']:.3g}",
            ),
            _("The 90 % range, and the share of a run that the technique speeds up."),
        ),
    ]
    for column, (name, value, detail, help_text) in zip(st.columns(len(tiles)), tiles, strict=True):
        column.metric(
            plain(name),
            clean(value),
            delta=clean(detail),
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help=plain(help_text),
        )
