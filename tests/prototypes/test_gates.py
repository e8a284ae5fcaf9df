"""What the gates catch: each wrong or cheating code is `broken`, and no number leaves."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from prototypes.harness import measure, timing
from prototypes.harness.gates import Check, GateError, GateReport, PassedGates, merge
from prototypes.harness.outcome import Outcome, Timing, without_times
from prototypes.harness.roofline import Rates
from prototypes.harness.status import Status
from prototypes.harness.tricks import Trick
from prototypes.harness.workload import Work
from tests.prototypes.specimens.declaration import DECLARATION
from tests.prototypes.specimens.workload import WORKLOAD

RATES = Rates(1e10, 1e11, 1 << 30, 1e11)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "QUICK", timing.Budget(9, 7, 0.5, 0.05, 3))


def outcome(behaviour: str) -> Outcome:
    return measure.run_case(
        DECLARATION,
        WORKLOAD,
        DECLARATION.case(behaviour),
        "doubling",
        torch.device("cpu"),
        RATES,
        quick=True,
    )


@pytest.mark.parametrize(
    ("behaviour", "caught_by"),
    [
        ("wrong", "error"),
        ("writes-nothing", "outputs not written"),
        ("writes-nan", "outputs not finite"),
        ("overwrites-input", "input bytes changed"),
        ("remembers-by-address", "error"),
        ("stops-working-when-timed", "after timing: outputs not written"),
    ],
)
def test_wrong_code_is_broken_and_carries_no_number(behaviour: str, caught_by: str) -> None:
    record = outcome(behaviour).to_json()
    assert record["status"] == "broken"
    assert record["fidelity"]["pass"] is False
    assert caught_by in [c["name"] for c in record["fidelity"]["checks"] if not c["pass"]]
    assert not {"speedup", "time_us", "samples", "baselines"} & record.keys()
    assert caught_by in record["error"]["message"]


def test_the_techniques_flaw_is_not_ours() -> None:
    record = outcome("below-quality").to_json()
    assert record["status"] == "below_quality"
    assert record["fidelity"]["pass"] is True
    assert record["quality_pass"] is False
    assert not {"speedup", "time_us", "samples", "baselines"} & record.keys()


def test_a_bar_that_the_technique_misses_on_some_inputs_is_quality() -> None:
    record = outcome("misses-on-some-inputs").to_json()
    assert record["status"] == "below_quality", record["error"]
    assert record["fidelity"]["pass"] is True
    failed = [c["name"] for c in record["quality"]["checks"] if not c["pass"]]
    assert failed == ["loss of one call"]
    assert not {"speedup", "time_us", "samples", "baselines"} & record.keys()


def test_a_bar_that_only_a_used_kernel_misses_is_the_codes_fault() -> None:
    record = outcome("misses-when-called-often").to_json()
    assert record["status"] == "broken"
    assert record["fidelity"]["pass"] is False


def test_what_fails_while_timed_is_told_apart_too() -> None:
    good, bad = Check.at_most("good", 1, 2), Check.at_most("bad", 3, 2)
    passed = Outcome(GateReport((good,), (good,)), gate_seed=1)
    missed = replace(bad, of_technique=True).during("while timed", Trick.WRONG_WHEN_TIMED)
    wrong = bad.during("while timed", Trick.WRONG_WHEN_TIMED)
    below = without_times(passed, [good, missed])
    assert below.status is Status.BELOW_QUALITY
    assert not below.report.tricks
    assert missed in below.report.failures
    # What the technique missed, by however much, hides no code that is wrong.
    farther = replace(missed, value=99.0)
    for checks in ([wrong, farther], [farther, wrong]):
        broken = without_times(passed, checks)
        assert broken.status is Status.BROKEN
        assert broken.report.tricks == (Trick.WRONG_WHEN_TIMED,)


def test_faster_than_the_device_can_be_is_refused() -> None:
    record = outcome("impossible").to_json()
    assert record["status"] == "implausible"
    assert "speedup" not in record
    assert all(b["speedup"] is None and b["time_us"] is None for b in record["baselines"])


def test_honest_code_is_timed_against_every_baseline_that_is_right() -> None:
    record = outcome("honest").to_json()
    assert record["status"] == "ok"
    assert record["quality_pass"] is True
    rows = {b["name"]: b for b in record["baselines"]}
    assert rows["slow"]["speedup"]["median"] > 1.2
    assert rows["slower"]["time_us"]["median"] > rows["slow"]["time_us"]["median"]
    assert rows["slow"]["roles"] == ["paper", "strongest"]
    assert rows["slower"]["roles"] == ["engine"]
    assert record["baseline"] == "slow"
    assert record["speedup"] == rows["slow"]["speedup"]
    assert rows["missing"]["available"] is False
    assert rows["missing"]["why"] == "The library isn't here."
    assert rows["cheating"]["available"] is False
    assert "outputs not written" in rows["cheating"]["why"]
    assert rows["cheating"]["speedup"] is None
    assert len(record["samples"]) == len(rows["slow"]["samples"]) == record["method"]["rounds"]


def test_no_time_without_passed_gates() -> None:
    good, bad = Check.at_most("good", 1, 2), Check.at_most("bad", 3, 2)
    for report in (
        GateReport((), (good,)),
        GateReport((good,), ()),
        GateReport((bad,), (good,)),
        GateReport((good,), (bad,)),
    ):
        with pytest.raises(GateError):
            PassedGates(report)
    assert PassedGates(GateReport((good,), (good,))).report.quality_pass


def test_no_timing_without_a_proof_that_holds() -> None:
    good, bad = Check.at_most("good", 1, 2), Check.at_most("bad", 3, 2)

    def timing_by(gates: Any) -> Timing:
        return Timing(gates, [1.0], (), {}, Work(1, 1), None, 0.0)

    assert timing_by(PassedGates(GateReport((good,), (good,)))).candidate == [1.0]
    forged = object.__new__(PassedGates)
    object.__setattr__(forged, "report", GateReport((bad,), (good,)))
    with pytest.raises(GateError, match="bad"):
        timing_by(forged)
    with pytest.raises(AttributeError):
        timing_by(None)


def test_a_check_cannot_claim_to_have_passed() -> None:
    with pytest.raises((AttributeError, TypeError)):  # frozen, with slots: which, Python decides
        Check.at_most("bad", 3, 2).passed = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        Check("bad", 3, 2, passed=True)  # type: ignore[call-arg]


def test_nan_never_passes() -> None:
    assert not Check.at_most("x", math.nan, 1).passed
    assert not Check.at_least("x", math.nan, 1).passed
    assert Check.at_most("x", math.nan, 1).to_json()["value"] is None


def test_merging_keeps_the_worst_of_a_name() -> None:
    checks = [Check.at_most("a", v, 1.0) for v in (0.1, 0.9, 0.5)]
    assert merge(checks) == (checks[1],)
    checks += [Check.at_most("a", v, 1.0) for v in (1.1, 5.0, 2.0)]
    assert merge(checks)[0].value == 5.0
    checks.append(Check.at_most("a", math.nan, 1.0))
    assert math.isnan(merge(checks)[0].value)


def test_no_gate_report_is_no_success() -> None:
    assert Outcome(GateReport(()), gate_seed=1).status is Status.BROKEN
