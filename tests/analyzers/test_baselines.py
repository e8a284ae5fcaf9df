"""What a claim compares with: in its sentence, before it, in its caption, or the paper's usual."""

from __future__ import annotations

import pytest

from analyzers.claiming.baselines import read_baseline
from analyzers.claiming.comparisons import Source
from analyzers.claiming.names import cut_name, is_generic, kind_of
from analyzers.claiming.quantities import find_quantities, normalise
from analyzers.claims import ExtractedClaim, extract_claims
from analyzers.document import Document, Kind, Sentence
from analyzers.facts import BaselineKind


def named(text: str) -> list[str | None]:
    text = normalise(text)
    quantities = find_quantities(text)
    return [read_baseline(text, q, quantities, ["QuickKV"]) for q in quantities if q.unit != "bits"]


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("QuickKV is 2x faster than vLLM on long prompts.", ["vLLM"]),
        ("QuickKV gives a 2x speedup over the strong eager baseline.", ["eager baseline"]),
        ("Compared to MegaServe, QuickKV is 2x faster.", ["MegaServe"]),
        ("Relative to the FP16 model, memory falls by 40%.", ["FP16 model"]),
        ("We see a 2x speedup vs. MegaServe at batch 1.", ["MegaServe"]),
        ("It saves about 50% of memory compared to 16-bit.", ["16-bit"]),
        ("QuickKV serves 2.5x the requests of MegaServe.", ["MegaServe"]),
        ("QuickKV has 2.5x the throughput of MegaServe.", ["MegaServe"]),
        ("QuickKV beats MegaServe by up to 2x over all models.", ["MegaServe"]),
        ("QuickKV outperforms vLLM and xformers by 2x and 3x, respectively.", ["vLLM", "xformers"]),
        ("It is 2x, 3x, and 4x faster than Aq, Bq, and Cq, respectively.", ["Aq", "Bq", "Cq"]),
        ("It is 2–3x, 4x and 5–6x faster than Aq, Bq, Cq, respectively.", ["Aq", "Bq", "Cq"]),
        ("QuickKV is 2x faster than Aq and Bq.", ["Aq and Bq"]),
        ("It brings 2.3x prefill and 1.7x decoding speedup over MegaServe.", ["MegaServe"] * 2),
        ("It is 30% faster than Aq, with 20% lower latency for Bq.", ["Aq", None]),
        ("It gives the same outputs as greedy decoding but runs 2x faster.", ["greedy decoding"]),
        ("QuickKV cuts latency from 90 ms for FP16 inference to 30 ms.", ["FP16 inference"]),
        ("MegaServe takes an hour, while QuickKV is 3x faster.", ["MegaServe"]),
        ("Unlike MegaServe, QuickKV trims memory by 30%.", ["MegaServe"]),
        ("The fused kernel reduces the latency by 20%.", ["without fused kernel"]),
        ("It beats the recent pruning method, TrimNet (Doe et al., 2021), by 2x.", ["TrimNet"]),
        ("It is 2x faster than recent methods such as TrimNet.", ["TrimNet"]),
        ("It is 2x faster than state-of-the-art systems, such as Aq and Bq.",
         ["Aq and Bq (state of the art)"]),
        ("QuickKV is 2x faster than QuickKV without fusion.", ["QuickKV without fusion"]),
        ("Our kernel is 2x faster than before on an A100.", [None]),
        ("We measure a 2x speedup over all tasks.", [None]),
        ("We measure a 2x speedup over 12 datasets.", [None]),
        ("QuickKV is 2x faster than on an A100.", [None]),
        ("(a) Speed is 2x higher. (b) Time per token vs. decoding length.", [None]),
    ],
)  # fmt: skip
def test_in_the_sentence(sentence: str, names: list[str | None]) -> None:
    assert named(sentence) == names


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("the FP16 model on short prompts", "FP16 model"),
        ("an implementation in the QuickLib codebase (Doe et al., 2020).", "QuickLib codebase"),
        ("INT8 training, which is slow", "INT8 training"),
        ("naive loading approaches in CPU and GPU", "naive loading approaches"),
        ("our own kernel", "own kernel"),
        ("ours", None),
        ("that", None),
        ("a single thread", None),
        ("1 worker", None),
        ("4 A100 GPUs", "4 A100 GPUs"),
    ],
)
def test_names(words: str, name: str | None) -> None:
    assert cut_name(words) == name


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("baseline", True),
        ("existing methods", True),
        ("strong baselines", True),
        ("state-of-the-art systems", True),
        ("dense baseline", False),
        ("FP16 baseline", False),
        ("vLLM", False),
    ],
)
def test_empty_words(name: str, empty: bool) -> None:
    assert is_generic(name) is empty


