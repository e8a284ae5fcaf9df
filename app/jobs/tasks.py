"""The kinds of job there are: what runs, how long it may take, what it can share the machine with.

The functions are named, not imported: the workflows that they call stand above this package, and
are loaded only in the worker process that runs one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job."""

    function: str
    """`package.module:function`, called with a `JobContext`, returns the outcome."""
    timeout_s: float
    """Wall time after which a job is stopped; a spec's own "timeout_s" goes before it."""
    exclusive: bool = False
    """Whether nothing else may run beside it: a busy machine spoils a measurement."""
    repeatable: bool = False
    """Whether it is begun again by itself where the background process died, from the start: what
    it had stored by then is known to it."""
    prepare: Callable[[Spec], Spec] = dict
    """Makes a spec independent of where it was written: the runner has another working folder."""


def _with_full_paths(spec: Spec) -> Spec:
    sources = [
        str(Path(source).absolute()) if Path(source).expanduser().exists() else source
        for source in map(_expanded, spec.get("sources", ()))
    ]
    return {**spec, "sources": sources}


def _expanded(source: str) -> str:
    return str(Path(source).expanduser()) if source.startswith("~") else source


KINDS: dict[str, Kind] = {
    "benchmark": Kind(
        "app.workflows.job_tasks:run_benchmark",
        timeout_s=4 * 3600,
        exclusive=True,
        repeatable=True,
    ),
    "add": Kind(
        "app.workflows.job_tasks:add_papers",
        timeout_s=6 * 3600,
        repeatable=True,
        prepare=_with_full_paths,
    ),
    "watch": Kind("app.workflows.job_tasks:ask_watches", timeout_s=6 * 3600, repeatable=True),
}


def kind_of(name: str) -> Kind:
    """Return the kind of that name. Raises ValueError, listing those there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(
            f"There is no kind of job named {name!r}. Kinds: {', '.join(sorted(KINDS))}."
        ) from None


def load_function(name: str) -> Callable[..., dict[str, Any]]:
    """Import and return the function named `package.module:function`."""
    module, _, attribute = name.partition(":")
    function: Callable[..., dict[str, Any]] = getattr(importlib.import_module(module), attribute)
    return function
