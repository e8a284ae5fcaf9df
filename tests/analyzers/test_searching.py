"""The quick search finds what the pattern alone finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import complexity, risk, technique
from analyzers.searching import find_all, openings

OWN = [pattern for entries in technique._PATTERNS.values() for pattern, _ in entries] + [
    value
    for module in (complexity, risk)
    for value in vars(module).values()
    if isinstance(value, re.Pattern)
]
PATTERNS = [
    *OWN,
    *map(
        re.compile,
        (
            *(
                r"(?<!\w)(?:low|mixed)[- ]bits?\b",
                r"a{0,2}b",
                r"(?:ab){2,3}c",
                r"(?:a|ab)(?:c|bcd)",
            ),
            *(
                r"x*",
                r"[^a]b",
                r"(?P<n>a)?b(?P=n)?",
                r"(?i:Ab)c",
                r"aa",
                r"a+?b|ba",
                r"\bno (?:x|)",
            ),
            *(r"[a-zA-Z]b", r"(?=a)a", r"", r"a.c|b"),
        ),
    ),
]
TEXT = """a b c ab bc cd abc aab mixed low bit bits - no x 4-bit kv cache attention flash sparse we
quantized speculative decoding draft models gemm pruning serving train top-k experts fp8 w4a16 2:4
without any retraining requires only tensor cores accuracy drop"""
WORDS = st.sampled_from([*TEXT.split(), "\n"])


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:40])
@given(pieces=st.lists(WORDS | st.just(" "), max_size=40), joint=st.sampled_from(["", " "]))
def test_same_matches(pattern: re.Pattern[str], pieces: list[str], joint: str) -> None:
    text = joint.join(pieces)
    found = [(match.span(), match[0]) for match in find_all(pattern, text)]
    assert found == [(match.span(), match[0]) for match in pattern.finditer(text)]


def test_openings() -> None:
    assert openings(re.compile(r"(?<!\w)(?:low|mixed)[- ]bits?")) == (
        *("low bit", "low-bit", "mixed bit", "mixed-bit"),
    )
    assert openings(re.compile(r"\w+ing")) is None
    assert openings(re.compile("abc", re.I)) is None
    assert sum(openings(pattern) is not None for pattern in OWN) > 0.7 * len(OWN)
