"""Other people's code as baselines: ASSAY_BASELINES.

Such code is never in the project. ASSAY_BASELINES is a list, in the form of PATH, of Python files,
of folders, and of modules that can be imported. A file or module holds `BASELINES`, a sequence of
`ForeignBaseline`; a folder is put on the path (a declared baseline may find its library there), and
its `assay_baselines.py` is read if there is one. Files are only read in the measuring process: one
that fails costs its own row, with the reason, and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from prototypes.harness.declarations import NAME, Baseline, Case
from prototypes.harness.workload import Kernel

if TYPE_CHECKING:
    import torch

VARIABLE = "ASSAY_BASELINES"
FOLDER_FILE = "assay_baselines.py"


class BaselinesError(Exception):
    """An entry of ASSAY_BASELINES can't be used; says which and what to do."""


@dataclass(frozen=True, slots=True)
class ForeignBaseline:
    """Somebody else's code for a prototype's cases.

    `build(case, device)` returns a kernel: `kernel(inputs, outputs)` reads the tensors of the
    prototype's inputs and fills those of its outputs. It may raise `NotRunnableError`. Without a
    version, that of the baseline's package is recorded, else a hash of the file.
    """

    prototype: str
    baseline: Baseline
    build: Callable[[Case, torch.device], Kernel]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What ASSAY_BASELINES gave: baselines, and entries that couldn't be read with the reason."""

    baselines: tuple[ForeignBaseline, ...] = ()
    failed: list[tuple[Baseline, str]] = field(default_factory=list)

    def of(self, prototype: str) -> list[ForeignBaseline]:
        """Return those for one prototype."""
        return [b for b in self.baselines if b.prototype == prototype]


def entries(text: str | None = None) -> list[str]:
    """Return the entries of the variable, or of `text`; blank ones don't count."""
    value = os.environ.get(VARIABLE, "") if text is None else text
    return [entry for entry in value.split(os.pathsep) if entry.strip()]


def check_entries() -> None:
    """Fail before an hour of measuring rather than after it; imports nothing.

    Raises `BaselinesError` for a file or folder that isn't there, or a name that is neither.
    """
    for entry in entries():
        path = Path(entry).expanduser()
        is_path = os.sep in entry or entry.endswith(".py")
        if path.is_dir() or (path.is_file() and path.suffix == ".py"):
            continue
        if is_path and not path.exists():
            raise BaselinesError(f"{VARIABLE} names {entry}, which isn't there.")
        if is_path or not all(part.isidentifier() for part in entry.split(".")):
            raise BaselinesError(
                f"{VARIABLE} names {entry}: give a Python file, a folder, or a module's name."
            )


def load() -> Foreign:
    """Read every entry; what can't be read becomes a row that says why."""
    found: list[ForeignBaseline] = []
    failed: list[tuple[Baseline, str]] = []
    for entry in entries():
        try:
            found += _read(entry)
        except BaselinesError as error:
            row = Baseline(_row_name(entry), "other people's code", package="")
            failed.append((row, str(error)))
    return Foreign(tuple(found), failed)


def _read(entry: str) -> list[ForeignBaseline]:
    path = Path(entry).expanduser()
    if path.is_dir():
        if str(path) not in sys.path:
            sys.path.append(str(path))
        file = path / FOLDER_FILE
        return _checked(_module_of(file), file) if file.is_file() else []
    if path.is_file():
        return _checked(_module_of(path), path)
    try:
        module = importlib.import_module(entry)
    except Exception as error:  # whatever a file of Python may raise
        raise BaselinesError(_unreadable(entry, error)) from error
    return _checked(module, Path(module.__file__) if module.__file__ else None)


def _module_of(file: Path) -> ModuleType:
    name = f"assay_baselines_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BaselinesError(f"{file.name} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file of Python may raise
        del sys.modules[name]
        raise BaselinesError(_unreadable(file.name, error)) from error
    return module


def _checked(module: ModuleType, file: Path | None) -> list[ForeignBaseline]:
    told = file.name if file else module.__name__
    given = getattr(module, "BASELINES", None)
    if not isinstance(given, (list, tuple)) or not given:
        raise BaselinesError(f"{told} holds no BASELINES, a list of ForeignBaseline.")
    for item in given:
        if not isinstance(item, ForeignBaseline):
            raise BaselinesError(f"{told}: {type(item).__name__} in BASELINES is none.")
        if not NAME.fullmatch(item.baseline.name):
            raise BaselinesError(f"{told}: {item.baseline.name!r} is no name: use a-z, 0-9 and _.")
    return [replace(item, version=item.version or _version(item, file)) for item in given]


def _version(item: ForeignBaseline, file: Path | None) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{item.baseline.package} {version(item.baseline.package)}"
    except (PackageNotFoundError, ValueError):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file else "unknown"
        return f"{file.name if file else item.prototype} sha256:{digest}"


def _unreadable(name: str, error: Exception) -> str:
    told = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{name} can't be read: {type(error).__name__}: {told}."


def _row_name(entry: str) -> str:
    stem = Path(entry).stem or entry
    return "".join(c if c.isalnum() else "_" for c in stem.lower())[:60]
