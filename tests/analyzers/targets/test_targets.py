from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.facts import DeviceClass, InTarget, Part, Regime, Scope, Technique
from analyzers.targets import SHIPPED, TargetError, available_targets, load_target
from analyzers.targets.hardware import device_classes


def test_llama_cpp_counts_what_it_runs_on() -> None:
    target = load_target()
    assert target.counts("NVIDIA RTX 4090")
    assert target.counts("Intel Xeon Gold 6430")
    assert not target.counts("A100-40GB")
    assert target.counts(None)
    assert target.counts("some accelerator")
    assert target.counts("RTX 3090 and A100")


def test_shares_nest() -> None:
    shares = load_target().shares
    assert shares[Part.PREFILL] + shares[Part.DECODE] == shares[Part.WHOLE_RUN]
    for phase, parts in {
        Part.PREFILL: (Part.PREFILL_ATTENTION, Part.PREFILL_LINEARS),
        Part.DECODE: (Part.DECODE_ATTENTION, Part.DECODE_LINEARS, Part.SAMPLING),
    }.items():
        assert sum(shares[p] for p in parts) <= shares[phase]


def test_every_technique_has_a_default_part() -> None:
    target = load_target()
    for technique in Technique:
        assert target.part_of(technique, None) in Part
    assert target.part_of(Technique.ATTENTION, Scope.END_TO_END) is Part.PREFILL
    assert target.part_of(None, Scope.END_TO_END) is Part.WHOLE_RUN


def test_the_engine_s_state_is_read_up_to_a_date() -> None:
    target = load_target()
    today = target.engine_state("eagle3")
    assert today is not None
    assert today.state is InTarget.MERGED
    then = target.engine_state("eagle3", "2025-08-06")
    assert then is None or then.state is InTarget.NO
    assert all(entry.evidence for entry in target.engine)


def test_a_person_s_own_file_wins(tmp_path: Path) -> None:
    text = (SHIPPED / "llama.cpp.toml").read_text(encoding="utf-8")
    (tmp_path / "llama.cpp.toml").write_text(
        text.replace("sampling = 0.005", "sampling = 0.02"), encoding="utf-8"
    )
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert load_target("llama.cpp", tmp_path).shares[Part.SAMPLING] == 0.02
    assert load_target("mine", tmp_path).weight(DeviceClass.CPU) == 1
    assert available_targets(tmp_path) == ["llama.cpp", "mine", "vllm"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("sampling = 0.005", "sampling = 7", "isn't in 0"),
        ("sampling = 0.005\n", "", "lacks sampling"),
        ("cpu = 1.0", "cpu = 9", "isn't in 0"),
        ("[workload]", "[workload", "can't be used"),
        ("decode = 0.50", "decoding = 0.5", "decoding"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (SHIPPED / "llama.cpp.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "llama.cpp.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(TargetError, match=says):
        load_target("llama.cpp", tmp_path)


def test_an_unknown_target_lists_those_there_are() -> None:
    with pytest.raises(TargetError, match=r"Known targets: llama\.cpp"):
        load_target("no-such-engine")
    with pytest.raises(TargetError):
        load_target("../targets/llama.cpp")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RTX 4090", {DeviceClass.CONSUMER_GPU}),
        ("NVIDIA GeForce RTX 3090", {DeviceClass.CONSUMER_GPU}),
        ("RTX A6000", {DeviceClass.CONSUMER_GPU}),
        ("H100 80GB HBM3", {DeviceClass.DATACENTRE_GPU}),
        ("NVIDIA L4", {DeviceClass.DATACENTRE_GPU}),
        ("A10", {DeviceClass.DATACENTRE_GPU}),
        ("L20 48 GB / A100 40 GB", {DeviceClass.DATACENTRE_GPU}),
        ("AMD EPYC 9654", {DeviceClass.CPU}),
        ("Apple M2 Max", {DeviceClass.CONSUMER_GPU}),
        ("Llama-3-8B", set()),
        ("", set()),
    ],
)
def test_hardware_classes(name: str, expected: set[DeviceClass]) -> None:
    assert device_classes(name) == expected


@pytest.mark.parametrize("name", ["llama.cpp", "vllm"])
def test_shipped_targets_answer_and_prove(name: str) -> None:
    target = load_target(name)
    asked = {"path", "has", "demand", "pays"}
    for technique in Technique:
        answers = target.relevance.answers.get(technique, ())
        assert {a.question for a in answers} in (asked, set())
        assert answers or technique is Technique.OTHER
        total = target.relevance.base + sum(a.points for a in answers)
        assert 0 <= total <= 1
    for text in [a.text for a in sum(target.relevance.answers.values(), ())] + [
        sign.text for sign in target.relevance.signs
    ]:
        assert text["en"]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text["zh"])
    for entry in target.engine:
        assert entry.evidence
        assert entry.why["zh"]
        assert all(e.get("url", "https://").startswith("https://") for e in entry.evidence)


def test_vllm_runs_large_batches_on_data_centre_gpus() -> None:
    vllm, llama = load_target("vllm"), load_target("llama.cpp")
    assert (vllm.home, llama.home) == (Regime.LARGE_BATCH, Regime.TARGET)
    assert vllm.counts("H100 80GB HBM3")
    assert not vllm.counts("Intel Xeon Gold 6430")
    assert vllm.baseline_roles[0] == "strongest"
    for paper in ("eagle3", "marlin", "sampling", "2309.06180"):
        state = vllm.engine_state(paper)
        assert state is not None
        assert state.state is InTarget.MERGED
    early = vllm.engine_state("marlin", "2023-01-01")
    assert early is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("base = 0.25", "base = 3", "relevance.base"),
        ("path = { points = 0.15", "path = { points = 15", "aren't in -1"),
        ("pays = {", "price = {", "no question 'price'"),
        ('words = "offload"', "words = \"offload\"\npattern = '('", "the pattern of the sign"),
    ],
)
def test_wrong_relevance_says_what_is_wrong(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (SHIPPED / "llama.cpp.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TargetError, match=says):
        load_target("mine", tmp_path)
