"""`python -m prototypes check NAME`: what a prototype still lacks.

Read from its files here; what only running it tells is in `trying`.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from prototypes.harness.declarations import Declaration, Role
from prototypes.harness.registry import ROOT, RegistryError, scan, select
from prototypes.harness.skeleton import MARK, seed_file
from prototypes.harness.trying import Finding, failures, told, try_it

__all__ = ["Finding", "failures", "findings", "report"]

PARTS = (
    *("whole_run", "prefill", "decode", "prefill_attention", "decode_attention"),
    *("prefill_linears", "decode_linears", "sampling"),
)


def findings(name: str, root: Path = ROOT) -> list[Finding]:
    """Return all that is asked of a prototype; imports torch, and runs its gates on the CPU.

    Raises `RegistryError` where there is no such prototype, or its declaration can't be read.
    """
    if name == "all":
        raise RegistryError("check looks at one prototype at a time: name it.")
    (declaration,) = select(name, scan(root))
    return [
        *_declared(declaration),
        *_written(declaration, root),
        *_linked(declaration, root),
        *try_it(declaration),
    ]


def _declared(declaration: Declaration) -> Iterator[Finding]:
    yield Finding(f"part is one of {', '.join(PARTS)}", declaration.part in PARTS)
    for gate in ("fidelity", "quality"):
        yield Finding(f"bars say what {gate} is held to", bool(declaration.bars.get(gate)))
    yield Finding("claims has the keys of what it can test", bool(declaration.claims))
    tested = {key for case in declaration.cases for key in case.claims}
    for key in declaration.claims:
        yield Finding(f"a case tests the claim {key}", key in tested)
    for device in declaration.devices:
        cases = [c for c in declaration.cases if device in c.devices]
        weighted = [c for c in cases if c.target_weight > 0]
        text = f"a case on {device} has a target weight, or untargeted says why none can"
        yield Finding(text, bool(weighted or declaration.untargeted))
        yield Finding(f"a case on {device} is quick", any(c.quick for c in cases))
        if declaration.claims:
            verdict = any(c.quick and c.claims for c in cases)
            yield Finding(f"a quick case on {device} tests a claim", verdict)
        for role in (Role.PAPER, Role.ENGINE):
            without = [
                case.id
                for case in weighted
                if not any(role in b.roles for b in declaration.baselines_for(case, device))
            ]
            text = f"each target case on {device} has a baseline with the role {role}"
            yield Finding(text + (f", not {', '.join(without)}" if without else ""), not without)


def _written(declaration: Declaration, root: Path) -> Iterator[Finding]:
    folder, project = root / declaration.name, root.parent
    tests = sorted((project / "tests" / "prototypes").glob("*.py"))
    marked = [
        path.relative_to(project).as_posix()
        for path in (*sorted(folder.rglob("*.py")), *tests)
        if (path.parent == folder or declaration.name in path.stem)
        and MARK in path.read_text(encoding="utf-8")
    ]
    yield Finding(f"nothing says {MARK}" + (f": {', '.join(marked)}" if marked else ""), not marked)
    yield Finding("no baseline uses the oracle", not _baselines_that_use_the_oracle(folder))
    if (project / "tests").is_dir():  # a machine that only measures may have the folder alone
        module = f"prototypes.{declaration.name}"
        yield Finding(
            f"tests/prototypes/ has tests of {module}",
            any(module in test.read_text(encoding="utf-8") for test in tests),
        )
    if (project / "docs").is_dir():
        mentions = (f"`{declaration.name}`", f"prototypes/{declaration.name}")
        pages = [p.read_text(encoding="utf-8") for p in sorted((project / "docs").glob("*.md"))]
        yield Finding(
            f"a page of docs/ mentions {mentions[0]}",
            any(mention in page for page in pages for mention in mentions),
        )


def _baselines_that_use_the_oracle(folder: Path) -> list[str]:
    """Return the files named after baselines that import, and functions that call, an oracle."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stem.startswith("baseline"):
            imports = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
            names = [alias.name for node in imports for alias in node.names]
            found += [path.name for name in names if "oracle" in name]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and "baseline" in node.name:
                used = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                used |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                found += [node.name] if "oracle" in used else []
    return found


def _linked(declaration: Declaration, root: Path) -> Iterator[Finding]:
    file = seed_file(declaration.paper, root)
    if not file.parent.is_dir():
        return
    where = file.relative_to(root.parent).as_posix()
    yield Finding(f"there is {where}", file.is_file())
    if not file.is_file():
        return
    paper = tomllib.loads(file.read_text(encoding="utf-8"))
    yield Finding(
        f"{where} lists {declaration.name} under prototypes",
        declaration.name in paper.get("prototypes", []),
    )
    keys = {claim.get("key") for claim in paper.get("claims", [])}
    for key in declaration.claims:
        yield Finding(f"{where} has the claim {key}", key in keys)


def report(name: str, root: Path = ROOT) -> tuple[list[str], bool]:
    """Return the findings as lines for people, and whether nothing is missing."""
    try:
        found = findings(name, root)
    except (OSError, SyntaxError, ValueError) as error:
        raise RegistryError(f"{name} can't be checked: {told(error)}.") from error
    missing = [f for f in found if not f.holds]
    lines = [f"  {'ok     ' if f.holds else 'missing'}  {f.text}" for f in found]
    lines.append(
        f"{name}: nothing is missing."
        if not missing
        else f"{name}: {len(missing)} of {len(found)} things are missing."
    )
    return lines, not missing
