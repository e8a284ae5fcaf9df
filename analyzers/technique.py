"""What a paper changes about inference, from its own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log1p
from typing import Any

from analyzers.document import Document
from analyzers.evidence import Index, Reason, lower, reason
from analyzers.facts import Technique
from analyzers.message import message
from analyzers.words import Pattern

_TITLE, _ABSTRACT, _PROPOSAL, _HEADING, _BODY = 6.0, 2.0, 1.5, 1.0, 1.2
"""Weights of places. The body counts by the share of sentences, so its length doesn't."""
_ASIDE = re.compile(r"\([^()]*\)")
_PROPOSES = re.compile(
    r"\b(?:we|(?:this|the) (?:paper|work|report|post)|paper)\b[^.]{0,60}?\b(?:propos|present"
    r"|introduc|develop|design|describ|describes|build|explor|study|investigat)\w*"
)


def _p(stems: str, expression: str | None = None) -> Pattern:
    bounded = None if expression is None else rf"(?<!\w)(?:{expression})"
    return Pattern(stems, bounded)


_VOCABULARY: dict[Technique, tuple[tuple[Pattern, float], ...]] = {
    Technique.QUANTIZATION: (
        (_p("quantiz|quantis"), 1.0),
        (
            _p(
                "precision|int3|int4|int8|fp4|fp8|bit|w4a|w8a|w3a|w2a",
                r"(?:low|mixed)[- ]precision|int[348]\b|fp[48]\b|w\da\d+\b|[1-8][- ]bits?\b",
            ),
            0.6,
        ),
        (
            _p("post-training|bitwidth|bit-width|outlier|round-to-nearest"),
            0.4,
        ),
    ),
    Technique.ATTENTION: (
        (
            _p(
                "attention",
                r"(?:self-|flash-?\s?|sparse |block-sparse |linear |exact |efficient |delta )"
                r"attention\b|flash-?attention"
                r"|attention (?:kernel|mechanism|operator|computation|module)s?",
            ),
            1.6,
        ),
        (_p("attention", r"attention\b"), 0.45),
        (_p("long-context|long context|softmax|quadratic"), 0.3),
    ),
    Technique.KV_CACHE: (
        (_p("cache", r"(?:kv|key[- ]value)[- ]?caches?"), 1.0),
        (
            _p(
                "cache|prefix|kvs|kv |pagedattention|memory manag|memory alloc|fragmentation",
                r"cache (?:eviction|compression|reuse|management|quantization)"
                r"|prefix (?:kv|cach\w+)|\bkvs?\b|paged ?attention|memory (?:manag\w+|alloc\w+)"
                r"|fragmentation",
            ),
            0.7,
        ),
    ),
    Technique.SPECULATIVE_DECODING: (
        (
            _p(
                "speculat",
                r"speculat\w+ (?:decoding|sampling|execution|inference|generation)",
            ),
            1.6,
        ),
        (
            _p(
                "draft|self-speculat|acceptance",
                r"draft(?:ing|s|ed)?(?: models?| tokens?| heads?)?\b|self-speculat\w+"
                r"|acceptance (?:rate|length)",
            ),
            0.9,
        ),
        (
            _p(
                "target model|verif|small model|smaller model|rollback|accepted tokens",
                r"target model|verif(?:y|ication)|small(?:er)? model|rollback|accepted tokens",
            ),
            0.45,
        ),
        (
            _p(
                "token|parallel decoding|early exit|early-exit|greedy decoding|in parallel"
                "|lossless",
                r"(?:multiple|several) tokens (?:in parallel|per step|at once)|parallel decoding"
                r"|early[- ]exit|same as greedy decoding|(?:generation|output)s? (?:results )?as"
                r" greedy decoding|lossless(?:ly)? (?:accelerat|speed)\w*"
                r"|(?:check|verif|evaluat)\w* (?:\w+ ){0,6}in parallel|multi-token prediction",
            ),
            0.7,
        ),
    ),
    Technique.SAMPLING: (
        (
            _p(
                "top-k|top-p|top k|top p|topk",
                r"top-?[kp]\b(?:,| and| or|/)? ?(?:top-?[kp]|min-?p|sampling)",
            ),
            0.8,
        ),
        (
            _p(
                "sampl",
                r"(?:token|categorical|rejection|sorting-free|nucleus|gpu|llm) sampling"
                r"|sampling (?:kernel|operator|algorithm|time)s?",
            ),
            1.3,
        ),
        (_p("min-p|vocabular|logits"), 0.4),
    ),
    Technique.GEMM_KERNEL: (
        (
            _p(
                "gemm|gemv|matmul|mat-mul|matrix",
                r"gem[mv]s?\b|mat-?muls?|matrix[- ](?:vector |matrix )?multipl\w+",
            ),
            1.0,
        ),
        (
            _p(
                "kernel|dequantiz|onednn|cutlass|cpus|operator",
                r"(?:cuda|gpu|cpu|tensor core|mixed-precision|inference|linear) kernels?"
                r"|dequantiz\w+|onednn|cutlass|(?:on|for) cpus\b|operator fusion",
            ),
            0.6,
        ),
    ),
    Technique.SPARSITY_PRUNING: (
        (_p("sparsit"), 1.0),
        (
            _p(
                "prun|sparse|2:4",
                r"prun(?:e|ed|es|ing)\b|sparse (?:model|weight|activation|kernel)s?|2:4",
            ),
            0.9,
        ),
    ),
    Technique.SERVING_SCHEDULING: (
        (
            _p(
                "serving|serve ",
                r"(?:llms?|models?|inference|efficient|online) serving"
                r"|serving (?:\w+ )?(?:systems?|engines?|frameworks?|of)|serve (?:large|llms?)",
            ),
            1.0,
        ),
        (
            _p(
                "schedul|offload|disaggregat|batch|pipelin",
                # a compiler's schedules are no server's
                r"(?<!auto-)(?<!auto)(?<!loop )(?<!tensor )(?<!instruction )(?<!warp )schedul\w+"
                r"|offload\w*|disaggregat\w+|batch(?:ing)? requests"
                r"|continuous batching|pipelin\w+",
            ),
            0.7,
        ),
        (
            _p(
                "distributed|parallelism|cluster|slo|rdma|heterogeneous|multi-gpu|partition"
                "|chips|interconnect|model-parallel",
                r"distributed|parallelism|cluster\b|slos?\b|rdma\b|heterogeneous|multi-gpu"
                r"|partition\w*|chips\b|interconnect|model[- ]parallel",
            ),
            0.6,
        ),
    ),
    Technique.MOE: (
        (_p("mixture|moe", r"mixture[- ]of[- ]experts?|moes?\b"), 1.3),
        (_p("expert|router|gating", r"experts?\b|router|gating"), 0.5),
    ),
}
MINIMUM = 2.0


