from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.facts import BaselineKind, Bound, DeviceClass, Part, Regime, Scope
from analyzers.scoring import believe, headline_order
from analyzers.scoring.belief import PRIOR_SIGMA
from analyzers.scoring.headline import headline_of
from analyzers.targets import load_target
from tests.analyzers.scoring.builders import claim, measured, paper

TARGET = load_target()


def test_one_plain_claim_is_shrunk_toward_no_gain() -> None:
    belief = believe(paper(claims=(claim(2.1),)), TARGET)
    assert belief.speedup == pytest.approx(1.81, abs=0.005)


def test_two_doubts_shrink_further() -> None:
    doubtful = claim(5.18, bound=Bound.UP_TO, baseline_kind=BaselineKind.UNNAMED, baseline=None)
    belief = believe(paper(claims=(doubtful,)), TARGET)
    assert belief.headline is not None
    assert belief.headline.k == 2
    assert belief.speedup == pytest.approx(2.07, abs=0.005)


@pytest.mark.parametrize("part", [Part.WHOLE_RUN, Part.DECODE])
def test_no_run_is_believed_faster_than_four_deviations_of_the_prior(part: Part) -> None:
    most, more = (
        believe(paper(claims=(claim(value, part=part, scope=Scope.END_TO_END),)), TARGET)
        for value in (7.389, 65.0)
    )
    assert more.speedup == pytest.approx(most.speedup, rel=1e-3)
    assert more.headline is not None
    assert [str(doubt) for doubt in more.headline.doubts] == ["more than 7.4x: it counts as that"]
    kernel = claim(65.0, part=Part.SAMPLING, scope=Scope.KERNEL)
    assert believe(paper(claims=(kernel,)), TARGET).speedup > 20


def test_nothing_known_is_the_prior() -> None:
    belief = believe(paper(), TARGET)
    assert not belief.known
    assert belief.speedup == pytest.approx(1.0)
    assert belief.low == pytest.approx(2.718281828 ** (-0.5 * 1.644854), rel=1e-6)


def test_a_sharp_measurement_carries_95_percent() -> None:
    belief = believe(paper(claims=(claim(6.0),), measurements=(measured(1.2),)), TARGET)
    assert belief.measured_weight >= 0.95
    assert belief.speedup == pytest.approx(1.28, abs=0.03)


def test_measurements_never_weigh_more_than_the_cap() -> None:
    many = tuple(measured(1.5, sigma=0.001, device_id=f"d{i}") for i in range(20))
    belief = believe(paper(measurements=many), TARGET)
    assert belief.sigma_ln**-2 == pytest.approx(404)


def test_a_data_centre_measurement_weighs_a_quarter() -> None:
    far = measured(2.0, device_class=DeviceClass.DATACENTRE_GPU)
    assert believe(paper(measurements=(far,)), TARGET).sigma_ln ** -2 == pytest.approx(104)


def test_kernel_claim_and_kernel_measurement_are_pooled_before_the_share_is_applied() -> None:
    kernel = claim(2.0, part=Part.SAMPLING, scope=Scope.KERNEL)
    belief = believe(
        paper(claims=(kernel,), measurements=(measured(15.0, part=Part.SAMPLING),)), TARGET
    )
    assert belief.part is Part.SAMPLING
    assert belief.speedup > 10
    assert 1 < belief.run_speedup < 1.006


def test_beside_an_end_to_end_claim_a_part_is_turned_into_its_phase() -> None:
    part = measured(2.0, part=Part.DECODE_ATTENTION)
    belief = believe(paper(claims=(claim(1.0001),), measurements=(part,)), TARGET)
    assert belief.part is Part.DECODE
    alone = 1 / (0.8 + 0.2 / 2.0)
    assert 1 < belief.speedup < alone


def test_parts_of_both_phases_meet_in_the_whole_run() -> None:
    both = (
        measured(2.0, part=Part.PREFILL_ATTENTION, device_id="a"),
        measured(2.0, part=Part.DECODE_ATTENTION, device_id="b"),
    )
    assert believe(paper(measurements=both), TARGET).part is Part.WHOLE_RUN


