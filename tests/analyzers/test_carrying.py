"""Numbers that share another's words, and names, owners and metrics that other sentences tell."""

from __future__ import annotations

import pytest

from analyzers.claiming.methods import method_names
from analyzers.claims import ExtractedClaim, extract_claims
from analyzers.document import Document, Sentence
from analyzers.facts import Bound, Metric
from analyzers.reading.splitting import split_sentences


def document(*sentences: str, section: str = "Evaluation", abstract: str = "") -> Document:
    front = [Sentence(abstract, None, "Abstract", in_abstract=True)] if abstract else []
    body = [Sentence(text, None, section) for text in sentences]
    return Document(
        kind="text", sentences=front + body, title="QuickKV: a cache", abstract=abstract
    )


def own(*sentences: str, section: str = "Evaluation", abstract: str = "") -> list[ExtractedClaim]:
    found = extract_claims(document(*sentences, section=section, abstract=abstract))
    return [claim for claim in found if claim.own and not claim.in_abstract]


@pytest.mark.parametrize(
    ("sentence", "metric", "values", "bound", "baselines"),
    [
        (
            "QuickKV cuts the latency by 3.5× compared to Foo, 9.5× compared to Bar, and 2.1×"
            " compared to Quux.",
            *(Metric.LATENCY_REDUCTION, [3.5, 9.5, 2.1], Bound.EXACT, ["Foo", "Bar", "Quux"]),
        ),
        (
            "QuickKV improves throughput by up to 3.2× over FooServe and 5.7× over BarServe.",
            *(Metric.THROUGHPUT_GAIN, [3.2, 5.7], Bound.UP_TO, ["FooServe", "BarServe"]),
        ),
        (
            "We see a speedup of up to 1.9× on short prompts (1k), and 1.4× on long ones.",
            *(Metric.SPEEDUP, [1.9, 1.4], Bound.UP_TO, [None, None]),
        ),
        (
            "The speedup of QuickKV over FooServe on all prompts goes from 1.3× in chats to 2.6×"
            " in code.",
            *(Metric.SPEEDUP, [1.3, 2.6], Bound.EXACT, ["FooServe", "FooServe"]),
        ),
    ],
)
def test_a_number_shares_the_words_of_the_one_before(
    sentence: str, metric: Metric, values: list[float], bound: Bound, baselines: list[str | None]
) -> None:
    found = own(sentence)
    assert [claim.value for claim in found] == values
    assert {claim.metric for claim in found} == {metric}
    assert {claim.bound for claim in found} == {bound}
    assert [claim.baseline for claim in found] == baselines


@pytest.mark.parametrize(
    "sentence",
    [
        "We cut the latency by 30% on one card, and 12% of the time is spent on copies.",
        "We cut the latency by 30% on one card, which uses 12% more power on average.",
    ],
)
def test_a_number_with_words_of_its_own_shares_none(sentence: str) -> None:
    assert 12 not in [claim.value for claim in own(sentence)]


def test_names_that_begin_small() -> None:
    texts = ("We build vQuick, a server.", "This paper presents quick.npu, the first of its kind.")
    names = [method_names(document(abstract=text)) for text in texts]
    assert [sorted(found - {"QuickKV"}) for found in names] == [["vQuick"], ["quick.npu"]]
    text = "It is faster. vQuick reads on. quick.npu reads too, e.g. this."
    assert [text[a:b] for a, b in split_sentences(text)] == [
        "It is faster.",
        "vQuick reads on.",
        "quick.npu reads too, e.g. this.",
    ]


def test_what_an_abstract_shows_is_the_authors_work() -> None:
    text = "Our evaluation shows that FastFoo reduces the latency by 2×, unlike BarServe."
    assert "FastFoo" in method_names(document(abstract=text))
    text = "Recent work shows that no LLM-specific FooServe reduces the latency by 2×."
    assert method_names(document(abstract=text)) == {"QuickKV"}


