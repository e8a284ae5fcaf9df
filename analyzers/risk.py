"""What may keep a technique from paying off, as far as the paper itself shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyzers.changes import Change
from analyzers.claiming.names import kind_of
from analyzers.claims import ExtractedClaim
from analyzers.complexity import ComplexityReading
from analyzers.document import Read
from analyzers.evidence import MAX_QUOTE, Index
from analyzers.facts import Bound, Metric, Regime, Severity
from analyzers.message import N_, Message, message
from analyzers.words import Pattern

_HARDWARE = Pattern(
    "hopper|blackwell|h100|fp8|fp4|int4|tpu|rdma|nvlink|npu|2:4|nvme|tma|wgmma|fpga|asic|infiniband"
    "|cxl|pim",
    r"\b(?:only (?:on|for|available|supported|with)|exclusiv\w+|requir\w+|needs?|rel(?:y|ies) on"
    r"|depends? on|leverag\w+|exploit\w+|utiliz\w+|takes? advantage of|designed for"
    r"|techniques? optimized for|(?:tailored|specific|specialized) (?:for|to)|new features? of"
    r"|capabilit\w+ of)\b"
    r"[^.]{0,60}?\b(?:hopper|blackwell|h100s?|fp8 tensor cores|nvfp4|int4 tensor cores|tpus?"
    r"|rdma|nvlink|npus?|2:4|nvme|tma|wgmma|fpgas?|asics?|infiniband|cxl|pim)\b",
)


_A_RIVAL = re.compile(
    r"\bwhich (?:is|are|was) (?:\w+ )?(?:only|exclusive|optimi|designed|specific)"
)
"""What is said of the thing compared with, not of the method."""
_ABLATION = 15
"""A larger loss in the body is what happens without the method, or to another one."""


@dataclass(frozen=True, slots=True)
class RiskReading:
    """A risk with its weight and the sentence that shows it."""

    kind: str
    severity: Severity
    text: Message
    quote: str | None = None
    page: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record of the analysis contract."""
        return {
            "kind": self.kind,
            "severity": self.severity.value,
            **self.text.to_json(),
            "quote": self.quote,
            "page": self.page,
        }


def read_risks(
    index: Index,
    claims: Sequence[ExtractedClaim],
    complexity: ComplexityReading,
    code_url: str | None,
) -> list[RiskReading]:
    """Return the risks, the heaviest first."""
    own = [claim for claim in claims if claim.own]
    risks = [*_accuracy(own), *_speed(own)]
    for change in (Change.TRAINING, Change.ARCHITECTURE):
        if (sentence := complexity.changes.get(change)) is not None:
            text = message("needs training or fine-tuning before it runs")
            risks.append(
                _quoted("training_needed", Severity.MEDIUM, text, sentence.text, sentence.page)
            )
            break
    found = index.own(index.hits(_HARDWARE))
    sentence = index.best([at for at in found if not _A_RIVAL.search(index.lowered[at])])
    if sentence is not None:
        text = message("asks for hardware that not every user has")
        risks.append(
            _quoted("special_hardware", Severity.MEDIUM, text, sentence.text, sentence.page)
        )
    if code_url is None and index.document.read not in (Read.RECORD, Read.ABSTRACT):
        # an abstract seldom says where the code is: that proves nothing
        risks.append(RiskReading("no_code", Severity.LOW, message("no code was found in the text")))
    order = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
    return sorted(risks, key=lambda risk: (order[risk.severity], risk.kind))


def _accuracy(own: Sequence[ExtractedClaim]) -> list[RiskReading]:
    risks: list[RiskReading] = []
    bits = [c for c in own if c.metric is Metric.BITWIDTH and c.value < 3]
    if bits:
        lowest = min(bits, key=lambda claim: claim.value)
        severity = Severity.HIGH if lowest.value < 2 else Severity.MEDIUM
        text = message(
            "goes down to {bits} bits, where accuracy is hard to keep", bits=lowest.value
        )
        risks.append(_of_claim("accuracy_loss", severity, text, lowest))
    drops = [c for c in own if c.metric is Metric.ACCURACY_DROP and c.unit != "x"]
    # What the authors say in front stands for the method; numbers of the body are often ablations.
    front = [claim for claim in drops if claim.in_abstract]
    drops = front or [claim for claim in drops if claim.value <= _ABLATION]
    if drops and not bits:
        worst = max(drops, key=lambda claim: claim.value_high or claim.value)
        value = worst.value_high or worst.value
        severity = Severity.LOW
        if value > 1:
            severity = Severity.HIGH if front and value >= 5 else Severity.MEDIUM
        unit = "%" if worst.unit == "%" else N_("points")
        if front:
            text = message(
                "reports a loss of quality of {value} {unit}",
                words=("unit",),
                value=value,
                unit=unit,
            )
        else:
            text = message(
                "speaks of a loss of quality of {value} {unit} in some setting",
                words=("unit",),
                value=value,
                unit=unit,
            )
        risks.append(_of_claim("accuracy_loss", severity, text, worst))
    return risks


def _speed(own: Sequence[ExtractedClaim]) -> list[RiskReading]:
    speed = [claim for claim in own if claim.metric.is_speed]
    if not speed:
        text = message("claims no speedup that the analysis could find")
        return [RiskReading("no_speed_claim", Severity.MEDIUM, text)]
    risks: list[RiskReading] = []
    if all(claim.bound is Bound.UP_TO for claim in speed):
        text = message("every speed claim is an “up to”")
        risks.append(_of_claim("only_up_to", Severity.MEDIUM, text, speed[0]))
    if all(kind_of(claim.baseline).is_weak for claim in speed):
        text = message("no speed claim names a strong baseline")
        risks.append(_of_claim("weak_baseline", Severity.MEDIUM, text, speed[0]))
    stated = [claim for claim in speed if claim.subject.regime is not None]
    if stated and all(claim.subject.regime is Regime.LARGE_BATCH for claim in stated):
        text = message("where a batch size is named, the gain is shown for large batches")
        risks.append(_of_claim("large_batch", Severity.LOW, text, stated[0]))
    return risks


def _of_claim(kind: str, severity: Severity, text: Message, claim: ExtractedClaim) -> RiskReading:
    place = claim.places[0]
    return _quoted(kind, severity, text, place.quote, place.page)


def _quoted(
    kind: str, severity: Severity, text: Message, quote: str, page: int | None
) -> RiskReading:
    return RiskReading(kind, severity, text, quote[:MAX_QUOTE], page)
