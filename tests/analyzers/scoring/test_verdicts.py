from __future__ import annotations

from typing import Any

import pytest

from analyzers.facts import Bound, Metric, Part, Scope
from analyzers.scoring.runs import MeasuredRun, failed_quality, measurement
from analyzers.scoring.verdicts import VerdictKind, judge
from tests.analyzers.scoring.builders import claim

KEY = "paper/claim"
CLAIM = claim(2.0, scope=Scope.KERNEL, part=Part.SAMPLING)


def ratio(median: float, half: float = 0.03) -> dict[str, float]:
    return {"median": median, "low": median * (1 - half), "high": median * (1 + half)}


def run(
    speedup: dict[str, float] | None = None,
    *,
    role: str = "paper",
    environment: dict[str, Any] | None = None,
    **changes: Any,
) -> MeasuredRun:
    record: dict[str, Any] = {
        "prototype": "sampling",
        "case": "b1",
        "implementation": "torch",
        "shipped": True,
        "target_weight": 1.0,
        "part": "sampling",
        "scope": "call",
        "status": "ok",
        "provisional": False,
        "claims": [KEY],
        "baselines": [{"name": "sort", "roles": [role], "speedup": speedup}],
    } | changes
    where = {
        "device_id": "cpu-1",
        "device_class": "cpu",
        "started_at": "2026-11-24T00:00:00",
        "noise_floor": 0.02,
    } | (environment or {})
    return MeasuredRun.read(str(changes.get("run_id", "r1")), record, where)


@pytest.mark.parametrize(
    ("speedup", "kind"),
    [
        (ratio(2.5), VerdictKind.CONFIRMED),
        (ratio(1.9), VerdictKind.CONFIRMED),
        (ratio(1.6), VerdictKind.PARTLY),
        (ratio(1.2), VerdictKind.NOT_REPRODUCED),
        (ratio(1.0, 0.01), VerdictKind.NOT_REPRODUCED),
        (ratio(1.03), VerdictKind.UNCLEAR),
        (ratio(0.97), VerdictKind.UNCLEAR),
        (ratio(0.5), VerdictKind.CONTRADICTED),
    ],
)
def test_measured_against_claimed(speedup: dict[str, float], kind: VerdictKind) -> None:
    verdict = judge(CLAIM, "cpu-1", [run(speedup)])
    assert verdict.kind is kind
    assert verdict.run_id == "r1"
    assert all(str(reason) for reason in verdict.reasons)


def test_no_run_is_untested() -> None:
    assert judge(CLAIM, "cpu-1", []).kind is VerdictKind.UNTESTED
    assert judge(CLAIM, "cpu-1", [run(ratio(2), claims=[])]).kind is VerdictKind.UNTESTED


def test_a_broken_prototype_gives_no_verdict() -> None:
    verdict = judge(CLAIM, "cpu-1", [run(None, status="broken")])
    assert verdict.kind is VerdictKind.UNTESTED
    assert verdict.measured is None


def test_not_runnable_here() -> None:
    verdict = judge(CLAIM, "cpu-1", [run(None, status="not_runnable")])
    assert verdict.kind is VerdictKind.NOT_RUNNABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": Metric.MEMORY_REDUCTION},
        {"value": 0.7},
        {"scope": Scope.END_TO_END},
    ],
)
def test_not_comparable(changes: dict[str, Any]) -> None:
    changed = claim(**{"value": 2.0, "scope": Scope.KERNEL, **changes})
    assert judge(changed, "cpu-1", [run(ratio(2))]).kind is VerdictKind.NOT_COMPARABLE


def test_a_claim_about_the_whole_model_is_told_what_its_part_came_to() -> None:
    whole = claim(2.0, scope=Scope.END_TO_END)
    runs = [run(ratio(1.5), case="a"), run(ratio(3.0), case="b"), run(ratio(9.0), role="engine")]
    told = [str(reason) for reason in judge(whole, "cpu-1", runs).reasons]
    assert told[1:] == ["sampling, measured alone: 1.5x to 3x over 2 cases against sort"]
    assert [str(r) for r in judge(whole, "cpu-1", runs[:1]).reasons][1:] == [
        "sampling, measured alone: 1.5x against sort"
    ]
    assert judge(whole, "cpu-1", runs).measured is None
    assert len(judge(whole, "cpu-1", runs[2:]).reasons) == 1