def test_whose_result_it_is() -> None:
    beside = "By reusing pages, QuickKV serves more users and has a 2.5× speedup over FooServe."
    assert [c.value for c in own(beside, section="Related Work")] == [2.5]
    assert own("FooServe has a 2.5× speedup over BarServe.", section="Related Work") == []
    cited = "After ours, FooServe (Foo et al., 2023) had a 2.5× speedup over BarServe."
    assert own(cited, section="Related Work") == []
    assert [c.value for c in own("A2_QuickKV is 1.4× faster than A2_FooServe.")] == [1.4]
    assert [c.value for c in own("Phi-2 gets a 2.3× speedup over the naive baseline.", section="X")]
    told = "We get 1.4× faster decoding, which is close to the original 1.6× speedup of FooServe."
    assert [c.value for c in own(told)] == [1.4]


def test_what_a_bare_gain_counts_is_said_before() -> None:
    bare = "QuickKV outperforms FooServe by 1.5×."
    (speed,) = own(bare)
    (served,) = own("Figure 3 shows the throughput of all systems.", bare)
    assert (speed.metric, served.metric) == (Metric.SPEEDUP, Metric.THROUGHPUT_GAIN)
    (clear,) = own("Figure 3 shows the throughput.", "QuickKV gives a 1.5× speedup over FooServe.")
    assert clear.metric is Metric.SPEEDUP


def test_performance_is_speed_where_no_quality_is_spoken_of() -> None:
    gain = "QuickKV improves the performance by 29% over FooServe."
    loss = "Our study finds that graphs degrade the performance by 17% in some cases."
    speaks = "Its latency and throughput matter, and so does the speedup over a slower engine."
    found = own(gain, loss, *[speaks] * 4)
    assert [(c.metric, c.value) for c in found] == [(Metric.SPEEDUP, 29)]
    quality = own(gain, loss, *["The accuracy and the perplexity matter, says the paper."] * 2)
    assert [(c.metric, c.value) for c in quality] == [
        (Metric.OTHER, 29),
        (Metric.ACCURACY_DROP, 17),
    ]


def test_more_memory_is_no_gain_and_more_requests_are() -> None:
    assert own("QuickKV uses up to 1.3× more memory and 12% more energy than FooServe.") == []
    assert own("Our copies increase the memory footprint by almost 2 times.") == []
    (requests,) = own("QuickKV serves 2.2× more requests than FooServe.")
    (at_once,) = own("QuickKV serves 2.2× more requests at the same time than FooServe.")
    assert (requests.metric, at_once.metric) == (Metric.THROUGHPUT_GAIN, Metric.OTHER)


def test_a_gain_over_the_rival_that_was_just_spoken_of() -> None:
    setup = "We compare QuickKV with FooServe and BarServe."
    found = own(
        setup,
        "However, FooServe wastes memory on short prompts.",
        "On long prompts it also blocks other requests.",
        "QuickKV improves the throughput by up to 4.6×.",
        "BarServe tries to split long prompts.",
        "QuickKV improves the throughput by up to 3.8×.",
    )
    assert [claim.baseline for claim in found] == ["FooServe", "BarServe"]


def test_without_the_work_and_no_table_for_a_name() -> None:
    (without,) = own("QuickKV cuts the latency of the model (slow without QuickKV) by 47%.")
    assert without.baseline == "without QuickKV"
    (naive,) = own("QuickKV gets a 3× speedup over the naive baseline (Table 3).")
    assert naive.baseline == "naive baseline"


@pytest.mark.parametrize(
    "sentence",
    [
        "We only add a negligible overhead (less than 2%) for all of the prompts.",
        "QuickKV increased the coverage of the graphs from 5% and 58% to 74% and 71%.",
        "QuickKV increased the coverage of the graphs from 5% to 74%.",
        "The sparse models make us set this limit at 65%.",
    ],
)
def test_costs_and_levels_are_no_gains(sentence: str) -> None:
    assert own(sentence) == []


def test_a_word_of_the_title_that_is_a_name() -> None:
    uses = [f"With a Quick of {n} models the user waits for less." for n in "abcde"]
    texts = [*uses, "The Quick model is far better, with 1.2× speedup over FooServe."]
    for title, names in (("Quick Models", {"Quick"}), ("Other Models", set())):
        body = [Sentence(text, None, "Results") for text in texts]
        found = Document(kind="text", sentences=body, title=title, abstract=uses[0])
        assert method_names(found) == names
