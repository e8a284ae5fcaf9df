"""A paper that gives one claim two values, and all that only looks like it."""

from __future__ import annotations

import pytest

from analyzers.claiming.findings import find_contradictions
from analyzers.claims import extract_claims
from analyzers.document import Document, Sentence


def findings(*passages: tuple[str, str]) -> list[str]:
    sentences = [
        Sentence(text, page, section, in_abstract=section == "Abstract")
        for page, (section, text) in enumerate(passages, start=1)
    ]
    document = Document(
        kind="text", sentences=sentences, title="QuickKV: a cache", abstract="We present QuickKV."
    )
    return [str(finding.message) for finding in find_contradictions(extract_claims(document))]


def test_the_same_sentence_with_another_number() -> None:
    assert findings(
        ("Evaluation", "QuickKV decodes 2.4x faster than vLLM on the long prompts of our trace."),
        ("Discussion", "QuickKV decodes 2.9x faster than vLLM on the long prompts of our trace."),
    ) == ["two values for one claim: 2.4x (page 1) and 2.9x (page 2)"]


def test_two_summaries_that_name_the_same_settings() -> None:
    assert findings(
        ("Abstract", "QuickKV speeds up decoding by up to 2.4x over vLLM."),
        (
            "Conclusion",
            "In this paper we saw decoding with QuickKV run up to 3.1x faster than vLLM.",
        ),
    ) == ["two values for one claim: 2.4x (page 1) and 3.1x (page 2)"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # another setting, baseline, hedge, part or device
        ("up to 2.4x faster decoding than vLLM", "up to 3.1x faster decoding of Llama than vLLM"),
        ("up to 2.4x faster decoding than vLLM", "up to 3.1x faster decoding than MegaServe"),
        ("up to 2.4x faster decoding than vLLM", "3.1x faster decoding than vLLM"),
        ("up to 2.4x faster decoding than vLLM", "up to 3.1x faster prefill than vLLM"),
        ("up to 2.4x faster decoding than vLLM on an A100", "up to 3.1x faster decoding than vLLM "
         "on an H100"),
        # rounded, or inside the range
        ("up to 2.4x faster decoding than vLLM", "up to 2.36x faster decoding than vLLM"),
        ("2–4x faster decoding than vLLM", "3.1x faster decoding than vLLM"),
    ],
)  # fmt: skip
def test_no_contradiction(first: str, second: str) -> None:
    assert (
        findings(("Abstract", f"QuickKV gives {first}."), ("Conclusion", f"It is {second}.")) == []
    )
    assert (
        findings(
            ("Abstract", f"QuickKV gives {first}."), ("Conclusion", f"QuickKV gives {second}.")
        )
        == []
    )


def test_one_section_lists_its_settings() -> None:
    text = "QuickKV decodes {} faster than vLLM on the long prompts of our trace."
    assert findings(("Results", text.format("2.4x")), ("Results", text.format("2.9x"))) == []


def test_the_record_has_both_places() -> None:
    text = "QuickKV decodes {} faster than vLLM on the long prompts of our trace."
    document = Document(
        kind="text",
        sentences=[
            Sentence(text.format("2.4x"), 3, "Evaluation"),
            Sentence(text.format("2.9x"), 8, "Discussion"),
        ],
        title="QuickKV: a cache",
    )
    (finding,) = find_contradictions(extract_claims(document))
    record = finding.to_json()
    assert record["kind"] == "contradiction"
    assert record["claims"] == [0, 1]
    assert [place["page"] for place in record["places"]] == [3, 8]
    assert "2.4x" in record["places"][0]["quote"]
