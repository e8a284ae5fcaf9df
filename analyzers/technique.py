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
from analyzers.searching import find_all

_TITLE, _ABSTRACT, _HEADING, _BODY = 6.0, 2.0, 1.0, 0.35

_VOCABULARY: dict[Technique, tuple[tuple[str, float], ...]] = {
    Technique.QUANTIZATION: (
        (r"quanti[sz]\w+", 1.0),
        (r"(?:low|mixed)[- ]precision|\bint[348]\b|\bfp[48]\b|\bw\da\d+\b|\b[1-8][- ]bits?\b", 0.6),
        (r"post-training|bit-?width|outlier|round-to-nearest", 0.4),
    ),
    Technique.ATTENTION: (
        (r"(?:self-|flash-?\s?|sparse |block-sparse |linear |exact |efficient )attention\b", 1.0),
        (r"flash-?attention|attention (?:kernel|mechanism|operator|computation|layer"
            r"|module|head)s?", 1.0),
        (r"\battention\b", 0.45),
        (r"long[- ]context|softmax|quadratic", 0.3),
    ),
    Technique.KV_CACHE: (
        (r"(?:kv|key[- ]value)[- ]?caches?", 1.0),
        (r"cache (?:eviction|compression|reuse|management|quantization)|prefix (?:kv"
            r"|cach\w+)|\bkvs?\b", 0.7),
    ),
    Technique.SPECULATIVE_DECODING: (
        (r"speculat\w+ (?:decoding|sampling|execution|inference|generation)", 1.6),
        (r"draft(?:ing|s|ed)?(?: models?| tokens?| heads?)?|self-speculat\w+"
            r"|acceptance (?:rate|length)", 0.9),
        (r"target model|verif(?:y|ication)|small(?:er)? model|rollback|accepted tokens", 0.45),
        (r"(?:multiple|several) tokens (?:in parallel|per step|at once)"
            r"|parallel decoding|early exit", 0.7),
    ),
    Technique.SAMPLING: (
        (r"top-?[kp]\b(?:,| and| or|/)? ?(?:top-?[kp]|min-?p|sampling)?", 0.8),
        (r"(?:token|categorical|rejection|sorting-free|nucleus|gpu|llm) sampling"
            r"|sampling (?:kernel|operator|algorithm|time)s?", 1.3),
        (r"min-p|vocabular(?:y|ies)|logits", 0.4),
    ),
    Technique.GEMM_KERNEL: (
        (r"\bgem[mv]s?\b|mat-?muls?|matrix[- ](?:vector |matrix )?multipl\w+", 1.0),
        (r"(?:cuda|gpu|cpu|tensor core|mixed-precision|inference) kernels?"
            r"|dequantiz\w+|onednn|cutlass", 0.6),
    ),
    Technique.SPARSITY_PRUNING: (
        (r"(?:activation |weight |contextual |structured |model "
            r"|semi-structured )?sparsit\w+", 1.0),
        (r"prun(?:e|ed|es|ing)|sparse (?:model|weight|activation|kernel)s?|2:4", 0.9),
    ),
    Technique.SERVING_SCHEDULING: (
        (r"(?:llm|model|inference) serving|serving (?:system|engine|framework)s?", 1.0),
        (r"schedul\w+|offload\w*|disaggregat\w+|batch(?:ing)? requests"
            r"|continuous batching|pipelin\w+", 0.7),
        (r"distributed|parallelism|cluster|slo\b|\brdma\b|heterogeneous|multi-gpu"
            r"|partition\w*|cuda graphs?", 0.6),
    ),
    Technique.MOE: (
        (r"mixture[- ]of[- ]experts?|\bmoes?\b", 1.3),
        (r"\bexperts?\b|router|gating", 0.5),
    ),
}  # fmt: skip
_PATTERNS = {
    technique: [(re.compile(rf"(?<!\w)(?:{text})"), weight) for text, weight in entries]
    for technique, entries in _VOCABULARY.items()
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
    """Weigh each technique's words: title over abstract over headings over body."""
    title = lower(document.title or "")
    abstract = lower(document.abstract or " ".join(s.text for s in document.sentences[:12]))
    headings = lower("\n".join(section.title for section in document.sections))
    thousand = max(1.0, document.words / 1000)
    scores: dict[Technique, float] = {}
    for technique, patterns in _PATTERNS.items():
        scores[technique] = sum(
            weight
            * (
                _TITLE * bool(pattern.search(title))
                + _ABSTRACT * log1p(len(pattern.findall(abstract)))
                + _HEADING * log1p(len(pattern.findall(headings)))
                + _BODY * log1p(sum(1 for _ in find_all(pattern, index.text)) / thousand)
            )
            for pattern, weight in patterns
        )
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0].value))
    (best, top), (_, second) = ranked[0], ranked[1]
    if top < MINIMUM:
        return TechniqueReading(
            Technique.OTHER, (), 0.2, (reason(message("no technique's words stand out")),)
        )
    secondary = tuple(
        technique for technique, score in ranked[1:4] if score >= max(0.4 * top, MINIMUM)
    )
    confidence = max(0.3, min(0.98, 0.5 + 0.5 * (top - second) / top))
    return TechniqueReading(best, secondary, confidence, _evidence(title, index, best))


def _evidence(title: str, index: Index, technique: Technique) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for pattern, weight in _PATTERNS[technique]:
        if match := pattern.search(title):
            text = message("the title says “{word}”", word=match[0].strip())
            found.append(reason(text, weight * _TITLE))
        hits = index.hits(pattern)
        sentence = index.best(hits)
        if sentence is not None and (match := pattern.search(lower(sentence.text))):
            text = message("{count} sentences say “{word}”", word=match[0].strip(), count=len(hits))
            found.append(reason(text, weight, sentence))
    return tuple(sorted(found, key=lambda item: -item.points)[:4])
