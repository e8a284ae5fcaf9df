"""From `new` to a prototype that passes: in a copy of the project, by the commands alone."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.prototypes.fresh import Done, Fresh

pytestmark = pytest.mark.xdist_group("interpreter")  # one process forks for all

NAME = "row_scale"
PAPER = "int_flash"

# What an author fills in: y = x in eight bits, a scale a row. Every mark of the skeleton is here.
ANSWERS = {
    "declaration.py": [
        ('title="FILL IN: what it does, in a few words"', 'title="Rows in eight bits"'),
        ('part="FILL IN",', 'part="decode_attention",'),
        ("FILL IN: what the code does, in two sentences.", "Rounds each row to 255 steps."),
        ("FILL IN: each point where it isn't what the paper has.", "No attention: rows alone."),
        ("FILL IN: the kind that the paper compares with", "float16"),
        ("FILL IN: what the target does today", "one scale for all rows"),
        ("FILL IN: error against float64", "eight bits of a normal value: error against float64"),
    ],
    "__init__.py": [("FILL IN: the technique in a line", "Rows in eight bits")],
    "workload.py": [
        (
            'raise NotImplementedError("FILL IN: the technique")',
            'x = inputs["x"]\n'
            "    scale = x.abs().amax(dim=-1, keepdim=True) / 127\n"
            '    torch.mul((x / scale).round(), scale, out=outputs["y"])',
        ),
        (
            'raise NotImplementedError("FILL IN: the paper\'s baseline")',
            'outputs["y"].copy_(inputs["x"].half())',
        ),
        (
            'raise NotImplementedError("FILL IN: the engine\'s baseline")',
            'scale = inputs["x"].abs().amax() / 512\n'
            '    torch.mul((inputs["x"] / scale).round(), scale, out=outputs["y"])',
        ),
        (
            'raise NotImplementedError("FILL IN: the oracle")',
            'return {"y": inputs["x"].double()}',
        ),
        (
            'raise NotImplementedError("FILL IN: the technique\'s emulation")',
            "rows = []\n"
            '        for row in inputs["x"]:\n'
            "            scale = row.abs().max() / 127\n"
            "            rows.append((row / scale).round() * scale)\n"
            '        return {"y": torch.stack(rows)}',
        ),
        (
            'raise NotImplementedError("FILL IN: Work(bytes=…, flops=…)")',
            'size = int(case.parameters["rows"]) * int(case.parameters["width"])\n'
            "        return Work(bytes=8 * size, flops=4 * size)",
        ),
    ],
    "test": [
        ("# FILL IN: a row of x small enough to work out on paper, and its y.", "# By hand:"),
        ("X: list[float] = []", "X: list[float] = [0.5, -2.0]"),
        ("Y: list[float] = []", "Y: list[float] = [0.5, -2.0]"),
    ],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, fresh: Fresh) -> Path:
    """A copy with a prototype that lacks nothing."""
    root = copy_of_project(tmp_path_factory.mktemp("filled"))
    assert fresh.run(root, "prototypes", "new", NAME, "--paper", PAPER).returncode == 0
    fill_in(root)
    link(root)
    return root


def copy_of_project(root: Path) -> Path:
    """Copy what the commands and the skeleton's test need."""
    skip = shutil.ignore_patterns("__pycache__", "results")
    shutil.copytree(PROJECT / "prototypes", root / "prototypes", ignore=skip)
    shutil.copytree(PROJECT / "db" / "seed" / "papers", root / "db" / "seed" / "papers")
    (root / "tests" / "prototypes").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "docs" / "prototypes.md").write_text("# Prototypes\n")
    return root


def run_tests(fresh: Fresh, root: Path) -> Done:
    return fresh.run(
        root, "pytest", "-q", "-p", "no:cacheprovider", f"tests/prototypes/test_{NAME}.py"
    )


def fill_in(root: Path) -> None:
    for file, pairs in ANSWERS.items():
        path = (
            root / "tests" / "prototypes" / f"test_{NAME}.py"
            if file == "test"
            else root / "prototypes" / NAME / file
        )
        text = path.read_text()
        for old, new in pairs:
            assert text.count(old) == 1, (file, old)
            text = text.replace(old, new)
        path.write_text(text)


def link(root: Path) -> None:
    seed = root / "db" / "seed" / "papers" / f"{PAPER}.toml"
    text = seed.read_text()
    if re.search(r"^prototypes = \[", text, re.MULTILINE):
        text = re.sub(r"^prototypes = \[", f'prototypes = ["{NAME}", ', text, flags=re.MULTILINE)
    else:
        text = f'prototypes = ["{NAME}"]\n' + text
    seed.write_text(text)
    page = root / "docs" / "prototypes.md"
    page.write_text(page.read_text() + f"- `{NAME}`: rows in eight bits\n")


