"""The identity of what was measured: a hash over the syntax of the kernels and the case.

Comments, formatting and docstrings don't matter, names and numbers do. It covers every file that
the workload imports, in functions too, from the prototype's folder and from those that prototypes
share (`prototypes/attention/`, say); the harness isn't among them, and neither is the declaration,
except for the one case that was measured: a new case or a sentence leaves other runs valid.
The same on every Python: Assay's own walk over the tree, not `ast.dump`, whose text changes.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prototypes.harness.declarations import Case, Declaration

SCHEME = "s1-"
"""What a hash of this kind begins with."""

BYTES_HASHES = {
    "2a224fb1b3bf79a4": "8234f024149d7713",
    "5c434b9997fb8678": "8234f024149d7713",
}
"""Older runs have a hash over the bytes of the whole folder instead: what kernel hash those bytes
have. Both worked out from this repository: the first is the sampling folder of commit 6d7a195 with
the declaration of 76f09b5, the second that of 3af4209; only sentences of the declaration differ."""

HARNESS = "harness"
"""Measures and isn't measured: its own version stands in the environment."""

IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def run_hash(declaration: Declaration, case: Case, root: Path) -> str:
    """Return the hash of one case's runs: kernels, then the case; `root` holds the prototypes."""
    kernels = declared_kernels(declaration, root)
    if kernels is None:
        return SCHEME + "unreadable"
    case_part = case_hash(dict(case.parameters), case.seed)
    return SCHEME + hashlib.sha256(f"{kernels}:{case_part}".encode()).hexdigest()[:16]


def declared_kernels(declaration: Declaration, root: Path) -> str | None:
    """Return the kernel hash of a prototype's workload; None where a file can't be read."""
    try:
        return kernel_hash(root / declaration.name, declaration.module.rpartition(".")[2])
    except (OSError, ValueError, SyntaxError):  # the child will say what is wrong with it
        return None


def older_hashes(kernels: str | None) -> list[str]:
    """Return the older hashes of folders whose kernels were these."""
    return [old for old, then in BYTES_HASHES.items() if then == kernels]


def is_same_code(first: object, second: object) -> bool:
    """Return whether two runs of one case were made by the same kernels, by their hashes."""
    placed = [BYTES_HASHES.get(str(h), str(h)) for h in (first, second)]
    return first is not None and placed[0] == placed[1]


def case_hash(parameters: dict[str, Any], seed: int) -> str:
    """Return the hash of what a case is: its parameters and seed, not its weight or claims."""
    text = json.dumps({"parameters": parameters, "seed": seed}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kernel_hash(folder: Path, entry: str) -> str:
    """Return the hash over the syntax of a module and what it imports from the prototypes.

    Raises `OSError` or `SyntaxError` for a file that can't be read.
    """
    files = (f for f in folder.parent.rglob("*.py") if HARNESS not in f.parts)
    changed_at = tuple(sorted((str(f), f.stat().st_mtime_ns) for f in files))
    return _kernel_hash(folder, entry, changed_at)


@lru_cache(maxsize=64)
def _kernel_hash(folder: Path, entry: str, changed_at: tuple[tuple[str, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, tree in sorted(_reachable(folder, entry).items()):
        digest.update(name.encode() + b"\0")
        for piece in _walk(tree):
            digest.update(piece.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:16]


def _reachable(folder: Path, entry: str) -> dict[str, ast.Module]:
    """Return the trees of the entry and of all that it imports from the prototypes.

    By name within the folder; those of other folders by `folder/name`, which no name within is.
    """
    root, own = folder.parent, folder.name
    found: dict[str, ast.Module] = {}
    waiting = [f"{own}.{entry}"]
    while waiting:
        module = waiting.pop()
        place, _, name = module.partition(".")
        label = name if place == own else f"{place}/{name}"
        file = root / f"{module.replace('.', '/')}.py"
        if label in found or name == "declaration" or place == HARNESS or not file.is_file():
            continue
        found[label] = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
        waiting += _imports(found[label], module.split(".")[:-1], root.name, own)
    return found


def _imports(tree: ast.Module, package: list[str], root: str, own: str) -> Iterator[str]:
    """Yield the modules under the prototypes' root that a tree imports, however it is written.

    `package` is where the tree's own module lies, from that root on.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _inside(alias.name, root, own)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                near = package[: len(package) + 1 - node.level]
                bases = [".".join([*near, *filter(None, [node.module])])]
            else:
                bases = list(_inside(node.module or "", root, own))
            for base in bases:
                yield base
                for alias in node.names:
                    yield f"{base}.{alias.name}".strip(".")


def _inside(module: str, root: str, own: str) -> Iterator[str]:
    """Yield an absolute module as one under the root; nothing where it is another's."""
    dotted = f".{module}."
    for mark, lead in ((f".{root}.", ""), (f".{own}.", f"{own}.")):
        if mark in dotted:
            yield (lead + dotted.partition(mark)[2]).strip(".")
            return


def _walk(node: ast.AST) -> Iterator[str]:
    """Yield a tree as text: kinds, fields that hold something, constants with their types."""
    yield f"({type(node).__name__}"
    for name, value in ast.iter_fields(node):
        if name in IGNORED_FIELDS:
            continue
        if name == "body" and isinstance(value, list):
            value = _without_docstring(node, value)
        if isinstance(node, ast.JoinedStr) and name == "values":
            value = [part for part in value if not _is_empty(part)]  # 3.12 writes some of them
        if value is None or value == []:
            continue  # fields that only newer versions have are empty where the source is the same
        yield f".{name}"
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from _walk(item)
            else:
                yield f"{type(item).__name__}={item!r}"
    if isinstance(node, ast.Constant) and node.value is None:
        yield "None"
    yield ")"


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    kinds = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not body or not isinstance(node, kinds):
        return body
    # A string that stands by itself is a docstring, or one of an attribute: it does nothing.
    return [s for s in body if not _is_text(s)]


def _is_empty(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value == ""


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
