"""Who is at the keyboard: the name that goes with a correction or a note."""

from __future__ import annotations

import streamlit as st

from app.actor import login_name
from app.i18n import Translate
from app.web.components import access
from app.web.components.text import plain

_NAME = "_person"


def name_input(key: str, _: Translate) -> str:
    """Ask for the person's name; the login name, or what was typed last, is there already.

    Who logged in isn't asked: it is their name that goes into the history.
    """
    if known := access.visitor().name:
        st.caption(plain(_("As {name}").format(name=known)))
        return known
    value = st.text_input(_("Your name"), value=_known(), key=key, max_chars=80)
    return (value or "").strip()


def remember(name: str) -> None:
    """Offer this name from now on in this session."""
    if name:
        st.session_state[_NAME] = name


def current() -> str:
    """Return the name that goes with a click."""
    return access.visitor().name or _known()


def _known() -> str:
    return str(st.session_state.get(_NAME) or login_name())