def missing(output: str) -> list[str]:
    return [line.split("  ", 2)[-1].strip() for line in output.splitlines() if "missing  " in line]


def test_from_new_to_a_prototype_that_passes(tmp_path: Path, fresh: Fresh) -> None:
    copy = copy_of_project(tmp_path)
    made = fresh.run(copy, "prototypes", "new", NAME, "--paper", PAPER)
    assert made.returncode == 0, made.stderr
    written = made.stdout.splitlines()
    assert f"python -m prototypes check {NAME}" in written[-1]
    assert len(written) == 5
    folder = copy / "prototypes" / NAME
    assert sorted(p.name for p in folder.iterdir()) == [
        "__init__.py",
        "declaration.py",
        "workload.py",
    ]
    # Found without being on any list.
    assert f"{NAME}: FILL IN" in fresh.run(copy, "prototypes", "list").stdout

    checked = fresh.run(copy, "prototypes", "check", NAME)
    assert checked.returncode == 1, checked.stderr
    lacks = "\n".join(missing(checked.stdout))
    for words in ("nothing says FILL IN", "part is one of", "prototypes", "a page of docs/"):
        assert words in lacks
    assert "work gives bytes and flops" in lacks
    failed = run_tests(fresh, copy)
    assert failed.returncode == 1
    assert "3 failed" in failed.stdout, failed.stdout[-2000:]

    fill_in(copy)
    link(copy)
    checked = fresh.run(copy, "prototypes", "check", NAME)
    assert missing(checked.stdout) == []
    assert checked.returncode == 0, checked.stderr
    assert "the gates notice outputs rounded to bfloat16" in checked.stdout
    passed = run_tests(fresh, copy)
    assert passed.returncode == 0, passed.stdout[-2000:]

    out = copy / "runs.json"
    measured = fresh.run(
        copy, "prototypes", "run", NAME, "--device", "cpu", "--quick", "--out", str(out)
    )
    assert measured.returncode == 0, measured.stderr
    assert '"status": "ok"' in out.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # Each undoes one thing that the author did, and `check` says which.
        (("workload.py", "quality_bar = 1e-2", "quality_bar = 1e-9"), "passes both gates"),
        (("workload.py", "fidelity_bar = 1e-5", "fidelity_bar = 1.0"), "rounded to bfloat16"),
        (("workload.py", "bytes=8 * size", "bytes=0"), "work gives bytes and flops"),
        (("declaration.py", "(Role.ENGINE,)", "()"), "a baseline with the role engine"),
        (("declaration.py", "target_weight=1.0", "target_weight=0.0"), "has a target weight"),
        (("declaration.py", "quick=True", "quick=False"), "is quick, tests a claim"),
        (("declaration.py", "claims=(CLAIM,),\n        ),", "),"), "a case tests the claim"),
        (("declaration.py", f'paper="{PAPER}"', 'paper="nowhere"'), "there is db/seed/papers/"),
        (("workload.py", 'outputs["y"].copy_(inputs["x"].half())', "pass"), "torch_paper gives"),
        (
            (
                "workload.py",
                'outputs["y"].copy_(inputs["x"].half())',
                'outputs["y"].copy_(WORKLOAD.oracle(None, inputs)["y"])',
            ),
            "no baseline uses the oracle",
        ),
    ],
)
def test_check_says_what_is_missing(
    filled: Path, fresh: Fresh, change: tuple[str, str, str], words: str
) -> None:
    file, old, new = change
    path = filled / "prototypes" / NAME / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    try:
        checked = fresh.run(filled, "prototypes", "check", NAME)
    finally:
        path.write_text(text)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    told = "\n".join(missing(checked.stdout))
    assert [w for w in words.split(", ") if w not in told] == [], checked.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", "My-Name"], "is no name for a prototype"),
        (["new", "harness"], "is no name for a prototype"),
        (["new", "sampling"], "already: choose another name"),
        (["new", "fresh", "--paper", "nowhere"], "The seed has no paper 'nowhere'; known: "),
        (["check", "nowhere"], "no prototype 'nowhere'"),
        (["check", "all"], "name it"),
    ],
)
def test_wrong_usage_is_one_sentence(
    filled: Path, fresh: Fresh, arguments: list[str], words: str
) -> None:
    done = fresh.run(filled, "prototypes", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (filled / "prototypes" / "fresh").exists()
