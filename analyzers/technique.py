"""What a paper changes about inference, from its own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log1p
from typing import Any

from analyzers.document import Document
from analyzers.evidence import Reason, find, reason
from analyzers.facts import Technique
from analyzers.message import message

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
    technique: [(re.compile(rf"(?<![\w])(?:{text})", re.I), weight) for text, weight in entries]
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


def read_technique(document: Document) -> TechniqueReading:
    """Weigh each technique's words: title over abstract over headings over body."""
    title = document.title or ""
    abstract = document.abstract or " ".join(s.text for s in document.sentences[:12])
    headings = "\n".join(section.title for section in document.sections)
    body = document.text
    scores = {
        technique: _score(technique, title, abstract, headings, body) for technique in _PATTERNS
    }
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
    return TechniqueReading(best, secondary, confidence, _evidence(document, best, top))


def _score(technique: Technique, title: str, abstract: str, headings: str, body: str) -> float:
    total = 0.0
    thousand = max(1.0, len(body.split()) / 1000)
    for pattern, weight in _PATTERNS[technique]:
        in_title = min(1, len(pattern.findall(title)))
        in_abstract = log1p(len(pattern.findall(abstract)))
        in_headings = log1p(len(pattern.findall(headings)))
        in_body = log1p(len(pattern.findall(body)) / thousand)
        total += weight * (
            _TITLE * in_title + _ABSTRACT * in_abstract + _HEADING * in_headings + _BODY * in_body
        )
    return total


def _evidence(document: Document, technique: Technique, score: float) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for pattern, weight in _PATTERNS[technique]:
        if match := pattern.search(document.title or ""):
            found.append(
                reason(message("the title says “{word}”", word=match[0].strip()), weight * _TITLE)
            )
        sentence = find(document, pattern)
        if sentence is not None and (match := pattern.search(sentence.text)):
            times = len(pattern.findall(document.text))
            text = message("says “{word}” {times} times", word=match[0].strip(), times=times)
            found.append(reason(text, weight, sentence))
    return tuple(sorted(found, key=lambda item: -item.points)[:4])
