"""What a paper is about, needs, ran on and leaves open, from texts written for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.analysis import analyze_document
from analyzers.document import Document, Link, Read, Section, Sentence
from analyzers.reading.splitting import split_sentences

PLAIN = "The weather in the valley was fair and the harvest came in early that year. "


def paper(title: str, abstract: str, **sections: str) -> Document:
    """Build a paper from its texts; a section's name is its heading."""
    sentences = _sentences(abstract, "Abstract", in_abstract=True)
    for name, text in sections.items():
        sentences += _sentences(text, name.replace("_", " ").capitalize())
    text = " ".join(sentence.text for sentence in sentences)
    return Document(
        "pdf",
        sentences,
        [Section(name.replace("_", " ").capitalize(), 1) for name in sections],
        title=title,
        abstract=abstract,
        pages=8,
        words=len(text.split()),
    )


def _sentences(text: str, section: str, *, in_abstract: bool = False) -> list[Sentence]:
    return [
        Sentence(text[begin:end], 1 if in_abstract else 3, section, in_abstract=in_abstract)
        for begin, end in split_sentences(text)
    ]


def read(document: Document, target: str = "llama.cpp") -> dict[str, Any]:
    return analyze_document(document, target)


def said(items: list[dict[str, Any]]) -> set[str]:
    return {item["template"] for item in items}


@pytest.mark.parametrize(
    ("title", "abstract", "technique"),
    [
        ("Fewer Bits", "We quantize weights to 4 bits after training.", "quantization"),
        (
            "Guess Twice",
            "We verify several draft tokens in parallel with the target model, so that speculative"
            " decoding needs no second network.",
            "speculative_decoding",
        ),
        (
            "Rows and Columns",
            "We tune matrix multiplication on CPUs. Our matmul kernels keep packed tiles in cache.",
            "gemm_kernel",
        ),
        (
            "Trains on Time",
            "We serve large models on many chips (using int8 weights). Requests are scheduled over"
            " a cluster, and the serving system keeps a bound on latency.",
            "serving_scheduling",
        ),
        ("Fair Weather", "We look at rain. " + PLAIN, "other"),
    ],
)
def test_technique(title: str, abstract: str, technique: str) -> None:
    assert read(paper(title, abstract))["technique"]["primary"] == technique


def test_complexity_says_what_must_change_in_the_authors_words() -> None:
    result = read(
        paper(
            "QuickSum: Attention in Tiles",
            "We propose QuickSum, an attention kernel. Prior methods require training a draft head"
            " from scratch.",
            implementation="We implement fused kernels in Triton. Our kernels tile the keys. "
            "Each of our kernels runs on one warp. " + PLAIN * 3,
            related_work="Others fine-tune a predictor and pre-train from scratch on a new model "
            "architecture. They calibrate on text.",
        )
    )
    reasons = result["complexity"]["reasons"]
    assert "it needs kernels of its own" in said(reasons)
    assert "a part of it has to be trained or fine-tuned first" not in said(reasons)
    assert not any("architecture" in text for text in said(reasons))
    quotes = [item["quote"] for item in reasons if item["quote"]]
    assert quotes
    assert all("kernel" in quote.lower() for quote in quotes)
    assert "training_needed" not in {risk["kind"] for risk in result["risks"]}


def test_a_compiler_or_another_processor_is_much_to_build() -> None:
    graphs = "We present Quick, a compiler framework. " + PLAIN * 3
    method = "Our compiler pass moves tensors. Its code transformations keep the graph whole. "
    compiled = read(paper("Quick: Graphs", graphs, method=method * 2))["complexity"]
    assert "it changes how a model is compiled, or its graph captured" in said(compiled["reasons"])
    chips = "We present Quick, an engine for mobile NPUs. " + PLAIN * 3
    method = "Our engine runs on the NPU. We hand its NPU the dense layers. " * 5
    other = read(paper("Quick: Chips", chips, method=method))["complexity"]
    assert "it needs a backend for another kind of processor" in said(other["reasons"])
    plain = read(paper("Quick: Tiles", "We present Quick, a method. " + PLAIN * 3))["complexity"]
    assert not {"compiled", "processor"} & set(" ".join(said(plain["reasons"])).split())


def test_what_the_abstract_says_of_training_outweighs_the_body() -> None:
    method = "We train the draft head on text. " * 4
    plain = paper("Twig: Drafts", "We propose Twig, a draft model for speculation.", method=method)
    free = paper(
        "Twig: Drafts",
        "We propose Twig, a draft model for speculation. Twig is training-free and plug-and-play.",
        method=method,
    )
    assert "training_needed" in {risk["kind"] for risk in read(plain)["risks"]}
    assert "training_needed" not in {risk["kind"] for risk in read(free)["risks"]}
    assert read(free)["complexity"]["level"] == "low"


def test_an_architecture_is_high_and_architectural() -> None:
    result = read(
        paper(
            "Once: A Cache for All Layers",
            "We introduce a decoder-decoder model architecture whose layers share one KV cache. "
            "We pre-train it from scratch.",
        )
    )
    assert result["complexity"]["level"] == "high"
    assert result["complexity"]["integration"] == "architectural"