@dataclass(frozen=True, slots=True)
class TechniqueReading:
    """The main technique, others that play a part, and how clear that is (0 to 1)."""

    primary: Technique
    secondary: tuple[Technique, ...]
    confidence: float
    evidence: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "primary": self.primary.value,
            "secondary": [technique.value for technique in self.secondary],
            "confidence": round(self.confidence, 2),
            "evidence": [item.to_json() for item in self.evidence],
        }


def read_technique(document: Document, index: Index) -> TechniqueReading:
    """Weigh each technique's words: title over abstract and proposal over headings over body.

    Asides in parentheses ("using int8 weights") say what was used, not what the paper is about.
    """
    title = lower(document.title or "")
    abstract = _abstract(document, index)
    headings = [lower(section.title) for section in document.sections]
    proposals = [text for text in abstract if _PROPOSES.search(text)]
    sentences = max(1, len(index.sentences))
    scores: dict[Technique, float] = {}
    for technique, entries in _VOCABULARY.items():
        scores[technique] = sum(
            weight
            * (
                _TITLE * (pattern.find(title) is not None)
                + _ABSTRACT * log1p(_count(pattern, abstract))
                + _PROPOSAL * log1p(_count(pattern, proposals))
                + _HEADING * log1p(_count(pattern, headings))
                + _BODY * log1p(25 * index.count(index.hits(pattern)) / sentences)
            )
            for pattern, weight in entries
        )
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0].value))
    (best, top), (_, second) = ranked[0], ranked[1]
    if top < MINIMUM:
        text = message("no technique's words stand out")
        return TechniqueReading(Technique.OTHER, (), 0.2, (reason(text),))
    secondary = tuple(
        technique for technique, score in ranked[1:4] if score >= max(0.4 * top, MINIMUM)
    )
    confidence = max(0.3, min(0.98, 0.5 + 0.5 * (top - second) / top))
    return TechniqueReading(best, secondary, confidence, _evidence(title, index, best))


def _abstract(document: Document, index: Index) -> list[str]:
    own = [i for i, s in enumerate(document.sentences) if s.in_abstract]
    if own:
        return [_ASIDE.sub("", index.lowered[at]) for at in own]
    if document.abstract:
        return [_ASIDE.sub("", part) for part in lower(document.abstract).split(". ")]
    return [_ASIDE.sub("", text) for text in index.lowered[:12]]


def _count(pattern: Pattern, texts: list[str]) -> int:
    return sum(pattern.find(text) is not None for text in texts)


def _evidence(title: str, index: Index, technique: Technique) -> tuple[Reason, ...]:
    found: list[Reason] = []
    quoted: set[str] = set()
    for pattern, weight in _VOCABULARY[technique]:
        if word := pattern.find(title):
            text = message("the title says “{word}”", word=word.strip())
            found.append(reason(text, weight * _TITLE))
        hits = index.hits(pattern)
        sentence = index.best(hits, lambda s: s.text not in quoted)
        if sentence is None:
            continue
        quoted.add(sentence.text)
        word = pattern.find(lower(sentence.text)) or ""
        if len(hits) == 1:
            text = message("a sentence says “{word}”", word=word.strip())
        else:
            text = message("{count} sentences say “{word}”", word=word.strip(), count=len(hits))
        found.append(reason(text, weight, sentence))
    return tuple(sorted(found, key=lambda item: -item.points)[:4])
