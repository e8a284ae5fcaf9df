"""How much work a technique is to build into an engine, and how deep it cuts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from analyzers.evidence import Index, Reason, reason
from analyzers.facts import Complexity, Integration, Technique
from analyzers.message import Message, message


@dataclass(frozen=True, slots=True)
class _Sign:
    """Words that raise or lower the work, where `least` sentences hold them."""

    pattern: re.Pattern[str]
    points: float
    text: Message
    least: int = 1
    depth: int = 0
    abstract_only: bool = False


def _sign(
    pattern: str,
    points: float,
    text: Message,
    least: int = 1,
    depth: int = 0,
    abstract_only: bool = False,
) -> _Sign:
    return _Sign(re.compile(pattern), points, text, least, depth, abstract_only)


_USUAL: dict[Technique, float] = {
    # what building a technique of this kind usually takes, before the paper says more: sampling is
    # a page of code, a draft loop exists in every engine, serving is a system
    Technique.QUANTIZATION: 0.8,
    Technique.ATTENTION: 0.9,
    Technique.KV_CACHE: 0.9,
    Technique.SPECULATIVE_DECODING: 0.6,
    Technique.SAMPLING: 0.2,
    Technique.GEMM_KERNEL: 0.9,
    Technique.SPARSITY_PRUNING: 0.8,
    Technique.SERVING_SCHEDULING: 1.2,
    Technique.MOE: 0.8,
    Technique.OTHER: 0.4,
}


_SIGNS = (
    _sign(
        r"(?:pre-?train|trained?|training)\b[^.\n]{0,40}from scratch|novel (?:model )?architecture"
        r"|(?:we|our) (?:pre-?train)|new (?:model )?architecture|(?:billions?|\dT"
        r"|trillions?) (?:of )?(?:training )?tokens",
        1.2,
        message("a model of its own has to be trained"),
        2,
        2,
    ),
    _sign(
        r"fine-?tun\w+|distill\w+|(?:train(?:ed|ing)?|learn(?:ed|able|ing)?) (?:a "
        r"|an |the |per-layer )?(?:\w+ )?"
        r"(?:draft|gate|gating|head|predictor|adapter|router|indexer|transform\w*)"
        r"|quantization-aware training",
        0.6,
        message("needs training or fine-tuning"),
        4,
        1,
    ),
    _sign(
        r"(?:custom|optimized|efficient|fused|specialized|our|cuda|triton|gpu|own"
        r"|bespoke|dedicated) (?:\w+ ){0,2}kernels?"
        r"|cutlass|\bptx\b|tensor cores?|\bwmma\b|\bmma\b",
        0.7,
        message("needs kernels of its own"),
        4,
        1,
    ),
    _sign(
        r"calibrat\w+|hessian|second-order|codebook|centroids|cluster(?:ing"
        r"|ed)? (?:the )?(?:weights|keys)",
        0.3,
        message("needs calibration data or a new storage format"),
        3,
        1,
    ),
    _sign(
        r"rdma|infiniband|nvlink|inter-?node|multi-?node|cluster of|disaggregat\w+"
        r"|tensor parallel\w*|distributed"
        r"|pipeline parallel\w*|across (?:multiple )?(?:gpus|machines|nodes)|all-?reduce",
        0.7,
        message("works across several devices or machines"),
        6,
        2,
    ),
    _sign(
        r"scheduler|block table|block manager|paged? ?attention|memory manag\w+"
        r"|page table|cache manager|eviction"
        r"|prefetch\w*|offload\w*|ssd\b|load balanc\w+",
        0.6,
        message("changes memory management or scheduling"),
        6,
        2,
    ),
    _sign(
        r"plug-and-play|drop-in|plug in|without (?:any )?(?:re-?training|fine-?tuning"
        r"|additional training|extra training)"
        r"|training-free|(?:no|not require(?: any)?) (?:additional |extra "
        r"|re)?-?(?:training|calibration)|few lines of code"
        r"|easy to (?:implement|integrate)|simple (?:to implement|algorithm"
        r"|and effective)|off-the-shelf|out-of-the-box"
        r"|without (?:any )?(?:chang|modif)\w+",
        -0.4,
        message("works with models as they are"),
        1,
        0,
    ),
    _sign(
        r"(?:we|this (?:paper|work)) (?:\w+ ){0,2}(?:analy[sz]e|benchmark|survey"
        r"|study|characteri[sz]e|compare)\b|empirical (?:study|analysis)"
        r"|systematic (?:study|evaluation|benchmark\w*)|white ?paper",
        -0.8,
        message("is mainly an analysis"),
        1,
        0,
        abstract_only=True,
    ),
)
_PROPOSES = re.compile(r"\b(?:propos|introduc|present|develop|design)\w*\b", re.I)
_HIGH, _MEDIUM = 1.4, 0.75


@dataclass(frozen=True, slots=True)
class ComplexityReading:
    """The level, how it would sit in an engine, and why."""

    level: Complexity
    integration: Integration
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "level": self.level.value,
            "integration": self.integration.value,
            "reasons": [item.to_json() for item in self.reasons],
        }


def read_complexity(index: Index, technique: Technique) -> ComplexityReading:
    """Add up the signs of work; a sign counts more the more of the paper speaks of it."""
    total, depth = _USUAL[technique], 0
    text = message(
        "what {technique} usually takes", words=("technique",), technique=technique.value
    )
    reasons = [reason(text, total)]
    proposes = any(s.in_abstract and _PROPOSES.search(s.text) for s in index.sentences[:60])
    for sign in _SIGNS:
        found = index.hits(sign.pattern)
        hits, sentence = index.count(found), index.best(found)
        if sentence is None or not (hits >= sign.least * index.size or sentence.in_abstract):
            continue
        if sign.abstract_only and (proposes or not sentence.in_abstract):
            continue
        share = 1.0 if sentence.in_abstract or hits >= 3 * sign.least * index.size else 0.7
        points = sign.points * share
        total += points
        depth = max(depth, sign.depth)
        reasons.append(reason(sign.text, points, sentence))
    level = Complexity.LOW
    if total >= _HIGH:
        level = Complexity.HIGH
    elif total >= _MEDIUM:
        level = Complexity.MEDIUM
    easy = any(item.points < 0 for item in reasons)
    integration = (
        Integration.ARCHITECTURAL if depth == 2 and level is Complexity.HIGH else Integration.LOCAL
    )
    if level is Complexity.LOW or (easy and depth < 2 and level is Complexity.MEDIUM):
        integration = Integration.DROP_IN if easy or level is Complexity.LOW else Integration.LOCAL
    return ComplexityReading(
        level, integration, tuple(sorted(reasons, key=lambda r: -abs(r.points)))
    )