def test_hardware_is_what_was_measured_on() -> None:
    result = read(
        paper(
            "QuickSum: Attention in Tiles",
            "We propose QuickSum, an attention kernel.",
            introduction="For example, the H100 has 80 GB of memory and a bandwidth of 3 TB/s.",
            experiments="We run all experiments on RTX 4090 and 3090 GPUs. "
            "Our latency is measured on an RTX 4090 with batch size 1.",
            related_work="Others evaluate on V100 and P100 GPUs.",
        )
    )
    assert result["hardware"] == ["RTX 4090", "RTX 3090"]


def test_a_testbed_names_devices_without_more_words() -> None:
    setup = "The first is an Apple M1 Max. The second features an Apple M2 Ultra with a large disk."
    experiments = "We measure the latency on the M1 Max. " * 6
    text = paper("Twig: Drafts", PLAIN, experimental_setup=setup, results=experiments)
    assert read(text)["hardware"] == ["Apple M1 Max", "Apple M2 Ultra"]


def test_a_tpu_without_a_version() -> None:
    result = read(
        paper("Slices", "We propose Slices.", experiments="We measure the latency on TPUs.")
    )
    assert result["hardware"] == ["TPU"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (
            "We compare with https://github.com/rival/fast. Our code is available at "
            "https://github.com/us/quicksum.",
            "https://github.com/us/quicksum",
        ),
        ("We use the kernels from https://github.com/rival/fast as a baseline.", None),
        (
            "Clone it as follows: $ git clone https://github.com/us/quicksum",
            "https://github.com/us/quicksum",
        ),
        ("Our code builds on https://github.com/huggingface/transformers.", None),
        (
            "The prototype is released at github.com/us/ quick-sum.",
            "https://github.com/us/quick-sum",
        ),
    ],
)
def test_code_is_the_paper_s_own(text: str, url: str | None) -> None:
    document = paper("QuickSum: Tiles", "We propose QuickSum.", experiments=PLAIN * 5 + text)
    assert read(document)["code_url"] == url


def test_a_bare_footnote_of_the_first_pages_counts() -> None:
    document = paper("QuickSum: Tiles", "We propose QuickSum.", experiments=PLAIN)
    url = "https://github.com/us/tools"
    document.links = [Link(url, 2, f"3{url}")]
    assert read(document)["code_url"] == url
    document.links = [Link(url, 7, f"3{url}")]
    assert read(document)["code_url"] is None


def test_formats() -> None:
    result = read(
        paper(
            "Nibble: Small Weights",
            "We quantize weights to W4A16 and activations to FP8 (E4M3).",
            method="We store INT4 weights. Our kernels read INT4 and write BF16. " + PLAIN,
            related_work="Others use ternary weights and NVFP4 values, as [3] does.",
        )
    )
    assert set(result["formats"]) >= {"W4A16", "FP8", "INT4"}
    assert not {"NVFP4", "ternary"} & set(result["formats"])


def test_relevance_answers_four_questions_and_quotes() -> None:
    document = paper(
        "Twig: Drafts for Laptops",
        "We propose speculative decoding with a draft model on consumer GPUs and laptops. "
        "The output is lossless.",
        method="We add it to llama.cpp. " + PLAIN,
    )
    here, there = read(document), read(document, "vllm")
    reasons = here["relevance"]["reasons"]
    assert here["relevance"]["target"] == "llama.cpp"
    assert len([r for r in reasons if not r["quote"]]) == 4
    assert all(r["said"]["zh"] for r in reasons)
    assert any("laptops" in (r["quote"] or "") for r in reasons)
    assert here["relevance"]["value"] > there["relevance"]["value"]
    elsewhere = {r["target"]: r["value"] for r in here["relevance_elsewhere"]}
    assert elsewhere == {"vllm": there["relevance"]["value"]}


def test_a_contribution_is_a_whole_sentence_of_the_abstract() -> None:
    document = paper(
        "Twig: Drafts",
        "Models are slow. Twig is a draft model that proposes three tokens at once for any model.",
        results="We present results in Table 3 and propose to read them with care and patience.",
    )
    contribution = read(document)["contribution"]
    assert contribution["text"].startswith("Twig is a draft model")
    assert contribution["page"] == 1


def test_special_hardware_of_a_rival_is_no_risk() -> None:
    def kinds(sentence: str) -> set[str]:
        document = paper("QuickSum: Tiles", "We propose QuickSum.", method=sentence + PLAIN)
        return {risk["kind"] for risk in read(document)["risks"]}

    assert "special_hardware" in kinds("Our kernel requires FP8 support of Hopper GPUs. ")
    assert "special_hardware" not in kinds(
        "Our kernel is close to FlashAttention3, which is exclusive to Hopper GPUs. "
    )


def test_no_code_is_no_risk_of_an_abstract() -> None:
    whole, record = (paper("QuickSum: Tiles", "We propose QuickSum.") for _ in range(2))
    record.read = Read.RECORD
    assert "no_code" in {risk["kind"] for risk in read(whole)["risks"]}
    assert "no_code" not in {risk["kind"] for risk in read(record)["risks"]}


def test_little_text_is_little_trust() -> None:
    note = paper("Note: Fast", "We propose Fast. It is 3x faster than vLLM. It is simple.")
    full = paper(
        "Fast: Faster",
        "We propose Fast. It is 3x faster than vLLM.",
        method=PLAIN * 60,
        evaluation="Fast is 2.1x faster than vLLM. Fast is 2.5x faster than vLLM. " + PLAIN * 60,
    )
    assert read(note)["trust"]["share"] == 0.25
    assert len(read(note)["trust"]["doubts"]) == 2
    assert read(full)["trust"] == {"share": 1.0, "doubts": []}
