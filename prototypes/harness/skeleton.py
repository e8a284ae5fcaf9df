"""`python -m prototypes new NAME`: a folder to fill in, and its test.

Everything that only its author can know says FILL IN, or raises; `check NAME` finds both.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from prototypes.harness.declarations import NAME
from prototypes.harness.registry import ROOT, RegistryError

MARK = "FILL IN"
NOT_NAMES = frozenset({"harness", "results", "all", "new", "check", "compare", "list", "run"})

INIT = '"""{mark}: the technique in a line."""\n'

DECLARATION = '''"""What {name} implements, and the cases it is measured on."""

from __future__ import annotations

from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    Device,
    Implementation,
    Role,
)

CLAIM = "{claim}"{known}

DECLARATION = Declaration(
    name="{name}",
    title="{mark}: what it does, in a few words",
    paper="{paper}",
    part="{mark}",  # the part of a run that it speeds up: docs/add-a-prototype.md has the list
    module="prototypes.{name}.workload",
    implements="{mark}: what the code does, in two sentences.",
    deviates=("{mark}: each point where it isn't what the paper has.",),
    cases=(
        Case(
            "r64-w256",  # spells the shape: rows, width
            {{"rows": 64, "width": 256}},
            seed=1,
            devices=(Device.CPU,),
            target_weight=1.0,  # its share of what users of the target run; say what it assumes
            quick=True,
            claims=(CLAIM,),
        ),
    ),
    implementations=(Implementation("torch_{name}", Device.CPU, "torch", shipped=True),),
    baselines=(
        Baseline("torch_paper", "{mark}: the kind that the paper compares with", (Role.PAPER,)),
        Baseline("torch_engine", "{mark}: what the target does today", (Role.ENGINE,)),
    ),
    claims=(CLAIM,),
    bars={{
        "fidelity": "error against the emulation in float32 under 1e-5",
        "quality": "{mark}: error against float64 under 1e-2, and why this bar",
    }},
)
'''

WORKLOAD = '''"""{name}: inputs, formulas, and the code that is measured."""

from __future__ import annotations

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.formulas import Formulas
from prototypes.harness.workload import Tensors, Work


def technique(inputs: Tensors, outputs: Tensors) -> None:
    """Compute y from x in the technique's way; x and y are (rows, width)."""
    raise NotImplementedError("{mark}: the technique")


def papers_baseline(inputs: Tensors, outputs: Tensors) -> None:
    """Compute y as the paper's baseline does."""
    raise NotImplementedError("{mark}: the paper's baseline")


def engines_baseline(inputs: Tensors, outputs: Tensors) -> None:
    """Compute y as the target engine does today."""
    raise NotImplementedError("{mark}: the engine's baseline")


class Workload(Formulas):
    """Input: x (rows, width) float32. Output: y of the same shape."""

    fidelity_bar = 1e-5
    quality_bar = 1e-2
    kernels = {{
        "torch_{name}": lambda case, device: technique,
        "torch_paper": lambda case, device: papers_baseline,
        "torch_engine": lambda case, device: engines_baseline,
    }}

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return x ~ N(0, 1)."""
        generator = torch.Generator(device=device).manual_seed(seed)
        shape = int(case.parameters["rows"]), int(case.parameters["width"])
        return {{"x": torch.randn(shape, device=device, generator=generator)}}

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for y."""
        shape = int(case.parameters["rows"]), int(case.parameters["width"])
        return {{"y": torch.empty(shape, device=device)}}

    def oracle(self, case: Case, inputs: Tensors) -> Tensors:
        """Return the exact y in float64, by other code than any baseline's."""
        raise NotImplementedError("{mark}: the oracle")

    def emulate(self, case: Case, inputs: Tensors) -> Tensors:
        """Return the y that the technique gives in float32, step by step, slow and plain."""
        raise NotImplementedError("{mark}: the technique's emulation")

    def work(self, case: Case) -> Work:
        """Return one read of x, one write of y, and the operations of an element."""
        raise NotImplementedError("{mark}: Work(bytes=…, flops=…)")


WORKLOAD = Workload()
'''

TEST = '''"""{name}: the oracle by hand, and every code of it through both gates."""

import pytest
import torch

from prototypes.harness.check import failures, findings
from prototypes.{name}.declaration import DECLARATION
from prototypes.{name}.workload import WORKLOAD

# {mark}: a row of x small enough to work out on paper, and its y.
X: list[float] = []
Y: list[float] = []


def test_the_oracle_gives_what_was_worked_out_by_hand() -> None:
    x = torch.tensor([X])
    y = WORKLOAD.oracle(DECLARATION.cases[0], {{"x": x}})["y"]
    assert X
    assert y[0].tolist() == pytest.approx(Y, rel=1e-12)


@pytest.mark.parametrize("implementation", [i.name for i in DECLARATION.implementations])
def test_it_passes_both_gates(implementation: str) -> None:
    assert failures(WORKLOAD, DECLARATION.cases[0], implementation) == []


def test_nothing_is_missing() -> None:
    assert [f.text for f in findings("{name}") if not f.holds] == []
'''


def write(name: str, paper: str | None, root: Path = ROOT) -> list[Path]:
    """Write the skeleton of a prototype; return its files. Raises `RegistryError`."""
    if not NAME.fullmatch(name) or name in NOT_NAMES:
        raise RegistryError(f"{name!r} is no name for a prototype: use a-z, 0-9 and _.")
    folder, tests = root / name, root.parent / "tests" / "prototypes"
    test = tests / f"test_{name}.py"
    for path in (folder, test):
        if path.exists():
            raise RegistryError(f"There is a {path} already: choose another name.")
    claims = _claims(paper, root) if paper else []
    fields = {
        "name": name,
        "mark": MARK,
        "paper": paper or MARK,
        "claim": claims[0] if claims else f"{MARK}: a key in db/seed/papers/<slug>.toml",
        "known": "".join(f"\n# or {key}" for key in claims[1:]),
    }
    texts = {"__init__.py": INIT, "declaration.py": DECLARATION, "workload.py": WORKLOAD}
    try:
        folder.mkdir()
        for file, text in texts.items():
            (folder / file).write_text(text.format(**fields), encoding="utf-8")
        if tests.is_dir():
            test.write_text(TEST.format(**fields), encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"Can't write {folder} ({error.strerror or error}).") from error
    return [folder / file for file in texts] + ([test] if tests.is_dir() else [])


def seed_file(paper: str, root: Path = ROOT) -> Path:
    """Return where the catalog's seed has this paper, beside the prototypes."""
    return root.parent / "db" / "seed" / "papers" / f"{paper}.toml"


def _claims(paper: str, root: Path) -> list[str]:
    file = seed_file(paper, root)
    if not file.parent.is_dir():
        return []  # a bare measuring machine has no catalog
    if not file.is_file():
        known = ", ".join(sorted(f.stem for f in file.parent.glob("*.toml")))
        raise RegistryError(f"The seed has no paper {paper!r}; known: {known}.")
    claims = tomllib.loads(file.read_text(encoding="utf-8")).get("claims", [])
    return [str(claim["key"]) for claim in claims]
