"""Claims from sentences: metric, bound, baseline, ownership; false friends; repeats."""

from __future__ import annotations

from time import process_time

import pytest

from analyzers.claims import ExtractedClaim, extract_claims
from analyzers.document import Document, Sentence
from analyzers.facts import BaselineKind, Bound, Metric, Regime, Scope


def claims(
    *sentences: str,
    section: str = "Evaluation",
    title: str = "QuickKV: a cache",
    abstract: bool = False,
) -> list[ExtractedClaim]:
    document = Document(
        kind="text",
        sentences=[Sentence(text, None, section, in_abstract=abstract) for text in sentences],
        title=title,
        abstract="We present QuickKV.",
    )
    return extract_claims(document)


def own(*sentences: str, section: str = "Evaluation") -> list[tuple[object, ...]]:
    return [
        (c.metric, c.value, c.value_high, c.unit, c.bound)
        for c in claims(*sentences, section=section)
        if c.own
    ]


@pytest.mark.parametrize(
    ("sentence", "metric", "value", "high", "unit", "bound"),
    [
        (
            "QuickKV achieves up to 2.4x faster decoding than vLLM.",
            *(Metric.SPEEDUP, 2.4, None, "x", Bound.UP_TO),
        ),
        (
            "Our kernels reduce the latency by more than 50% across all models.",
            *(Metric.LATENCY_REDUCTION, 50, None, "%", Bound.AT_LEAST),
        ),
        (
            "We improve throughput by about 1.4–3.5× relative to the baseline.",
            *(Metric.THROUGHPUT_GAIN, 1.4, 3.5, "x", Bound.ABOUT),
        ),
        (
            "QuickKV reduces the memory footprint by a factor of 3.4.",
            *(Metric.MEMORY_REDUCTION, 3.4, None, "x", Bound.EXACT),
        ),
        (
            "Our method gives 82% smaller quantization error compared to FP8.",
            *(Metric.ERROR_REDUCTION, 82, None, "%", Bound.EXACT),
        ),
        (
            "QuickKV has less than 1% accuracy drop on the task.",
            *(Metric.ACCURACY_DROP, 1, None, "%", Bound.UP_TO),
        ),
        (
            "We compress the cache of the model down to 2 bits with little loss.",
            *(Metric.BITWIDTH, 2, None, "bits", Bound.EXACT),
        ),
        (
            "We observe a 2X-3X acceleration with identical outputs.",
            *(Metric.SPEEDUP, 2, 3, "x", Bound.RANGE),
        ),
        (
            "QuickKV cuts the time per token from 65 ms to 25 ms.",
            *(Metric.LATENCY_REDUCTION, 2.6, None, "x", Bound.EXACT),
        ),
    ],
)
def test_one_claim(
    sentence: str, metric: Metric, value: float, high: float | None, unit: str, bound: Bound
) -> None:
    assert own(sentence) == [(metric, value, high, unit, bound)]


@pytest.mark.parametrize(
    "sentence",
    [
        "We use 2x A6000 GPUs for all our experiments.",
        "We keep 85% of the tokens at 90% sparsity in our runs.",
        "Our kernel multiplies 4096×14336 matrices of Mixtral-8×7B quickly.",
        "Our method is 1.3× slower than the FP16 baseline on short prompts.",
        "In theory we could gain a further 1.5× speedup, we expect.",
        "The serial form has 14% higher latency than ours.",
        "We set the threshold to 5% and the batch size to 64.",
    ],
)
def test_false_friends(sentence: str) -> None:
    assert own(sentence) == []


def test_cited_results_are_not_own() -> None:
    found = claims(
        "FlashFoo (Nother et al., 2021) achieves a 4.1× speedup over the naive attention.",
        "Prior work reduces the latency by 30% with a second model.",
        section="Related Work",
    )
    assert {c.value for c in found} == {4.1, 30}
    assert not any(c.own for c in found)


def test_respectively_deals_the_baselines_out() -> None:
    found = claims("QuickKV outperforms vLLM and xformers by 2.1x and 2.7x, respectively.")
    assert [(c.value, c.baseline) for c in found] == [(2.1, "vLLM"), (2.7, "xformers")]


def test_baseline_before_and_after() -> None:
    (after,) = claims("QuickKV is 2x faster than the FP16 model on short prompts.")
    (before,) = claims("Compared to vLLM, QuickKV shows a 2x speedup.")
    (none,) = claims("QuickKV shows a 2x speedup on all of our tasks.")
    assert (after.baseline, before.baseline, none.baseline) == ("FP16 model", "vLLM", None)
    kinds = [c.to_json()["baseline_kind"] for c in (after, before, none)]
    assert kinds == [BaselineKind.PLAIN, BaselineKind.NAMED_RIVAL, BaselineKind.UNNAMED]


