"""Choices that live in the page's address, by their codes, so that a link shows the same page.

Streamlit's own binding writes a widget's label into the address, which changes with the language;
this writes the code. A choice stays when the person visits another page and comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

Visibility = Literal["visible", "hidden", "collapsed"]
_ARRIVED = "_arrived"
_PAGE = "_page"


def note_page(url_path: str) -> None:
    """Remember whether this run came from another page; called once by the router."""
    st.session_state[_ARRIVED] = st.session_state.get(_PAGE) != url_path
    st.session_state[_PAGE] = url_path


def choose(
    label: str,
    name: str,
    options: Sequence[str],
    show: Callable[[str], str],
    *,
    default: str = "",
    visibility: Visibility = "visible",
    width: int | Literal["stretch"] = "stretch",
    help: str | None = None,  # noqa: A002 (Streamlit's own name)
    always: bool = False,
) -> str:
    """Show a select box for `?name=`; return the chosen code, `default` for one not in `options`.

    The default stays out of the address, unless it shall stand there `always`.
    """
    _adopt(name, default, options)
    value = st.selectbox(
        label,
        options,
        format_func=show,
        key=name,
        persist_state="session",
        label_visibility=visibility,
        width=width,
        help=help,
    )
    chosen = value if value in options else default
    _publish(name, chosen, None if always else default)
    return chosen


def sections(label: str, name: str, options: Sequence[str], show: Callable[[str], str]) -> str:
    """Show a row of sections for `?name=`; return the open one's code, the first by default."""
    default = options[0]
    _adopt(name, default, options)
    value = st.segmented_control(
        label,
        options,
        format_func=show,
        key=name,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    chosen = value if value is not None and value in options else default
    _publish(name, chosen, default)
    return chosen


def scale(label: str, name: str, options: Sequence[str], *, default: str) -> str:
    """Show a slider over figures written as text, for `?name=`; return the chosen one."""
    _adopt(name, default, options)
    value = st.select_slider(label, options, key=name, persist_state="session")
    chosen = str(value) if value in options else default
    _publish(name, chosen, default)
    return chosen


def page(name: str, total: int, size: int, *, begin: bool = False) -> int:
    """Show the pages of so many rows, for `?name=` the first row's number; return that.

    `begin` opens the first page.
    """
    starts = range(1, total + 1, size)
    key = f"{name}-page"  # of the control, which counts pages
    turned = st.session_state.get(key)
    if begin:
        st.session_state[name] = "1"
    elif turned is not None and turned <= len(starts) and not st.session_state.get(_ARRIVED):
        st.session_state[name] = str(starts[turned - 1])
    _adopt(name, "1", list(map(str, starts)))
    number = starts.index(int(st.session_state.get(name, "1"))) + 1
    if turned != number:
        st.session_state[key] = number
    chosen = str(starts[st.pagination(len(starts), key=key) - 1])
    st.session_state[name] = chosen
    _publish(name, chosen, "1")
    return int(chosen)


def search(label: str, name: str, *, placeholder: str, width: int | Literal["stretch"]) -> str:
    """Show a search box for `?name=`; return what was typed, at most 200 characters."""
    _adopt(name, "", None)
    value = st.text_input(
        label,
        key=name,
        placeholder=placeholder,
        max_chars=200,
        persist_state="session",
        label_visibility="collapsed",
        width=width,
        type="search",
    )
    text = (value or "")[:200].strip()
    _publish(name, text, "")
    return text


def _adopt(name: str, default: str, options: Sequence[str] | None) -> None:
    """Take the value from the address where the address says something new."""
    in_url = st.query_params.get(name)
    seen = st.session_state.get(_seen(name))
    kept = st.session_state.get(name, default)
    if _was_just_chosen(name, kept):
        pass  # a browser that is still busy sends the address of the choice before
    elif in_url is not None and in_url != seen:
        kept = in_url
    elif in_url is None and seen is not None and not st.session_state.get(_ARRIVED):
        kept = default  # back to the address without it
    elif in_url is None and kept == st.session_state.get(_usual(name)):
        kept = default  # nobody chose it or sees it in the address; the default is another now
    st.session_state[_usual(name)] = default
    if options is not None and kept not in options:
        kept = default
    # Set on arrival even if it is the same: two pages may share a choice (the device), and a widget
    # that is new on this page begins with its first option otherwise.
    if st.session_state.get(_ARRIVED) or st.session_state.get(name) != kept:
        st.session_state[name] = kept


def _was_just_chosen(name: str, value: str) -> bool:
    """Whether this run is of the widget's own change, on the page where it stands."""
    shown = st.session_state.get(_shown(name), value)
    return not st.session_state.get(_ARRIVED) and value != shown


def _publish(name: str, value: str, default: str | None) -> None:
    wanted = None if value == default else value
    if st.query_params.get(name) != wanted:
        if wanted is None:
            del st.query_params[name]
        else:
            st.query_params[name] = wanted
    st.session_state[_seen(name)] = wanted
    st.session_state[_shown(name)] = value


def _seen(name: str) -> str:
    return f"_url_{name}"


def _shown(name: str) -> str:
    return f"_shown_{name}"


def _usual(name: str) -> str:
    return f"_default_{name}"
