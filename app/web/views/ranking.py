"""Ranking: what to build next, and why."""

from __future__ import annotations

import streamlit as st

from app.web.components import catalog, context, empty, first_steps
from app.web.components.filters import filtered, ranking_view
from app.web.components.header import header
from app.web.components.headline import headline
from app.web.components.ranking_table import ranking_table
from app.workflows.settings import default_target

_ = context.words()
with header(_("Ranking")):
    view = ranking_view(catalog.targets(), catalog.device_names(), _)
rows = catalog.ranking(target=view.target, device=view.device, order=view.order)
if not rows:
    first_steps.start(_)
    st.stop()
first_steps.next_steps(rows, _)
headline(rows)
shown = filtered(rows, _)
if not shown.rows:
    empty.no_match(_)
    st.stop()
opened = ranking_table(shown.rows, catalog.version(), _, few=shown.few_columns)
st.caption(_("A click on a row opens its paper; a click on a heading sorts by it."))
if opened:
    chosen = {} if view.target == default_target() else {"target": view.target}
    st.switch_page("views/paper.py", query_params={"paper": opened, **chosen})
