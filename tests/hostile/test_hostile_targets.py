"""A target file from an attacker: refused in a sentence, and no other target suffers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from analyzers.targets import TargetError, judged_targets, load_target, target_record
from analyzers.targets.files import read_toml
from app import home
from app.errors import AssayError
from app.workflows import target_files
from app.workflows import targets as workflows
from app.workflows.settings import settings as own_settings
from tests.app.conftest import Assay
from tests.hostile.texts import PIECES

HEAD = 'base = "llama.cpp"\nname = "hostile"\n'
ENTRY = '[[engine]]\npaper = "sage"\ndate = "2024-01"\nstate = "no"\n'
FILES = {
    "arrays in arrays": "x = " + "[" * 10**5 + "]" * 10**5,
    "tables in tables": "x = " + "{a=" * 5000 + "1" + "}" * 5000,
    "a key of twenty thousand": ".".join("a" * 20_000) + " = 1",
    "a table of twenty thousand": f"[{'.'.join('a' * 20_000)}]\nb = 1",
    "a table under a table": f"{HEAD}[shares.{'.'.join('a' * 3000)}]\nb = 1",
    "5000 digits": f"{HEAD}[shares]\ndecode = {'9' * 5000}",
    "400 digits": f"{HEAD}[devices]\ncpu = {'9' * 400}",
    "a batch of 400 digits": f"{HEAD}[workload]\nbatch = {'9' * 400}",
    "a base of 400 digits": f"{HEAD}[relevance]\nbase = {'9' * 400}",
    "nan": f"{HEAD}[devices]\ncounts_from = nan",
    "inf": f"{HEAD}[devices]\ncpu = inf",
    "a date that is one": f"{HEAD}date = 2024-01-01",
    "engine a word": f'{HEAD}engine = "abc"',
    "engine numbers": f"{HEAD}engine = [1, 2]",
    "a paper of lists": f'{HEAD}[[engine]]\npaper = ["a"]\ndate = {{}}',
    "an entry of nothing": f"{HEAD}[[engine]]",
    "a state of lists": ENTRY.replace('"no"', '["no"]'),
    "evidence a word": f'{HEAD}{ENTRY}evidence = "abc"',
    "evidence of numbers": f"{HEAD}{ENTRY}evidence = [1]",
    "why a word": f'{HEAD}{ENTRY}why = "abc"',
    "a base elsewhere": 'base = "../../../etc/passwd"',
    "a base by its whole path": 'base = "/etc/passwd"',
    "a base of lists": 'base = ["llama.cpp"]\nname = "hostile"',
    "itself as a base": 'base = "hostile"\nname = "hostile"',
    "a name of lists": 'base = "llama.cpp"\nname = ["x"]',
    "a title that is a word": f'{HEAD}title = "x"',
    "a title of numbers": f"{HEAD}[title]\nen = 3",
    "shares a word": f'{HEAD}shares = "x"',
    "techniques of tables": f"{HEAD}core_techniques = [{{a = 1}}]",
    "parts of tables": f"{HEAD}[default_parts]\nother = [{{a = 1}}, [1]]",
    "roles of numbers": f'{HEAD}baseline_roles = [1, "engine"]',
    "edits a number": f"{HEAD}edits = 3",
    "edits of nothing": f"{HEAD}[[edits]]",
    "a sign that is no pattern": f'{HEAD}[[relevance.signs]]\nwords = "a"\npattern = "(("\n'
    'points = 0.1\ntext = {en = "a", zh = "a"}',
    "a sign of deep groups": f'{HEAD}[[relevance.signs]]\nwords = "a"\n'
    f'pattern = "{"(" * 5000}{")" * 5000}"\npoints = 0.1\ntext = {{en = "a", zh = "a"}}',
    "one megabyte and more": "# " + "x" * (1 << 20),
    "nothing": "", "no TOML": "<html>", "a zero byte": 'name = "\\u0000"',
    "a mark of order": "\ufeffname = 'x'",
}  # fmt: skip


@pytest.fixture
def folder(own_home: Path) -> Path:
    return home.targets_folder()


@pytest.mark.parametrize("name", FILES)
def test_it_is_refused_in_a_sentence_and_the_others_stay(name: str, folder: Path) -> None:
    (folder / "hostile.toml").write_text(FILES[name], encoding="utf-8")
    with pytest.raises(TargetError) as caught:
        load_target("hostile", folder)
    assert "hostile.toml" in str(caught.value)
    for ask in (
        lambda: target_record("hostile", folder),
        lambda: target_files.own_record("hostile"),
    ):
        try:
            json.dumps(ask())
        except (TargetError, AssayError) as error:
            assert str(error)
    assert "llama.cpp" in judged_targets(folder)
    views = {view.name: view for view in workflows.list_targets()}
    assert views["hostile"].problem is not None
    assert views["llama.cpp"].problem is None
    load_target("llama.cpp", folder)


NAMES = ("../x", "/etc/passwd", "..", ".", "a/b", "a\\b", ".versions", "x\0y", "a" * 300, "",
         "\ud800", "-rf", "con", "x\ny", "x\x1b[2J", *PIECES[:6])  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_to_no_file(name: str, folder: Path) -> None:
    (folder.parent / "x.toml").write_text(HEAD)
    with pytest.raises(TargetError):
        load_target(name, folder)
    if not workflows.NAME.fullmatch(name):
        with pytest.raises(AssayError):
            workflows.create_target(name, "llama.cpp", who="eve")
        assert list(folder.iterdir()) == []


def test_words_of_a_target_stay_words(catalog: Engine, folder: Path, assay: Assay) -> None:
    words = json.dumps(" ".join(PIECES[:8]) + "\x1b[2J\x07\u202e", ensure_ascii=True)
    entry = f"{ENTRY}why = {{en = {words}, zh = {words}}}\nevidence = [{{text = {words}}}]\n"
    log = (f'[[edits]]\nat = {words}\nwho = {words}\nwhy = {words}\n'
           f'changes = [{{field = {words}, before = {words}, after = {words}}}]\n')  # fmt: skip
    title = f"title = {{en = {words}, zh = {words}}}\n"
    (folder / "hostile.toml").write_text(f"{HEAD}{title}{entry}{log}", encoding="utf-8")
    for command in (("target", "list"), ("target", "show", "hostile"),
                    ("list", "--target", "hostile"), ("show", "sage")):  # fmt: skip
        told = assay(*command)
        assert told.status == 0, told.err
        assert not [sign for sign in told.out + told.err if sign in "\x1b\x07\u202e"]


@pytest.mark.parametrize("text", [*list(FILES.values())[:6], "target = 3", "language = ['en']"])
def test_settings_that_lie_say_nothing(text: str, own_home: Path) -> None:
    own_home.mkdir(exist_ok=True)
    (own_home / "settings.toml").write_text(text, encoding="utf-8")
    assert own_settings().target == "llama.cpp"


@given(
    content=st.binary(max_size=300)
    | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace"))
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_a_record_or_a_reason(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.toml"
    file.write_bytes(content)
    try:
        assert isinstance(read_toml(file), dict)
    except ValueError as error:
        assert str(error)
