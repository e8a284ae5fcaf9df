"""Paper: everything that is known of one paper, and what can be done about it."""

from __future__ import annotations

import streamlit as st

from app.web.components import catalog, context, empty, flash, paper_data, url
from app.web.components.breakdown import breakdown
from app.web.components.claims import claims
from app.web.components.edits import edits
from app.web.components.facts import facts
from app.web.components.findings import findings
from app.web.components.header import header
from app.web.components.history import corrections, history
from app.web.components.links import links
from app.web.components.meaning import meaning
from app.web.components.measure import measure
from app.web.components.notes import notes, status_choice
from app.web.components.paper_head import paper_choice, paper_head
from app.web.components.related import related
from app.web.components.what_if import what_if
from app.workflows.settings import default_target

_ = context.words()
wanted = st.query_params.get("target", "")
target = wanted if wanted in catalog.targets() else default_target()
rows = catalog.ranking(target=target)
if not rows:
    with header(_("Paper")):
        pass
    empty.no_papers(_)
    st.stop()
asked = st.query_params.get("paper", "")
if asked and asked not in rows.paper_ids:
    with header(_("Paper")):
        pass
    empty.no_such_paper(asked, _)
    st.stop()
with header(None), st.container(horizontal=True, width="content"):
    paper_id = paper_choice(rows, _)
    status_choice(paper_id, catalog.status(rows, paper_id), _)
flash.show()
shown = catalog.paper(paper_id, target)
devices = catalog.device_names()
paper_head(shown, len(rows), devices, _)
names = {
    "score": _("Score"),
    "claims": _("Claims ({count})").format(count=len(shown["claims"])),
    "prototype": _("Prototype"),
    "facts": _("Facts"),
    "history": _("History"),
    "notes": _("Notes ({count})").format(count=len(shown["notes"])),
}
section = url.sections(_("Section"), "view", list(names), names.__getitem__)
if section == "score":
    breakdown(shown, _)
    what_if(catalog.what_if(paper_id, target), _)
    related(paper_data.related(paper_id, target), _)
elif section == "claims":
    findings(shown, devices, _)
    claims(shown, devices, _)
elif section == "prototype":
    meaning(shown["facts"], _)
    links(paper_id, paper_data.links(paper_id), _)
    measure(shown, _)
elif section == "facts":
    facts(shown, _)
elif section == "history":
    edits(shown["edits"], _)
    history(shown["history"], _)
    corrections(shown["corrections"], _)
else:
    notes(shown["notes"], paper_id, _)
