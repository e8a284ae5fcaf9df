"""Numbers in all their spellings."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzers.claiming.quantities import find_quantities, normalise


def read(text: str) -> list[tuple[float, float | None, str]]:
    return [(q.value, q.high, q.unit) for q in find_quantities(normalise(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 2.1x speedup", [(2.1, None, "x")]),
        ("about 2.1 times faster", [(2.1, None, "x")]),
        ("a speedup of x2.37", [(2.37, None, "x")]),
        ("a 3.8⇥reduction", [(3.8, None, "x")]),
        ("a 7-fold gain", [(7, None, "x")]),
        ("two times faster", [(2, None, "x")]),
        ("twice as fast", [(2, None, "x")]),
        ("cuts the memory by half", [(2, None, "x")]),
        ("it halves latency", [(2, None, "x")]),
        ("it triples the throughput", [(3, None, "x")]),
        ("by a factor of about 3.4", [(3.4, None, "x")]),
        ("by a factor of about 3.4x", [(3.4, None, "x")]),
        ("a 2X-3X acceleration", [(2, 3, "x")]),
        ("1.88×−5.04× faster", [(1.88, 5.04, "x")]),
        ("between 1.34× and 2.16×", [(1.34, 2.16, "x")]),
        ("from 2 to 3 times", [(2, 3, "x")]),
        ("59%∼498% more", [(59, 498, "%")]),
        ("10 −45% speedups", [(10, 45, "%")]),
        ("+4.99% ∼+11.80%", [(4.99, 11.8, "%")]),
        ("5.19x/4.16x speedup", [(5.19, None, "x"), (4.16, None, "x")]),
        ("1.7 and 2.3 times", [(1.7, None, "x"), (2.3, None, "x")]),
        ("31%, 52%, and 66%", [(31, None, "%"), (52, None, "%"), (66, None, "%")]),
        ("3/4 bits", [(3, 4, "bits")]),
        ("1-bit caches", [(1, None, "bits")]),
        ("within 1 point", [(1, None, "points")]),
        ("1,024.5 times", [(1024.5, None, "x")]),
        ("from 65ms to 25ms", [(2.6, None, "x")]),
        ("from 8 GB to 2 GB", [(4, None, "x")]),
    ],
)
def test_forms(text: str, expected: list[tuple[float, float | None, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("perplexity within 0.2 PPL", "ppl"),
        ("raises BLEU by 1.5 points", None),
        ("2.1x with 0.2 PPL", "ppl"),
    ],
)
def test_points_keep_the_metric_that_they_are_written_in(text: str, written: str | None) -> None:
    assert find_quantities(normalise(text))[-1].written == written


@pytest.mark.parametrize(
    "text",
    [
        "Mixtral-8×7B",
        "a 4096×14336 matrix",
        "INT3×FP16",
        "GPT-3",
        "W4A4",
        "Section 3.2",
        "x86 CPUs",
    ],
)
def test_false_friends(text: str) -> None:
    assert read(text) == []


@given(st.text(max_size=300))
def test_any_text_is_read_without_harm(text: str) -> None:
    normal = normalise(text)
    assert len(normal) == len(text)
    end = 0
    for quantity in find_quantities(normal):
        assert end <= quantity.start < quantity.end <= len(text)
        end = quantity.end


@given(
    st.decimals(min_value="0.1", max_value=999, places=2),
    st.sampled_from(["{}x", "{}×", "{} times", "x{}", "{}X"]),
)
@example(Decimal("32.00"), "x{}")
def test_a_ratio_reads_back(value: Decimal, form: str) -> None:
    (quantity,) = find_quantities(normalise(f"a speedup of {form.format(value)} over it"))
    assert (quantity.value, quantity.unit) == (float(value), "x")
