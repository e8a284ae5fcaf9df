"""A person's own target: on top of a shipped one, checked, written so that it reads the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts import InTarget, Part
from analyzers.rules import rules_of
from analyzers.targets import TargetError, judged_targets, load_target, target_of, target_record
from analyzers.targets.checking import problems
from analyzers.targets.writing import to_toml

ENTRY = """
[[engine]]
paper = "sage"
state = "merged"
date = "2026-12-01"
why = { en = "ours", zh = "ours" }
"""


def own(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def test_an_edit_stands_on_the_shipped_file(tmp_path: Path) -> None:
    own(tmp_path, "llama.cpp", 'base = "llama.cpp"\n[devices]\ndatacentre_gpu = 0.9\n' + ENTRY)
    shipped, mine = load_target(), load_target("llama.cpp", tmp_path)
    assert {k.value: v for k, v in mine.devices.items()} == {
        "cpu": 1.0, "consumer_gpu": 1.0, "datacentre_gpu": 0.9,
    }  # fmt: skip
    assert mine.shares == shipped.shares
    assert len(mine.engine) == len(shipped.engine) + 1
    state = mine.engine_state("sage")
    assert state is not None
    assert state.state is InTarget.MERGED
    assert mine.base == ""


def test_an_entry_of_the_same_date_takes_the_other_s_place(tmp_path: Path) -> None:
    held = load_target().engine_state("sage")
    assert held is not None
    own(tmp_path, "llama.cpp", 'base = "llama.cpp"\n' + ENTRY.replace("2026-12-01", held.date))
    assert len(load_target("llama.cpp", tmp_path).engine) == len(load_target().engine)


def test_a_target_of_one_s_own_takes_over_the_answers_of_its_base(tmp_path: Path) -> None:
    before = rules_of("llama.cpp", tmp_path)
    own(tmp_path, "mine", 'name = "mine"\nbase = "vllm"\n[shares]\ndecode = 0.6\n')
    mine = load_target("mine", tmp_path)
    assert (mine.name, mine.base) == ("mine", "vllm")
    assert mine.relevance.answers == load_target("vllm").relevance.answers
    assert judged_targets(tmp_path) == ["llama.cpp", "vllm"]
    assert rules_of("llama.cpp", tmp_path) == before  # no file has to be read again for it
    own(tmp_path, "mine", 'name = "mine"\nbase = "vllm"\n[relevance]\nbase = 0.5\n')
    assert judged_targets(tmp_path) == ["llama.cpp", "mine", "vllm"]
    assert rules_of("llama.cpp", tmp_path) != before


@pytest.mark.parametrize("base", ["nothing", "../vllm", "mine"])
def test_a_base_is_a_shipped_target(tmp_path: Path, base: str) -> None:
    own(tmp_path, "mine", f'name = "mine"\nbase = "{base}"\n')
    with pytest.raises(TargetError, match="ships with the project"):
        load_target("mine", tmp_path)
    assert "mine" not in judged_targets(tmp_path)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"shares": {"decode": 0.0}}, "share of decode is 0, and it isn't in 0"),
    ({"shares": {"decode": "half"}}, "share of decode is half"),
    ({"shares": {"whole_run": 0.9}}, "whole run is 1, not 0.9"),
    ({"shares": {"decode": 0.6}}, "parts of whole_run take 1.1 together"),
    ({"shares": {"decode_attention": 0.2}}, "parts of decode take 0.585"),
    ({"shares": {"thinking": 0.2}}, "shares has no thinking"),
    ({"devices": {"cpu": -0.1}}, "weight of cpu is -0.1"),
    ({"devices": {"counts_from": 1.5}}, "weight of counts_from is 1.5"),
    ({"devices": {"tpu": 1.0}}, "devices has no tpu"),
    ({"core_techniques": ["magic"]}, "core_techniques has no magic"),
    ({"default_parts": {"moe": ["decode"]}}, "default_parts.moe is two of"),
    ({"workload": {"batch": 0}}, "workload.batch is a whole number from 1, not 0"),
    ({"date": "yesterday"}, "date: yesterday is no date"),
    ({"engine": [{"paper": "sage", "state": "maybe", "date": "2026-13"}]}, "state maybe"),
    ({"engine": [{"paper": "sage", "state": "no", "date": "2026-13"}]}, "2026-13 is no date"),
    ({"engine": [{"paper": "x", "state": "no", "date": "2026", "relevance": 2}]}, "x is 2, and"),
]  # fmt: skip


@pytest.mark.parametrize(("own_part", "says"), MISTAKES)
def test_each_mistake_is_one_sentence(own_part: dict[str, Any], says: str) -> None:
    from analyzers.targets.files import on_top

    record = on_top(target_record("llama.cpp"), own_part)
    told = [str(problem) for problem in problems(record)]
    assert any(says in sentence for sentence in told), told
    assert all(sentence.endswith((".", "2026-11-24.")) for sentence in told)
    with pytest.raises(TargetError):
        target_of(record)


@pytest.mark.parametrize("name", ["llama.cpp", "vllm"])
def test_a_shipped_target_has_no_mistake_and_is_written_as_it_was_read(name: str) -> None:
    record = target_record(name)
    assert problems(record) == []
    assert tomllib.loads(to_toml(record)) == record
    assert target_of(record) == load_target(name)
    assert load_target(name).shares[Part.WHOLE_RUN] == 1


LEAVES = st.one_of(
    st.text(),
    st.integers(-(2**60), 2**60),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
TABLES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), TABLES, max_size=4))
def test_whatever_is_written_reads_the_same(record: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(record)) == record


@pytest.mark.parametrize("value", [None, float("nan"), object()])
def test_what_toml_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no form in TOML"):
        to_toml({"x": value})
