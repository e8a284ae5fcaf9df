"""Ways in which papers say a gain, and sentences that only look like one."""

from __future__ import annotations

import pytest

from analyzers.claiming.chapters import result_sections
from analyzers.claiming.methods import method_names
from analyzers.claims import extract_claims
from analyzers.document import Section
from analyzers.facts import Bound, Metric
from tests.analyzers.test_carrying import document, own


@pytest.mark.parametrize(
    ("sentence", "metric", "value", "bound", "baseline"),
    [
        (
            "The throughput of QuickKV is 1.9× that of FooServe on long prompts.",
            *(Metric.THROUGHPUT_GAIN, 1.9, Bound.EXACT, "FooServe"),
        ),
        (
            "QuickKV is 2.1 times as fast as FooServe on long prompts.",
            *(Metric.SPEEDUP, 2.1, Bound.EXACT, "FooServe"),
        ),
        (
            "QuickKV lowers the time per output token by a factor of two.",
            *(Metric.LATENCY_REDUCTION, 2, Bound.EXACT, None),
        ),
        (
            "QuickKV halves the memory that the cache takes.",
            *(Metric.MEMORY_REDUCTION, 2, Bound.EXACT, None),
        ),
        (
            "QuickKV more than doubles the throughput compared to the most popular and widely used"
            " engine, FooServe.",
            *(Metric.THROUGHPUT_GAIN, 2, Bound.AT_LEAST, "FooServe"),
        ),
        (
            "QuickKV keeps its quality while it halves the latency.",
            *(Metric.LATENCY_REDUCTION, 2, Bound.EXACT, None),
        ),
        (
            "QuickKV matches the accuracy of FP16 within 0.5% on all tasks.",
            *(Metric.ACCURACY_DROP, 0.5, Bound.UP_TO, "FP16"),
        ),
        (
            "The cache hit rate of QuickKV is up to 2.4× higher than that of FooServe.",
            *(Metric.OTHER, 2.4, Bound.UP_TO, "FooServe"),
        ),
        (
            "QuickKV shows large speed improvements: 2.3× over FooServe on long prompts.",
            *(Metric.SPEEDUP, 2.3, Bound.EXACT, "FooServe"),
        ),
        (
            "QuickKV is faster than standard attention (2-4×) on long prompts.",
            *(Metric.SPEEDUP, 2, Bound.RANGE, "standard attention"),
        ),
    ],
)
def test_numbers_beside_a_rivals(
    sentence: str, metric: Metric, value: float, bound: Bound, baseline: str | None
) -> None:
    (claim,) = own(sentence)
    assert (claim.metric, claim.value, claim.bound) == (metric, value, bound)
    assert claim.baseline == baseline


@pytest.mark.parametrize(
    "sentence",
    [
        "In contrast, FooServe only reaches a 1.2× speedup on long prompts.",
        "The bandwidth of the HBM is 10× higher than that of PCIe.",
        "An H100 is 3× faster than an A100 in half precision.",
        "Increasing the batch size by 4× leads to 3.2× higher latency.",
        "The draft model is 10× smaller than the target model.",
        "Such requests can be 10× more expensive than a search.",
        "Bundling doubles the chunk size of the reads.",
        "Orca improves throughput by 36.9× over FooServe (Yu et al., 2022).",
    ],
)
def test_what_isnt_the_authors_gain(sentence: str) -> None:
    assert own(sentence) == []


def test_a_rival_that_the_sentence_before_told_of() -> None:
    text = "On the chat task, lookup decoding achieves a score of 35.0 with some speedup."
    (claim,) = own(text, "In contrast, QuickKV achieves up to 1.6× lower latency.")
    assert claim.baseline == "lookup decoding"
    found = own(
        "QuickKV is 2.5× faster than the baselines.", "It also achieves a 3× energy saving."
    )
    assert [claim.baseline for claim in found] == ["baselines", "baselines"]


def test_what_is_named_for_want_of_better() -> None:
    (claim,) = own("The baseline takes 2196 ms, making our method approximately 9 times faster.")
    assert claim.baseline == "baseline"
    (part,) = own("Third, we use adaptive pruning to further improve the throughput by 12%.")
    assert part.baseline == "without adaptive pruning"
    words = own("The latency is reduced two times, and by more than nine times with QuickKV.")
    assert [(claim.value, claim.baseline) for claim in words] == [(2, None), (9, None)]


def test_more_ways_to_say_a_gain() -> None:
    (over,) = own("QuickKV achieves up to 7.4× over FooServe on one card.")
    assert (over.metric, over.bound, over.baseline) == (Metric.SPEEDUP, Bound.UP_TO, "FooServe")
    (of,) = own("Our results show that we could achieve 15x of end-to-end inference speedup.")
    assert (of.metric, of.value) == (Metric.SPEEDUP, 15)
    (factor,) = own("We see a speedup for all models, with a factor ranging from 1.6× to 1.8×.")
    assert (factor.metric, factor.value_high) == (Metric.SPEEDUP, 1.8)
    (most,) = own("QuickKV achieves maximum throughput improvements of 51% over FooServe.")
    assert (most.metric, most.bound) == (Metric.THROUGHPUT_GAIN, Bound.UP_TO)
    (system,) = own("QuickKV outperforms FasterFoo by up to 47% on long prompts.")
    assert (system.value, system.baseline) == (47, "FasterFoo")
    (passive,) = own("The throughput is increased by 8% to 11% by the technique.")
    assert passive.metric is Metric.THROUGHPUT_GAIN