def test_the_papers_baseline_missing_is_not_comparable() -> None:
    verdict = judge(CLAIM, "cpu-1", [run(ratio(2), role="engine")])
    assert verdict.kind is VerdictKind.NOT_COMPARABLE


def test_below_quality_beats_speed() -> None:
    failing = run(None, status="below_quality", case="b8", run_id="r2")
    verdict = judge(CLAIM, "cpu-1", [run(ratio(3)), failing])
    assert verdict.kind is VerdictKind.BELOW_QUALITY
    assert verdict.run_id == "r2"


def test_up_to_takes_the_best_case_and_an_average_the_aggregate() -> None:
    runs = [run(ratio(4.0), case="good"), run(ratio(1.0), case="bad")]
    up_to = claim(4.0, scope=Scope.KERNEL, bound=Bound.UP_TO)
    plain = claim(4.0, scope=Scope.KERNEL)
    assert judge(up_to, "cpu-1", runs).kind is VerdictKind.CONFIRMED
    aggregate = judge(plain, "cpu-1", runs)
    assert aggregate.kind is VerdictKind.PARTLY
    assert aggregate.measured is not None
    assert aggregate.measured.median == pytest.approx(2.0)


def test_full_runs_outrank_newer_quick_ones() -> None:
    full = run(ratio(2.0))
    quick = run(
        ratio(0.5), provisional=True, run_id="q", environment={"started_at": "2026-11-25T00:00:00"}
    )
    verdict = judge(CLAIM, "cpu-1", [full, quick])
    assert verdict.kind is VerdictKind.CONFIRMED
    assert not verdict.provisional
    only_quick = judge(CLAIM, "cpu-1", [quick])
    assert only_quick.provisional
    assert "provisional" in str(only_quick.reasons[-1])


def test_measurement_prefers_the_engine_and_weighs_target_cases() -> None:
    both = [
        {"name": "topk first", "roles": ["engine", "strongest"], "speedup": ratio(0.9)},
        {"name": "sort", "roles": ["paper"], "speedup": ratio(20)},
    ]
    runs = [
        run(case="a", baselines=both, target_weight=3.0),
        run(
            ratio(4.0),
            role="engine",
            case="b",
            target_weight=1.0,
            run_id="r2",
            environment={"started_at": "2026-11-25T00:00:00"},
        ),
        run(ratio(100.0), role="engine", case="c", target_weight=0.0, run_id="r3"),
        run(ratio(100.0), role="engine", case="a", shipped=False, run_id="r4"),
    ]
    found = measurement(runs)
    assert found is not None
    assert found.speedup == pytest.approx(0.9**0.75 * 4.0**0.25)
    assert found.low < found.speedup < found.high
    assert found.baseline_role == "engine"
    assert found.run_ids == ("r1", "r2")
    assert found.measured_at == "2026-11-25T00:00:00"


def test_a_case_that_is_no_target_case_any_more_counts_no_longer() -> None:
    before = run(ratio(2.0), role="engine", case="a", run_id="r1")
    kept = run(ratio(3.0), role="engine", case="b", run_id="r2")
    told_again = run(ratio(2.0), role="engine", case="a", run_id="r0", target_weight=0.0)
    found = measurement([before, kept, told_again])
    assert found is not None
    assert found.run_ids == ("r2",)
    failed = run(None, case="a", status="below_quality", run_id="r3")
    assert failed_quality([failed, kept])
    assert not failed_quality([failed, kept, told_again])


def test_measurement_without_an_engine_baseline_says_strongest() -> None:
    found = measurement([run(ratio(2.0), role="strongest")])
    assert found is not None
    assert found.baseline_role == "strongest"


def test_nothing_measured_is_no_measurement() -> None:
    assert measurement([run(None, status="broken")]) is None
    assert measurement([run(ratio(2.0), role="engine", target_weight=0.0)]) is None
