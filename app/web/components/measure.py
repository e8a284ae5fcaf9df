"""The prototype panel: choose a device, run, watch, see what was measured."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.i18n import Translate
from app.jobs import JobView
from app.jobs.hosts.address import is_configured
from app.web.components import access, context, work
from app.web.components.jobs import live_jobs
from app.web.components.runs import runs
from app.web.components.text import plain

Record = Mapping[str, Any]


def devices() -> list[str]:
    """Return what prototypes can run on, here or on other hosts; asked without loading torch."""
    has_gpu = is_configured() or shutil.which("nvidia-smi")
    return ["cpu", "cuda"] if has_gpu else ["cpu"]


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
    names = {"cpu": _("CPU"), "cuda": _("NVIDIA GPU")}
    modes = {"quick": _("Quick"), "full": _("Full")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prototype = prototypes[0]
        if len(prototypes) > 1:
            prototype = st.selectbox(_("Prototype"), prototypes, key="bench-prototype", width=200)
        device = st.segmented_control(
            _("Device"),
            devices(),
            default="cpu",
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
    if pressed and prototype in prototypes and device in devices():
        spec = {"prototype": prototype, "device": device, "quick": mode != "full", "cases": []}
        with context.errors_shown():
            work.submit("benchmark", spec, device=device)