@pytest.mark.parametrize(
    "sentence",
    [
        "This tells of a potential latency improvement of about 50% for our decoder.",
        "We use INT4, which doubles the peak hardware throughput of INT8.",
        "Our study shows that int1 is only 5.9× faster than int8 on this card.",
        "All of our kernels are equally decomposed with a factor of 8.",
        "We compose INT4 and 25% layer reduction without much degradation.",
        "It reduces the outputs of 32-bit products to 16-bit values in shared memory.",
        "Our design includes double caching to reduce the latency of reads.",
    ],
)
def test_what_only_looks_like_a_gain(sentence: str) -> None:
    assert own(sentence) == []


def test_parts_of_the_work_have_names_too() -> None:
    setup = "We compare our QMM kernel with others. Our QMM kernel is small."
    part = "QMM-w1a2 can achieve up to a 2.4× speedup over lib-gemm-int4."
    assert [claim.value for claim in own(*setup.split("; "), setup, part)] == [2.4]
    assert "QMM" in method_names(document(setup, setup))
    assert "OPT-30B" not in method_names(document(*["We run our OPT-30B model."] * 3))


def test_a_baseline_in_apposition_and_a_described_one() -> None:
    setup = "Figure 3 gives the speedup of both over FooServe FP16, a common baseline."
    (claim,) = own(setup, "Our INT4 inference is up to 8.5× faster for short prompts.")
    assert claim.baseline == "FooServe FP16"
    (kept,) = own("QuickKV reduces the latency by 36% compared to the inter-operator approach.")
    assert kept.baseline == "inter-operator approach"


def test_performance_and_time_that_are_no_latency() -> None:
    (offline,) = own("QuickKV reduces the auto-scheduling time by 128× compared with FooServe.")
    assert offline.metric is Metric.OTHER
    assert own("QuickKV increases the compilation time by 1.6× on average.") == []
    (speed,) = own("QuickKV improves the runtime performance by 18% maximum over FooServe.")
    assert (speed.metric, speed.bound) == (Metric.SPEEDUP, Bound.UP_TO)
    (beside,) = own("We also reach 1.09× of the FooServe throughput on long prompts.")
    assert (beside.metric, beside.value) == (Metric.THROUGHPUT_GAIN, 1.09)
    (going,) = own("Our method enjoys a speed-up going from 2× to 10× compared to FooServe.")
    assert (going.value, going.value_high) == (2, 10)


def test_short_forms_of_names_and_citations() -> None:
    abstract = "We propose the QuickKV Suppression+ (QS+) framework."
    long = document("QS+ can surpass FooServe by 9.4% on long prompts.", abstract=abstract)
    long.title = "QuickKV Suppression+: a cache"
    assert {"QuickKV Suppression+", "QS+"} <= method_names(long)
    cited = "We see that sharing leads to a drop of accuracy (around 5-10% drop, Foo et al., 2011)."
    assert own(cited) == []


def test_a_chapter_on_results_lends_its_sections_weight() -> None:
    text = "Dynamic gating outperforms FooServe by 1.5× on long prompts."
    for chapter, values in (("7 Evaluation", [1.5]), ("2 Background", [])):
        titles = [chapter, f"{chapter[0]}.1 Impact of Gating"]
        found = document(text, section=titles[1])
        found.sections = [Section(title, 1) for title in titles]
        assert [claim.value for claim in extract_claims(found) if claim.own] == values
    plain = ["Evaluation", "Impact of Gating", "Related Work", "Sparse Models"]
    found = document(text)
    found.sections = [Section(title, 1) for title in plain]
    assert result_sections(found) == {"Evaluation", "Impact of Gating"}


@pytest.mark.parametrize(
    "sentence",
    [
        "Although FooServe can reduce the memory by 90%, it loses its accuracy.",
        "Among all of the baselines, the pruned ones achieve a 90% reduction of the cache.",
        "For typical values, QuickKV reduces the cache and the speedup ratio can reach 4×.",
        "Removing the tokens from QuickKV leads to a 72% drop in accuracy.",
        "With QuickKV the overhead decreases from 2.4% to 0.12% on long prompts.",
        "The triples are used for the final evaluation of our method.",
    ],
)
def test_what_others_or_a_missing_part_give(sentence: str) -> None:
    assert own(sentence) == []


def test_a_fall_is_told_once() -> None:
    (claim,) = own("Our memory use falls by 79.6%, from 6.29 GB to 1.28 GB, on long prompts.")
    assert (claim.metric, claim.value) == (Metric.MEMORY_REDUCTION, 79.6)
