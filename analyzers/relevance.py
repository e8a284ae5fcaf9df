"""How much a paper matters to an engine: its direction, its users, and where it pays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analyzers.evidence import Index, Reason, reason
from analyzers.facts import Technique
from analyzers.message import Message, message
from analyzers.technique import TechniqueReading

BASE = 0.35
_CORE, _PART = 0.2, 0.1
_LLAMA_CPP: tuple[tuple[str, float, Message, int], ...] = (
    (r"llama\.cpp|\bggml\b|\bgguf\b", 0.3, message("names the engine or its file format"), 1),
    (
        r"consumer[- ](?:grade )?(?:gpu|hardware|device)s?|single (?:consumer "
        r"|commodity )?gpu|edge devices?|on-device"
        r"|laptops?|mobile (?:device|phone)s?|smartphones?|personal computers?"
        r"|commodity (?:gpu|hardware)|rtx ?\d{4}"
        r"|apple silicon|resource-constrained|limited (?:gpu )?memory",
        0.15,
        message("aims at hardware that people own"),
        2,
    ),
    (
        r"\bcpus?\b[^.\n]{0,40}\b(?:inference|decod\w+|kernel|thread)|\b(?:avx\w*|neon|arm cpu)\b",
        0.08,
        message("runs on CPUs"),
        3,
    ),
    (
        r"batch[- ]size(?: of| =)? ?(?:1|one)\b|single[- ]batch|batch-?1\b"
        r"|low[- ]batch|memory[- ]bound|bandwidth[- ]bound",
        0.08,
        message("looks at small batches, where the engine runs"),
        2,
    ),
    (
        r"(?:weight-only|post-training)|without (?:any )?(?:re-?training"
        r"|fine-?tuning)|training-free|plug-and-play"
        r"|identical (?:outputs?|results)|lossless",
        0.1,
        message("works on models as they are published"),
        1,
    ),
    (
        r"\brdma\b|infiniband|data ?cent(?:er|re)s?|inter-?node|disaggregat\w+"
        r"|\bslos?\b|multi-?node|tpu v\d|clusters?\b",
        -0.25,
        message("aims at data centres"),
        5,
    ),
    (
        r"\bserving\b|requests? per second|concurrent requests|continuous batching"
        r"|large batch(?:es| size)|high[- ]throughput",
        -0.12,
        message("aims at serving many requests"),
        6,
    ),
    (
        r"(?:pre-?train|train(?:ed|ing)?)\b[^.\n]{0,40}from scratch|backward pass"
        r"|training (?:speed|throughput|time)|pre-?training",
        -0.22,
        message("is about training, or needs models trained for it"),
        4,
    ),
    (r"hopper|\bfp8\b|\bh[128]00\b", -0.06, message("leans on data-centre GPUs"), 6),
)


@dataclass(frozen=True, slots=True)
class RelevanceReading:
    """The value (0 to 1) for a target and what it is made of."""

    target: str
    value: float
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "target": self.target,
            "value": self.value,
            "reasons": [item.to_json() for item in self.reasons],
        }


def read_relevance(
    index: Index, technique: TechniqueReading, target_name: str, target: Any = None
) -> RelevanceReading:
    """Weigh the paper for a target.

    `target` may carry `core_techniques` (a set of techniques) and `relevance` (a mapping with
    `signs`: records with pattern, points, text, least); what it lacks is taken from llama.cpp's.
    """
    value = BASE
    reasons: list[Reason] = []
    core = getattr(target, "core_techniques", None) or _DEFAULT_CORE
    if technique.primary in core:
        value += _CORE
        text = message(
            "{technique} is a core direction of the target",
            words=("technique",),
            technique=technique.primary.value,
        )
        reasons.append(reason(text, _CORE))
    elif any(other in core for other in technique.secondary):
        value += _PART
        reasons.append(reason(message("touches a core direction of the target"), _PART))
    for pattern_text, points, text, least in _signs(target):
        found = index.hits(re.compile(pattern_text))
        hits, sentence = index.count(found), index.best(found)
        if sentence is None:
            continue
        if not sentence.in_abstract and hits < least * index.size:
            continue
        share = 1.0 if sentence.in_abstract or hits >= 2 * least * index.size else 0.6
        value += points * share
        reasons.append(reason(text, points * share, sentence))
    value = round(max(0.05, min(1.0, value)), 2)
    return RelevanceReading(
        target_name, value, tuple(sorted(reasons, key=lambda r: -abs(r.points)))
    )


_DEFAULT_CORE = frozenset(
    (
        Technique.QUANTIZATION,
        Technique.ATTENTION,
        Technique.KV_CACHE,
        Technique.GEMM_KERNEL,
        Technique.SPECULATIVE_DECODING,
    )
)


def _signs(target: Any) -> tuple[tuple[str, float, Message, int], ...]:
    own = getattr(target, "relevance", None)
    if not isinstance(own, Mapping) or not own.get("signs"):
        return _LLAMA_CPP
    return tuple(
        (
            str(sign["pattern"]),
            float(sign["points"]),
            Message(str(sign["text"]), {}),
            int(sign.get("least", 1)),
        )
        for sign in own["signs"]
    )
