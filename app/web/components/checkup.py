"""What `assay doctor` finds, each with what to do about it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.i18n import Translate
from app.labels import say
from app.web.components import context
from app.web.components.text import plain, strong
from app.workflows.doctor import NAMES, examine


def checkup(_: Translate) -> None:
    """Show the findings, those to mend first; a button looks again."""
    findings = sorted(examine(), key=lambda finding: finding.good)
    wrong = sum(not finding.good for finding in findings)
    with st.container(horizontal=True, vertical_alignment="center"):
        if wrong:
            st.warning(plain(_("To fix: {count}").format(count=wrong)))
        else:
            st.success(plain(_("Everything that Assay needs is there.")))
        st.button(_("Look again"), key="doctor-again", width="content")
    for finding in findings:
        if finding.good:
            continue
        with st.container(border=True, gap="xsmall"):
            told = plain(say(finding.text, context.language()))
            st.markdown(f"✗ {strong(_(NAMES[finding.name]))} · {told}")
            st.markdown(plain(say(finding.remedy, context.language())))
            st.code(finding.command, language=None, wrap_lines=True)
    st.table(
        pd.DataFrame(
            [
                {
                    _("What"): plain(_(NAMES[finding.name])),
                    _("State"): plain("✓ " + _("in order")),
                    _("Found"): plain(say(finding.text, context.language())),
                }
                for finding in findings
                if finding.good
            ]
        ),
        hide_index=True,
        border="horizontal",
        alt=_("What is in order on this machine"),
    )