def test_ranking_by_one_device_leaves_the_others_out() -> None:
    two = (measured(4.0, device_id="fast"), measured(0.5, device_id="slow"))
    facts = paper(measurements=two)
    assert believe(facts, TARGET, "fast").speedup > 3
    assert believe(facts, TARGET, "slow").speedup < 0.6


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"regime": None}),
        ({"regime": None}, {"regime": Regime.LARGE_BATCH}),
        ({}, {"baseline_kind": BaselineKind.PLAIN}),
        ({"in_abstract": True}, {}),
        ({}, {"scope": Scope.COMPONENT}),
        ({"scope": None}, {"scope": Scope.KERNEL}),
        ({}, {"bound": Bound.UP_TO}),
    ],
)
def test_headline_order(better: dict[str, object], worse: dict[str, object]) -> None:
    first = claim(3.0, key="p/first", **better)
    second = claim(1.5, key="p/second", **worse)
    facts = paper(claims=(second, first))
    order = headline_order(facts, TARGET)
    assert order[0].claim.key == "p/first"
    assert headline_of(facts, TARGET) == order[0]


def test_of_equals_the_smallest_is_the_headline() -> None:
    order = headline_order(paper(claims=(claim(3.0, key="p/a"), claim(1.5, key="p/b"))), TARGET)
    assert [h.claim.key for h in order] == ["p/b", "p/a"]


def test_an_increment_over_a_predecessor_is_no_headline_beside_a_gain_over_doing_without() -> None:
    increment = claim(1.4, key="p/inc", baseline_kind=BaselineKind.PREDECESSOR, in_abstract=True)
    direct = claim(4.4, key="p/direct", baseline_kind=BaselineKind.PLAIN, bound=Bound.UP_TO)
    order = headline_order(paper(claims=(increment, direct)), TARGET)
    assert [h.claim.key for h in order] == ["p/direct"]
    alone = headline_order(paper(claims=(increment,)), TARGET)
    assert [h.claim.key for h in alone] == ["p/inc"]


def test_doubts_are_counted_and_said() -> None:
    worst = claim(
        3.0,
        bound=Bound.UP_TO,
        weak_baseline=True,
        hardware="NVIDIA A100",
        overtaken_baseline=True,
        regime=Regime.LARGE_BATCH,
    )
    headline = headline_order(paper(claims=(worst,)), TARGET)[0]
    assert headline.k == 7
    assert len(headline.doubts) == 5
    assert all(str(doubt) for doubt in headline.doubts)


@given(st.floats(1.01, 20), st.floats(0.1, 10), st.floats(0.01, 0.5))
def test_belief_lies_between_the_prior_and_the_evidence(
    claimed: float, speed: float, sigma: float
) -> None:
    facts = paper(claims=(claim(claimed),), measurements=(measured(speed, sigma),))
    belief = believe(facts, TARGET)
    ends = (1.0, claimed, speed)
    assert min(ends) - 1e-9 <= belief.speedup <= max(ends) + 1e-9
    assert belief.low < belief.speedup < belief.high
    assert belief.low * belief.high == pytest.approx(belief.speedup**2)
    prior_weight = belief.sigma_ln**2 / PRIOR_SIGMA**2
    assert belief.claim_weight + belief.measured_weight + prior_weight == pytest.approx(1)


@given(st.floats(0.2, 10), st.floats(0.2, 10))
def test_a_faster_measurement_never_lowers_the_belief(a: float, b: float) -> None:
    slow, fast = sorted((a, b))
    facts = paper(claims=(claim(2.0),))
    low = believe(paper(claims=facts.claims, measurements=(measured(slow),)), TARGET)
    high = believe(paper(claims=facts.claims, measurements=(measured(fast),)), TARGET)
    assert low.run_speedup <= high.run_speedup + 1e-12
