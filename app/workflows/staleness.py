"""Whether a run measured the code that the prototype has today; a stale run counts, marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.errors import AssayError
from app.workflows.measuring import list_prototypes

Hashes = Mapping[tuple[str, str], Collection[str]]
"""By prototype and case: the hashes of runs of today's code, older kinds of hash among them."""


def current_hashes(prototypes: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of today's code, from what `python -m prototypes list --json` says."""
    return {
        (prototype["name"], case["id"]): {
            case["code_hash"],
            *(prototype.get("older_code_hashes") or ()),
        }
        for prototype in prototypes
        for case in prototype["cases"]
        if isinstance(case, dict) and case.get("code_hash")
    }


def is_stale(record: Mapping[str, Any], current: Hashes) -> bool:
    """Whether a run is known to be of other code than today's.

    A run without a hash, or of a prototype or case that isn't here, is not known to be stale.
    """
    own = current.get((str(record.get("prototype")), str(record.get("case"))))
    then = record.get("code_hash")
    return bool(own) and bool(then) and then not in (own or ())


def mark(records: Sequence[Mapping[str, Any]]) -> list[bool | None]:
    """Return for each run whether it is stale; None where the prototypes can't be asked.

    They are asked only if there is a run to tell of.
    """
    if not records:
        return []
    try:
        current = current_hashes(list_prototypes())
    except AssayError:
        return [None] * len(records)
    return [is_stale(record, current) for record in records]
