"""The team on the settings page: who you are here, and who did what lately."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.web.components import access, context
from app.web.components.text import moment, plain
from db.queries import actions


def people(_: Translate) -> None:
    """Show the visitor's own role, and the newest actions of everybody."""
    acting = access.visitor()
    words = _(access.ROLE_WORDS[str(acting.role)])
    st.markdown(plain(_("{name}: {role}.").format(name=acting.name, role=words)))
    st.caption(plain(_("Roles stand in team.toml of the data folder; a change counts at once.")))
    st.subheader(_("Who did what"), anchor=False)
    with context.reading() as session:
        newest = [(a.at, a.who, a.what, a.subject) for a in actions.newest(session)]
    if not newest:
        st.caption(plain(_("Nobody has done anything yet.")))
        return
    st.table(
        pd.DataFrame(
            [
                {
                    _("When"): plain(moment(at)),
                    _("Who"): plain(who),
                    _("What"): plain(_(access.ACTIONS.get(what, what))),
                    _("Of what"): plain(subject),
                }
                for at, who, what, subject in newest
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("What people did, the newest first"),
    )
    st.caption(plain(_("What was changed about a paper stands in its own history.")))
