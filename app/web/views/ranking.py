"""Ranking: what to build next, and why."""

from __future__ import annotations

import streamlit as st

from app.web.components import catalog, compare, context, empty, first_steps
from app.web.components.filters import filtered, page_of, ranking_view
from app.web.components.header import header
from app.web.components.headline import headline
from app.web.components.hits import hits_list
from app.web.components.ranking_table import ranking_table
from app.web.components.weights import weights_panel
from app.workflows.ranking import moved, told
from app.workflows.settings import default_target

HITS = 5  # places where the searched words stand

_ = context.words()
with header(_("Ranking")):
    view = ranking_view(catalog.targets(), catalog.device_names(), _)
chosen = {"target": view.target, "device": view.device, "order": view.order}
rows = catalog.ranked_rows(**chosen)
if not rows:
    first_steps.start(_)
    st.stop()
if ids := compare.asked(rows):
    side_by_side = {row["paper_id"]: told(row, context.language()) for row in rows.rows(ids)}
    compare.comparison([side_by_side[paper_id] for paper_id in ids], view.target, view.device, _)
    st.stop()
first_steps.next_steps(rows, _)
headline(catalog.decision(**chosen))
shown = filtered(rows, _)
weights = weights_panel(rows, (catalog.versions().papers, *chosen.values()), _)
if not shown.rows:
    empty.no_match(_)
    st.stop()
if not weights.are_usual:
    shown = shown.in_order_of(catalog.in_order_of(rows, weights, **chosen))
with st.container(horizontal=True, vertical_alignment="center"):
    listed = page_of(shown, _)
    button = st.container()
before = catalog.ranks_before(view.target) if weights.are_usual else None
listed = [told(row, context.language()) | {"moved": moved(row, before)} for row in listed]
if shown.found:
    found = [shown.found[r["paper_id"]] for r in listed if r["paper_id"] in shown.found][:HITS]
    hits_list(listed, catalog.hits(shown.text, found), _)
picked = ranking_table(listed, catalog.version(), catalog.device_names(), _, few=shown.few_columns)
with button:
    compare.compare_button(picked.ticked, _)
st.caption(
    _("A click on a row opens its paper, on a heading sorts by it; tick two to four to compare.")
)
if picked.clicked:
    target = {} if view.target == default_target() else {"target": view.target}
    st.switch_page("views/paper.py", query_params={"paper": picked.clicked, **target})
