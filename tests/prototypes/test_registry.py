"""Finding prototypes; a folder or declaration that contradicts itself is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prototypes.harness import cli, registry
from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    DeclarationError,
    Device,
    Implementation,
)
from prototypes.harness.plans import Settings, plan
from prototypes.harness.registry import RegistryError, scan, select
from tests.conftest import PROJECT

SOURCE = """
from prototypes.harness.declarations import Case, Declaration, Device, Implementation
DECLARATION = Declaration(
    name={name!r}, title="t", paper="p", part="sampling", module="none", implements="", deviates=(),
    cases=(Case("c1", {{}}, seed=0),), baselines=(),
    implementations=(Implementation("a", Device.CPU, "", shipped={shipped}),),
)
"""

Folders = Callable[..., dict[str, Declaration]]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Scan folders with these declarations, in a package that no other test has."""
    package = f"found_{tmp_path.name.replace('-', '_')}"
    root = tmp_path / package
    monkeypatch.syspath_prepend(tmp_path)

    def find(**sources: str) -> dict[str, Declaration]:
        for folder, source in sources.items():
            (root / folder).mkdir(parents=True)
            (root / folder / "declaration.py").write_text(source)
        return scan(root, package)

    return find


def source(name: str, shipped: bool = True) -> str:
    return SOURCE.format(name=name, shipped=shipped)


def test_prototypes_come_by_name_in_order(found: Folders) -> None:
    known = found(b=source("b"), a=source("a"))
    assert list(known) == ["a", "b"]
    assert [d.name for d in select("all", known)] == ["a", "b"]
    assert select("b", known) == [known["b"]]


def test_two_folders_cannot_have_one_name(found: Folders) -> None:
    with pytest.raises(RegistryError, match=r"in b/ calls itself 'a': name it 'b'"):
        found(a=source("a"), b=source("a"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", r"a/declaration\.py holds no DECLARATION"),
        ("DECLARATION = 'a'", r"a/declaration\.py holds no DECLARATION"),
        ("import no_such_library", r"a/declaration\.py can't be read: ModuleNotFoundError"),
        ("def", r"a/declaration\.py can't be read: SyntaxError"),
        (source("a", shipped=False), "DeclarationError: a: exactly one implementation"),
    ],
)
def test_a_folder_that_is_no_prototype_is_named(found: Folders, text: str, words: str) -> None:
    with pytest.raises(RegistryError, match=words):
        found(a=text)


def test_a_broken_declaration_ends_the_command_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, Declaration]:
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd" / "declaration.py").write_text("")
        return registry.scan(tmp_path, "no_such_package_at_all")

    monkeypatch.setattr(cli, "scan", broken)
    assert cli.main(["list", "--json"]) == 2
    assert "odd/declaration.py can't be read" in capsys.readouterr().err


def test_an_unknown_name_lists_the_known_ones(found: Folders) -> None:
    with pytest.raises(RegistryError, match=r"no prototype 'c'; known: a, b \(or all\)"):
        select("c", found(a=source("a"), b=source("b")))
    with pytest.raises(RegistryError, match="known: none"):
        select("c", {})


CPU = Implementation("fast", Device.CPU, "", shipped=True)
VALID: dict[str, Any] = {
    "name": "x",
    "title": "t",
    "paper": "p",
    "part": "sampling",
    "module": "prototypes.x.workload",
    "implements": "",
    "deviates": (),
    "cases": (Case("b1-k0.5", {}, seed=0, claims=("p/c",)),),
    "implementations": (CPU,),
    "baselines": (Baseline("plain", ""),),
    "claims": ("p/c",),
}


def test_the_valid_declaration_is_valid() -> None:
    assert Declaration(**VALID).devices == (Device.CPU,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "My-Name"}, "is no prototype name"),
        ({"cases": (Case("B 1", {}, seed=0),)}, "is no case id"),
        ({"cases": (Case("c", {}, seed=0), Case("c", {}, seed=1))}, "case declared twice"),
        ({"cases": ()}, "at least one case"),
        ({"cases": (Case("c", {}, seed=0, claims=("p/other",)),)}, "undeclared claims"),
        ({"cases": (Case("c", {}, seed=0, target_weight=-1),)}, "can't be negative"),
        (
            {"cases": (Case("c", {}, seed=0, target_weight=1),), "untargeted": "steps only"},
            "a target case, where `untargeted` says there is none",
        ),
        ({"baselines": (Baseline("fast", ""),)}, "baseline declared twice"),
        ({"implementations": (CPU, replace(CPU, name="also"))}, "shipped on cpu, not 2"),
        ({"implementations": (replace(CPU, shipped=False),)}, "shipped on cpu, not 0"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(DeclarationError, match=words):
        Declaration(**{**VALID, **change})


def test_what_a_session_measures() -> None:
    declaration = Declaration(
        **{
            **VALID,
            "cases": (
                Case("full", {}, seed=0),
                Case("quick", {}, seed=0, quick=True),
                Case("big", {}, seed=0, devices=(Device.CUDA,)),
            ),
            "implementations": (
                Implementation("other", Device.CPU, ""),
                CPU,
                Implementation("triton", Device.CUDA, "", shipped=True),
            ),
        }
    )

    def chosen(**settings: Any) -> list[tuple[str, str]]:
        plans = plan([declaration], Settings(**{"device": Device.CPU, **settings}))
        return [(p.case.id, p.implementation.name) for p in plans]

    shipped_first = [("full", "fast"), ("quick", "fast"), ("full", "other"), ("quick", "other")]
    assert chosen() == shipped_first
    assert chosen(quick=True) == [("quick", "fast")]
    assert chosen(quick=True, case="full") == [("full", "fast")]
    assert chosen(case="big") == []
    assert chosen(device=Device.CUDA, case="big") == [("big", "triton")]


def test_the_declaration_in_the_documentation_is_one() -> None:
    text = (PROJECT / "docs" / "add-a-prototype.md").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    assert json.loads(json.dumps(names["DECLARATION"].to_json()))["name"] == "my_attention"


def test_an_implementation_is_measured_only_where_it_applies() -> None:
    declaration = Declaration(
        name="two", title="t", paper="p", part="sampling", module="none", implements="",
        deviates=(), baselines=(), cases=(Case("small", {}, seed=0), Case("large", {}, seed=0)),
        implementations=(
            Implementation("a", Device.CPU, "", shipped=True),
            Implementation("b", Device.CPU, "", applies=lambda case: case.id == "large"),
        ),
    )  # fmt: skip
    plans = plan([declaration], Settings(Device.CPU))
    assert [(p.case.id, p.implementation.name) for p in plans] == [
        ("small", "a"),
        ("large", "a"),
        ("large", "b"),
    ]
    listed = {i["name"]: i["cases"] for i in declaration.to_json()["implementations"]}
    assert listed == {"a": ["small", "large"], "b": ["large"]}


def test_a_shipped_implementation_applies_everywhere() -> None:
    with pytest.raises(DeclarationError, match="two/large: a is shipped on cpu"):
        Declaration(
            name="two", title="t", paper="p", part="sampling", module="none", implements="",
            deviates=(), baselines=(), cases=(Case("small", {}, seed=0), Case("large", {}, seed=0)),
            implementations=(
                Implementation("a", Device.CPU, "", shipped=True, applies=lambda c: c.id[0] == "s"),
            ),
        )  # fmt: skip
