"""The number formats that a paper computes or stores in."""

from __future__ import annotations

import re
from collections import Counter

from analyzers.evidence import Index
from analyzers.words import Pattern

MOST = 6
_NAMES = Pattern(
    "fp16|fp32|bf16|bfloat16|fp8|fp4|fp6|e4m3|e5m2|nvfp4|mxfp|int8|int4|int3|int2|int1|w4a|w8a|w3a"
    "|w2a|w1a|w6a|q4_|q5_|q6_|q8_|q2_|q3_|iq|-bit|ternary|binary",
    r"(?<![a-z0-9])(?:fp(?:32|16|8|6|4)|bf16|bfloat16|e4m3|e5m2|nvfp4|mxfp[468]|int(?:[1-8]|16)"
    r"|w\d{1,2}a\d{1,2}(?:kv\d{1,2})?|i?q\d_(?:k(?:_[sml])?|[01]|nl|xx?s)"
    r"|[1-8]-bit(?= (?:\w+ )?(?:quanti|weight|integer|precision|model|kv|cache|activation))"
    r"|ternary(?= (?:\w+ )?(?:quanti|weight|values?|model)))",
)
_SPELLED = {"bfloat16": "BF16"}
_PLAIN = frozenset(("FP32", "FP16", "BF16"))
"""What models come in: named as a baseline by nearly every paper."""


def read_formats(index: Index) -> list[str]:
    """Return the formats that the authors speak of as theirs, the most spoken of first."""
    weights: Counter[str] = Counter()
    expression = _NAMES.expression
    assert expression is not None
    for at in index.hits(_NAMES):
        weight = 1 + 2 * (index.voice(at) > 0) + 4 * index.is_front(at)
        if index.voice(at) < 0:
            continue
        for name in {match[0] for match in expression.finditer(index.lowered[at])}:
            weights[_spell(name)] += weight
    top = max((w for name, w in weights.items() if name not in _PLAIN), default=0)
    top = top or max(weights.values(), default=0)
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, weight in ranked if weight >= max(4, 0.15 * top)][:MOST]


def _spell(name: str) -> str:
    if name in _SPELLED:
        return _SPELLED[name]
    return re.sub(r"(\d)-BIT", r"\1-bit", name.upper()).replace("TERNARY", "ternary")
