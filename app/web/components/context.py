"""What every page needs: its language, the catalog, and an end to errors in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from analyzers.message import Message, message
from app import home
from app.actor import acting
from app.errors import reason_of
from app.i18n import LANGUAGES, Translate, translator
from app.labels import say
from app.web.components import access
from app.web.components.text import plain
from app.workflows.opening import open_catalog
from app.workflows.settings import settings
from db.engine import read_scope, session_scope

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)

_LANGUAGE = "_language"
_OURS = ("app", "analyzers", "db")
"""Packages that are loaded as pages ask for them: an update under a running server mixes two."""


def settle_language() -> str:
    """Decide the language of this run: `?lang=`, the session's, the browser's, English."""
    asked = st.query_params.get("lang")
    if asked in LANGUAGES:
        st.session_state[_LANGUAGE] = asked
    elif _LANGUAGE not in st.session_state:
        st.session_state[_LANGUAGE] = _usual_language()
    code = language()
    wanted = None if code == _usual_language() else code
    if st.query_params.get("lang") != wanted:
        if wanted is None:
            del st.query_params["lang"]
        else:
            st.query_params["lang"] = wanted
    return code


def set_language(code: str) -> None:
    """Change the session's language; the next run shows it."""
    if code in LANGUAGES:
        st.session_state[_LANGUAGE] = code
        st.query_params["lang"] = code


def language() -> str:
    """Return this session's language code."""
    return str(st.session_state.get(_LANGUAGE, "en"))


def words() -> Translate:
    """Return the function that says an English sentence in this session's language."""
    return translator(language())


def _usual_language() -> str:
    """Return the language that the settings name, else the browser's."""
    return settings().language or _browser_language()


def _browser_language() -> str:
    primary = (st.context.locale or "en").split("-")[0].lower()
    return primary if primary in LANGUAGES else "en"


@st.cache_resource(show_spinner=False)
def _engine(url: str) -> Engine:
    return open_catalog(create=True)


def engine() -> Engine:
    """Return the one engine of this server for the catalog; the first call makes the catalog."""
    return _engine(home.database_url())


@contextmanager
def reading() -> Iterator[Session]:
    """Yield a session to read with; all reads see one moment of the catalog."""
    with read_scope(engine()) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """Yield a session that is committed at the end, or rolled back on an error.

    Raises `AssayError` for whoever may only read.
    """
    who = access.require("curate").name
    with acting(who), session_scope(engine()) as session:
        yield session


def sentence(error: Exception) -> str:
    """Return the sentence of an error that is meant for people, in this session's language."""
    return say(reason_of(error), language()) or str(error)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show an error as one sentence and go on; what nobody foresaw goes to the server's log."""
    try:
        yield
    except Exception as error:
        if reason_of(error) is not None:
            st.error(plain(sentence(error)))
            return
        logger.exception("A page failed.")
        st.error(plain(say(_unforeseen(error), language())))


def _unforeseen(error: Exception) -> Message:
    """Return what to do about an error that no sentence was written for."""
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in _OURS:
        return message(
            "Assay's code was changed while the workbench runs: end it (Ctrl-C) and start it again."
        )
    return message(
        "Something went wrong on this page: reload it. The terminal that the workbench was started "
        "in has the details."
    )
