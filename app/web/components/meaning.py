"""What the measurements mean for the engine that the list is for, in two sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.web.components.text import plain

Record = Mapping[str, Any]


def meaning(known: Mapping[str, Record], _: Translate) -> None:
    """Show the sentences; nothing where nobody has written any."""
    told = known.get("meaning")
    if told is None or not isinstance(told["value"], str):
        return
    title = _("What it means for the engine")
    st.markdown(f"**{plain(title)}**  \n{plain(told['value'])}")