def test_scope_part_and_hardware() -> None:
    (claim,) = claims("QuickKV gives a 1.8× prefill speedup over vLLM on an NVIDIA RTX 4090.")
    record = claim.to_json()
    assert record["part"] == "prefill"
    assert claim.subject.scope is Scope.END_TO_END
    assert record["hardware"] == "NVIDIA RTX 4090"


def test_repeats_are_places_of_one_claim() -> None:
    found = claims(
        "QuickKV achieves a 2.4× speedup over vLLM.",
        "As said before, our QuickKV has a 2.4× speedup over vLLM.",
        "QuickKV achieves a 2.5× speedup over vLLM.",
    )
    assert [(c.value, len(c.places)) for c in found] == [(2.4, 2), (2.5, 1)]


def test_tables_are_no_sentences() -> None:
    assert claims("Model A 1.1x 2.2x 3.3x 4.4x B 5.5x 6.6x 1.0x 2.0x C 3.1x speedup") == []


def test_long_sentences_are_quoted_around_the_number() -> None:
    filler = "and it goes on about many other things " * 30
    (claim,) = claims(
        f"We note that it works well {filler} and QuickKV gives a 2.4× speedup {filler}."
    )
    quote = claim.to_json()["quote"]
    assert "2.4×" in quote
    assert len(quote) <= 700


@pytest.mark.parametrize(
    "sentence",
    [
        "QuickKV is 2x faster than " + "AA aa bb, " * 400 + ".",
        "QuickKV is 2x faster than " + "A" * 4500,
        "QuickKV is 2x faster than X " + "(Doe et al., 2021) " * 240,
        "QuickKV " + "compared to " * 400 + "gives a 2x speedup.",
        "we use " * 600 + "as the baseline for a 2x speedup",
        "A takes, " * 500 + "while QuickKV is 2x faster",
        ", the fused kernel" * 250 + " reduces it by 2x",
        "2x and " * 700 + "faster",
    ],
)
def test_hostile_text_takes_little_time(sentence: str) -> None:
    began = process_time()
    claims(*[f"{sentence} {number}" for number in range(3)])
    assert process_time() - began < 6


def test_a_stretch_without_end_is_no_sentence() -> None:
    assert claims("QuickKV gives a 2.4x speedup " + "and more " * 900 + ".") == []


def test_hostile_text_stays_text() -> None:
    markup = "<script>alert(1)</script> QuickKV gives a 2.4× speedup {0} over %s & 'x'; DROP it."
    (claim,) = claims(markup)
    assert claim.to_json()["quote"] == markup


@pytest.mark.parametrize(
    ("sentence", "metric", "value", "unit"),
    [
        ("QuickKV has 2.3x the throughput of vLLM.", Metric.THROUGHPUT_GAIN, 2.3, "x"),
        ("QuickKV reaches 6x decoding throughput.", Metric.THROUGHPUT_GAIN, 6, "x"),
        ("The memory is cut by two times with QuickKV.", Metric.MEMORY_REDUCTION, 2, "x"),
        ("QuickKV attains a 59% size reduction.", Metric.COMPRESSION_RATIO, 59, "%"),
        ("QuickKV is at 72% model FLOPs utilization.", Metric.OTHER, 72, "%"),
        ("QuickKV is reaching up to 73% of the theoretical max throughput.", Metric.OTHER, 73, "%"),
        ("QuickKV shows a degradation of 0.2% on average.", Metric.ACCURACY_DROP, 0.2, "%"),
        ("QuickKV brings an increase of 36% in the hit rate.", Metric.OTHER, 36, "%"),
    ],
)
def test_metrics(sentence: str, metric: Metric, value: float, unit: str) -> None:
    assert [row[:2] + row[3:4] for row in own(sentence)] == [(metric, value, unit)]


@pytest.mark.parametrize(
    ("sentence", "metric"),
    [
        ("We cut the cache from 13.5 GB to 3.4 GB.", Metric.MEMORY_REDUCTION),
        ("We save 42% of the memory of the cache.", Metric.MEMORY_REDUCTION),
        ("Our kernel reaches 70% of peak FLOPS.", Metric.OTHER),
        ("Our kernel reaches only 30% of the peak.", None),
    ],
)
def test_what_a_number_in_its_own_form_counts(sentence: str, metric: Metric | None) -> None:
    assert [c.metric for c in claims(sentence)] == ([] if metric is None else [metric])


def test_every_number_of_a_list_with_ranges() -> None:
    found = claims(
        "These gains of QuickKV in speed are 2.1–4.3×, 7.4×, and 1.3–2.6×, respectively."
    )
    assert [(c.value, c.value_high) for c in found] == [(2.1, 4.3), (7.4, None), (1.3, 2.6)]
    assert {c.metric for c in found} == {Metric.SPEEDUP}


