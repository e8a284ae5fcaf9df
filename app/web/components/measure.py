"""The prototype panel: choose a device, run, watch, see what was measured."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analyzers.message import Message, message
from app.errors import AssayError
from app.i18n import Translate
from app.jobs import JobView
from app.jobs.hosts.address import is_configured
from app.labels import say
from app.web.components import access, context, work
from app.web.components.jobs import live_jobs
from app.web.components.runs import runs
from app.web.components.text import plain
from app.workflows.hosts import OFFERS

Record = Mapping[str, Any]
WAIT_S = 1.5
"""So long a page waits to hear what the hosts have, once."""


def devices() -> tuple[list[str], Message | None]:
    """Return what prototypes can run on, here or on other hosts, and what there is to say of it.

    Asked without loading torch. Hosts that don't answer in time are taken to have both.
    """
    if not is_configured():
        return (["cpu", "cuda"] if shutil.which("nvidia-smi") else ["cpu"]), None
    both = ["cpu", "cuda"]
    try:
        offered = OFFERS.devices(WAIT_S)
    except AssayError as error:
        return both, error.reason
    if offered == []:
        return [], message("No host offers a device: let one join (assay hosts join).")
    return (both if offered is None else offered), None


def measure(shown: Record, _: Translate) -> None:
    """Show the panel for a paper's prototypes."""
    prototypes = shown["prototypes"]
    if not prototypes:
        st.info(_("There is no prototype of this paper yet, so nothing can be measured here."))
    else:
        start_run(prototypes, _)
        live_jobs(_of(prototypes), _, ended=1)
    if prototypes or shown["runs"]:
        runs(shown["runs"], _)


def _of(prototypes: list[str]) -> Any:
    def wanted(view: JobView) -> bool:
        return view.kind == "benchmark" and view.spec.get("prototype") in prototypes

    return wanted


def start_run(prototypes: Sequence[str], _: Translate) -> None:
    """Show the form that starts a run: which prototype, on what, how thorough."""
    if not access.offers("run", _):
        return
    offered, told = devices()
    if told is not None:
        st.caption(plain(say(told, context.language())))
    if not offered:
        return
    if st.session_state.get("bench-device") not in (None, *offered):
        del st.session_state["bench-device"]  # its host left
    names = {"cpu": _("CPU"), "cuda": _("NVIDIA GPU")}
    modes = {"quick": _("Quick"), "full": _("Full")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prototype = prototypes[0]
        if len(prototypes) > 1:
            prototype = st.selectbox(_("Prototype"), prototypes, key="bench-prototype", width=200)
        device = st.segmented_control(
            _("Device"),
            offered,
            default=offered[0],
            format_func=names.__getitem__,
            required=True,
            key="bench-device",
        )
        mode = st.segmented_control(
            _("How thorough"),
            list(modes),
            default="quick",
            format_func=modes.__getitem__,
            required=True,
            key="bench-mode",
            help=_("A quick run takes about a minute, and its verdict is provisional."),
        )
        pressed = st.button(
            _("Run {prototype}").format(prototype=plain(prototype)), type="primary", key="bench-run"
        )
    if pressed and prototype in prototypes and device in offered:
        spec = {"prototype": prototype, "device": device, "quick": mode != "full", "cases": []}
        with context.errors_shown():
            work.submit("benchmark", spec, device=device)
