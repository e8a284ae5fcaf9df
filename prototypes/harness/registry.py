"""Finds the prototypes: every folder under `prototypes/` with a `declaration.py`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from prototypes.harness.declarations import Declaration
from prototypes.harness.source_hash import declared_kernels, older_hashes, run_hash

ROOT = Path(__file__).resolve().parent.parent


class RegistryError(Exception):
    """A folder can't be a prototype, or a name is ambiguous; safe to show to a person."""


def scan(root: Path = ROOT, package: str = "prototypes") -> dict[str, Declaration]:
    """Return the prototypes by name, in order of name.

    Raises `RegistryError` for a folder whose declaration can't be read, is missing, or is named
    otherwise than its folder: a run must never be of another thing than its name says.
    """
    found: dict[str, Declaration] = {}
    for file in sorted(root.glob("*/declaration.py")):
        folder = file.parent.name
        declaration = getattr(_module(package, folder), "DECLARATION", None)
        if not isinstance(declaration, Declaration):
            raise RegistryError(f"{folder}/declaration.py holds no DECLARATION.")
        if declaration.name != folder:
            raise RegistryError(
                f"The prototype in {folder}/ calls itself {declaration.name!r}: name it {folder!r}."
            )
        found[folder] = declaration
    return found


def _module(package: str, folder: str) -> ModuleType:
    try:
        return importlib.import_module(f"{package}.{folder}.declaration")
    except Exception as error:  # whatever a file of Python may raise
        raise RegistryError(
            f"{folder}/declaration.py can't be read: {type(error).__name__}: {error}."
        ) from error


def record(declaration: Declaration, root: Path = ROOT) -> dict[str, Any]:
    """Return what `list --json` says: the declaration, and the hashes of its present code."""
    told = declaration.to_json()
    for case, entry in zip(declaration.cases, told["cases"], strict=True):
        entry["code_hash"] = run_hash(declaration, case, root)
    told["older_code_hashes"] = older_hashes(declared_kernels(declaration, root))
    return told


def select(name: str, known: dict[str, Declaration]) -> list[Declaration]:
    """Return the prototypes that `name` (or `all`) means; raises `RegistryError`."""
    if name == "all":
        return list(known.values())
    if name not in known:
        raise RegistryError(
            f"There is no prototype {name!r}; known: {', '.join(known) or 'none'} (or all)."
        )
    return [known[name]]