@pytest.mark.parametrize(
    "sentence",
    [
        "MegaNet is 50% cheaper than QuickKV, we see.",
        "The code dataset has 8.4x longer prompts than the chat dataset in our tests.",
        "When our batch size increases by 8x, all is well.",
        "With our method the batch grows and we only get 2x throughput.",
        "Without it, the accuracy of QuickKV declines to 42.2% on the task.",
        "Our kernel reaches only 25% of the theoretical maximum FLOPs/s.",
        "Prior work has shown that we can compress the weights by 4x.",
        "We multiply an (m × n) matrix and an (n × 1) matrix for a speedup.",
    ],
)
def test_no_gains_of_the_authors(sentence: str) -> None:
    assert own(sentence) == []


def test_the_next_sentence_tells_whose_it_is() -> None:
    rival = "On code, guided decoding has a 1.25x speedup."
    assert [c.own for c in claims(rival)] == [True]
    assert [c.own for c in claims(rival, "In contrast, QuickKV has more.")] == [False]


def test_results_go_on_from_a_result() -> None:
    found = claims(
        "QuickKV reduces the memory by 80% for large models.",
        "Even for small ones, the memory is reduced by 40%.",
        section="Introduction",
    )
    assert [c.own for c in found] == [True, True]
    (alone,) = claims("Even for small ones, the memory is reduced by 40%.", section="Introduction")
    assert not alone.own


def test_a_repeat_of_the_abstract_is_own() -> None:
    document = Document(
        kind="text",
        sentences=[
            Sentence("QuickKV gives a 1.68x speedup.", None, "Abstract", in_abstract=True),
            Sentence("The middle setting has a 1.68x speedup.", None, "Discussion of settings"),
            Sentence("The middle setting has a 1.69x speedup.", None, "Introduction"),
        ],
        title="QuickKV: a cache",
    )
    found = {c.value: (c.own, len(c.places)) for c in extract_claims(document)}
    assert found == {1.68: (True, 2), 1.69: (False, 1)}


def test_a_number_in_words_is_quoted_without_other_numbers() -> None:
    (claim,) = claims("QuickKV more than doubles the speed of all models, even of those with 175B.")
    assert claim.to_json()["quote"].startswith("QuickKV more than doubles the speed")
    assert "175B" not in claim.to_json()["quote"]


def test_a_bare_improvement_is_what_the_paper_calls_the_same_number_elsewhere() -> None:
    bare = "With a higher latency the improvement of QuickKV goes to 69x, as it has a larger batch."
    plain = "QuickKV reaches a 69x higher throughput than the engine."
    assert {c.metric for c in claims(bare, plain) if c.own} == {Metric.THROUGHPUT_GAIN}
    # two names leave it open, and small round numbers meet by chance
    other = "QuickKV has a 69x speedup over plain code."
    assert len({c.metric for c in claims(bare, plain, other) if c.own}) > 1
    small = [text.replace("69x", "3x") for text in (bare, plain)]
    assert len({c.metric for c in claims(*small) if c.own}) == 2


@pytest.mark.parametrize(
    ("sentence", "regime"),
    [
        ("QuickKV gains 30x over DeepSpeed ZeRO-Inference in throughput.", Regime.MEMORY_STARVED),
        ("QuickKV is 9x faster than offloading the weights to disk.", Regime.MEMORY_STARVED),
        ("QuickKV is 9x faster with offloading to the NPU than llama.cpp.", None),
        ("QuickKV is 9x faster than NPU offloading in the prefill.", None),
        ("QuickKV is 9x faster than vLLM at batch size 64.", Regime.LARGE_BATCH),
        ("QuickKV is 9x faster than vLLM at batch size 1.", Regime.TARGET),
        ("QuickKV is 9x faster than vLLM on our prompts.", None),
    ],
)
def test_the_regime_of_a_claim(sentence: str, regime: Regime | None) -> None:
    (claim,) = [c for c in claims(sentence) if c.own]
    assert claim.subject.regime is regime


@pytest.mark.parametrize(
    ("title", "regime"),
    [
        ("QuickKV: offloading weights to flash", Regime.MEMORY_STARVED),
        ("QuickKV: offloading prefill to NPUs", None),
        ("QuickKV: a cache", None),
    ],
)
def test_a_paper_about_offloading_sets_the_regime(title: str, regime: Regime | None) -> None:
    sentence = "QuickKV improves the end-to-end throughput by 40x over Accelerate."
    (claim,) = [c for c in claims(sentence, title=title) if c.own]
    assert claim.subject.regime is regime
