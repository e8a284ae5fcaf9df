"""Two documents side by side: four answers, and a reason where there is none."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from prototypes.harness.cli import main
from prototypes.harness.comparing import ComparingError, Pair, pairs
from prototypes.harness.source_hash import BYTES_HASHES

ENVIRONMENT = {
    "device_id": "a-cpu",
    "noise_floor": 0.03,
    "threads": 1,
    "harness_hash": "h",
    "software": {"torch": "2.13", "python": "3.11"},
}
RUN = {
    "prototype": "thing",
    "case": "c1",
    "implementation": "fast",
    "scope": "call",
    "device": "cpu",
    "status": "ok",
    "case_parameters": {"n": 1},
    "seed": 1,
    "code_hash": "s1-a",
    "samples": [100.0] * 20,
    "method": {"timer": "t", "cache": "c"},
    "time_us": {"median": 100.0, "low": 99.0, "high": 101.0},
}


def document(**changes: Any) -> dict[str, Any]:
    run = copy.deepcopy(RUN) | changes
    return {"environment": copy.deepcopy(ENVIRONMENT), "runs": [run]}


def took(median: float, width: float = 0.01) -> dict[str, Any]:
    ends = {"median": median, "low": median * (1 - width), "high": median * (1 + width)}
    return document(time_us=ends)


def only(a: dict[str, Any], b: dict[str, Any]) -> Pair:
    (pair,) = pairs(a, b)
    return pair


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        (took(100), took(50), "faster"),
        (took(100), took(200), "slower"),
        (took(100), took(100), "same"),
        (took(100), took(101, 0.005), "same"),
        (took(100), took(95, 0.02), "unclear"),
        (took(100, 0.2), took(100, 0.2), "unclear"),
    ],
)
def test_four_answers(before: dict[str, Any], after: dict[str, Any], answer: str) -> None:
    pair = only(before, after)
    assert pair.to_json()["answer"] == answer
    assert answer in pair.line()
    assert pair.speed is not None
    assert pair.speed.median == pytest.approx(
        before["runs"][0]["time_us"]["median"] / after["runs"][0]["time_us"]["median"]
    )


def test_swapping_the_two_turns_the_answer_round() -> None:
    there, back = only(took(100), took(60)), only(took(60), took(100))
    assert there.speed is not None
    assert back.speed is not None
    assert there.speed.low == pytest.approx(1 / back.speed.high)
    assert there.speed.high == pytest.approx(1 / back.speed.low)


def test_what_is_unclear_says_how_many_rounds_would_settle_it() -> None:
    pair = only(took(100), took(95, 0.02))
    assert pair.compared is not None
    assert pair.compared.more_rounds is not None
    assert f"{pair.compared.more_rounds} more rounds" in pair.line()


def other_environment(**changes: Any) -> dict[str, Any]:
    changed = document()
    changed["environment"] |= changes
    return changed


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (document(status="broken", time_us=None), "B has no time: its status is broken"),
        (document(case_parameters={"n": 2}), "other parameters or another seed"),
        (document(seed=2), "other parameters or another seed"),
        (document(method={"timer": "t", "cache": "warm"}), "timed differently: c in A, warm in B"),
        (document(method={"timer": "u", "cache": "c"}), "timed differently: t in A, u in B"),
        (document(time_us={"median": 0, "low": 0, "high": 0}), "no interval of positive numbers"),
        (other_environment(device_id="b-cpu"), "A is of a-cpu, B of b-cpu"),
        (other_environment(threads=4), "A had 1 threads, B 4"),
    ],
)
def test_what_cannot_be_compared_says_why(other: dict[str, Any], words: str) -> None:
    pair = only(document(), other)
    assert pair.speed is None
    assert pair.to_json()["answer"] is None
    assert words in pair.line()


def test_a_run_that_only_one_has_is_listed() -> None:
    both = document()
    both["runs"].append(copy.deepcopy(RUN) | {"case": "c2"})
    assert [p.why for p in pairs(both, document())] == [None, "Only A has it."]
    assert [p.why for p in pairs(document(), both)] == [None, "Only B has it."]


def test_what_may_be_the_reason_is_noted() -> None:
    changed = took(50)
    changed["runs"][0]["code_hash"] = "s1-b"
    changed["environment"]["software"]["torch"] = "2.14"
    notes = only(document(), changed).notes
    assert notes == ("the kernels differ", "torch 2.13 in A, 2.14 in B")


def test_two_hashes_of_the_same_kernels_are_no_difference() -> None:
    a, b = took(100), took(50)
    a["runs"][0]["code_hash"], b["runs"][0]["code_hash"] = BYTES_HASHES
    assert only(a, b).notes == ()


def test_nothing_in_common_is_a_sentence() -> None:
    with pytest.raises(ComparingError, match="no run of the same"):
        pairs(document(), document(case="c2"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, content in zip(files, (took(100), took(50)), strict=True):
        file.write_text(json.dumps(content))
    assert main(["compare", *map(str, files)]) == 0
    assert "thing c1 fast: faster, 2x [" in capsys.readouterr().out
    assert main(["compare", *map(str, files), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["answer"], record["why_not"]) == ("faster", None)
    files[1].write_text(json.dumps(document(status="error", time_us=None)))
    assert main(["compare", *map(str, files)]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "Can't read"),
        ("{", "is no JSON"),
        ("[]", "is no run document"),
        ('{"runs": [1]}', "is no run document"),
        ('{"runs": []}', "has no environment"),
    ],
)
def test_a_file_that_is_no_document_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    file, good = tmp_path / "a.json", tmp_path / "b.json"
    if content is not None:
        file.write_text(content)
    good.write_text(json.dumps(document()))
    assert main(["compare", str(file), str(good)]) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert printed.count("\n") == 1