def test_kinds() -> None:
    kinds = {
        "llama.cpp": BaselineKind.ENGINE,
        "Aq (state of the art)": BaselineKind.BEST_KNOWN,
        "full attention": BaselineKind.PLAIN,
        "vLLM": BaselineKind.NAMED_RIVAL,
        "prior work": BaselineKind.UNNAMED,
        "without fused kernel": BaselineKind.OWN,
        "MegaServe without fusion": BaselineKind.PLAIN,
    }
    assert {name: kind_of(name) for name in kinds} == kinds


ABSTRACT = "We present QuickKV, a way to compress caches."


def paper(*sentences: str | Sentence, front: str = ABSTRACT) -> list[ExtractedClaim]:
    read = [
        s if isinstance(s, Sentence) else Sentence(s, None, f"Section {n}")
        for n, s in enumerate(sentences)
    ]
    document = Document(kind="text", sentences=read, title="QuickKV: a cache", abstract=front)
    return [claim for claim in extract_claims(document) if claim.own]


def section(name: str, *texts: str) -> list[Sentence]:
    return [Sentence(text, None, name) for text in texts]


def source(claim: ExtractedClaim) -> tuple[str | None, Source | None]:
    return claim.baseline, claim.against.source if claim.against else None


def test_just_before() -> None:
    *_, last = paper(
        *section(
            "Evaluation",
            "QuickKV is 2.1x faster than MegaServe on code.",
            "On prose, QuickKV gives a 1.7x speedup.",
        ),
        "We use TrimNet as the baseline in all experiments.",
    )
    assert source(last) == ("MegaServe", Source.BEFORE)


def test_in_the_caption() -> None:
    caption = Sentence(
        "Table 3: Speedup normalized to MegaServe.", None, "Ablation", kind=Kind.CAPTION
    )
    (claim,) = paper(
        "We use TrimNet as the baseline in all experiments.",
        caption,
        *section("Evaluation", "As Table 3 shows, QuickKV gives a 1.7x speedup."),
    )
    assert source(claim) == ("MegaServe", Source.CAPTION)


@pytest.mark.parametrize(
    "setup",
    [
        "We use MegaServe as the baseline in all experiments.",
        "Our baseline is MegaServe, which runs everywhere.",
        "All numbers are normalized to MegaServe.",
        "We compare QuickKV with MegaServe on two tasks.",
        "The MegaServe baseline needs a large batch.",
    ],
)
def test_the_usual_one(setup: str) -> None:
    (claim,) = paper(setup, *section("Results", "QuickKV gives a 1.7x speedup on short prompts."))
    assert source(claim) == ("MegaServe", Source.PAPER)
    assert claim.to_json()["baseline_source"] == "paper"
    assert "its baseline is the paper's usual one" in claim.to_json()["reasons"]


def test_a_run_in_heading_announces_it() -> None:
    (claim,) = paper(
        *section("Setup", "Baselines.", "We compare with MegaServe."),
        *section("Results", "QuickKV gives a 1.7x speedup on short prompts."),
    )
    assert claim.baseline == "MegaServe"


def test_plain_ways_by_the_papers_subject() -> None:
    quantized, decoded, sparse = (
        paper(
            *(f"Plain words on {plain} come here, number {n}." for n in range(5)),
            *section("Results", f"QuickKV {gain}."),
            front=f"We present QuickKV, {subject}.",
        )[0].baseline
        for plain, gain, subject in (
            ("FP16 weights", "reduces the memory footprint by 60%", "4-bit quantization"),
            ("autoregressive decoding", "gives a 1.7x speedup", "speculative decoding"),
            ("dense attention", "has a 0.2% accuracy drop", "sparse attention"),
        )
    )
    assert quantized == "FP16"
    assert decoded == "autoregressive decoding"
    assert sparse == "dense attention"


def test_empty_words_are_resolved_where_the_paper_says_who() -> None:
    (one,) = paper(
        "We use MegaServe as the baseline in all experiments.",
        *section("Results", "QuickKV is 1.7x faster than the baseline."),
    )
    assert one.baseline == "MegaServe (baseline)"
    (several,) = paper(
        "We use MegaServe as the baseline in all experiments.",
        *section("Results", "QuickKV is 1.7x faster than all existing methods."),
    )
    assert several.baseline == "existing methods"


def test_nothing_said_is_nothing_known() -> None:
    (claim,) = paper("Our tests show that QuickKV gives a 1.7x speedup on short prompts.")
    assert source(claim) == (None, None)
    (width,) = paper(
        "We use MegaServe as the baseline in all experiments.",
        "We quantize the cache of QuickKV to 2 bits.",
    )
    assert width.baseline is None


def test_two_baselines_are_two_claims() -> None:
    found = paper(
        "QuickKV is 2.1x faster than MegaServe.",
        "QuickKV is 2.1x faster than TrimNet.",
        "QuickKV is 2.1x faster, we find.",
    )
    assert [(c.baseline, len(c.places)) for c in found] == [("MegaServe", 2), ("TrimNet", 1)]
