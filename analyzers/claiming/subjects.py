"""What a claim is about: the part of the work, its scope, the hardware, and the hedge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzers.claiming.carrying import carried_from
from analyzers.claiming.quantities import Quantity
from analyzers.facts import Bound, Part, Regime, Scope

_WHOLE, _COMPONENT = Scope.END_TO_END, Scope.COMPONENT
_DECODING = (
    r"decod\w+|token generation|text generation|generation (?:speed|latency|throughput)|\btpot\b"
    r"|\btbt\b|\bitl\b|inter-token|time per (?:output )?token|per-token|autoregressive"
)
_PREFILL = r"pre-?fill\w*|prompt processing|time to first token|\bttft\b|context encoding"
_END_TO_END = r"end[- ]to[- ]end|e2e|overall (?:inference|latency|speed)|wall-?clock"
_GEMM = r"gemm|gemv|matmul|matrix[- ](?:vector |matrix )?multiplications?|linear layers?"
_SUBJECTS: tuple[tuple[str, re.Pattern[str], Part | None, Scope | None], ...] = tuple(
    (name, re.compile(pattern, re.I), part, scope)
    for name, pattern, part, scope in (
        ("end-to-end inference", _END_TO_END, Part.WHOLE_RUN, _WHOLE),
        ("training", r"training|train\b|fine-?tun", None, _WHOLE),
        ("prefill", _PREFILL, Part.PREFILL, _WHOLE),
        ("decoding", _DECODING, Part.DECODE, _WHOLE),
        (
            "sampling",
            r"sampling (?:time|kernel|latency|overhead|operator)|top-[kp]|sampler",
            Part.SAMPLING,
            _COMPONENT,
        ),
        ("attention", r"(?<!multi-head )attention|flashattention|softmax", None, _COMPONENT),
        ("matrix multiplication", _GEMM, None, _COMPONENT),
        ("kernel", r"kernels?|operators?", None, Scope.KERNEL),
        ("backward pass", r"backward", None, _COMPONENT),
        ("forward pass", r"forward pass", None, _COMPONENT),
        ("KV cache", r"kv[- ]?caches?|key[- ]value caches?", None, _COMPONENT),
        ("weights", r"weights?", None, None),
        ("memory", r"memory|footprint", None, None),
        ("serving throughput", r"throughput|serving|requests?", None, _WHOLE),
        ("model", r"models?|inference|llms?|generation", None, _WHOLE),
        ("accuracy", r"accuracy|perplexity|quality", None, None),
    )
)
_HARDWARE = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\d[x×]))(?:NVIDIA |AMD |Intel |Apple )?"
    r"(?:RTX ?(?:A?\d{4})(?: ?Ti| ?SUPER| ?Ada)?"
    r"|GTX ?\d{4}(?: ?Ti)?"
    r"|GeForce [\w ]{3,16}|Tesla [\w]+|(?:A100|H100|H200|H800|H20|B200|A800|V100|P100"
    r"|L40S?|A10G?|A6000|A40|A30|T4|L4)"
    r"(?:[- ](?:\d{2,3} ?GB|SXM\d?|PCIe|NVL))*|MI\d{3}X?|Titan (?:Xp|X|V|RTX)"
    r"|TPU[ -]?v\d\w?|Jetson [\w ]{3,14}"
    r"|Xeon(?: [A-Z]\w+)?(?: \w*\d\w*)?|E(?:PYC|pyc)(?: \w*\d\w*)?|M[1-5](?: (?:Ultra|Max"
    r"|Pro))|Ryzen[\w ]{0,12}"
    r"|Core i\d-\w+|Snapdragon [\w ]{1,16}|Raspberry Pi ?\d?|Ascend ?\w{3,5}|Gaudi ?\d?)\b"
)
_UP_TO = re.compile(
    r"(?:up[- ]?to|at most|a? ?max(?:imum|imal|imally)?"
    r"(?! (?:[\w-]+ )?throughput(?! (?:improvement|gain|increase|speed)))"
    r"(?: [\w-]+){0,3}?(?: of)?"
    r"|as (?:much|high|many|low) as|peak(?:s|ing)?(?: [\w-]+)?(?: of| at)?"
    r"|within|less than|fewer than|under|below|≤|<|no more than|not exceeding"
    r"|lower than|upto)\s?(?:a |an |the )?[~≈]?\s?$",
    re.I,
)
_AT_LEAST = re.compile(
    r"(?:(?<!no )more than|over|at least|exceed(?:s|ing)?|above|beyond|greater than"
    r"|better than|≥|>|a minimum of"
    r"|minimum|no less than|larger than|well over|higher than|in excess of)\s?(?:a "
    r"|an )?[~≈]?\s?(?:factor of )?$",
    re.I,
)
_ABOUT = re.compile(
    r"(?:about|around|approx(?:imately|\.)?|roughly|nearly|almost|~|close to|some"
    r"|towards|on the order of)"
    r"\s?(?:a |an |the )?(?:factor of )?(?:average of )?$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a claim speaks of."""

    name: str | None
    part: Part | None
    scope: Scope | None
    regime: Regime | None


def read_subject(text: str, quantity: Quantity, others: list[Quantity]) -> Subject:
    """Return the nearest word of the vocabulary, in the number's own stretch of the sentence."""
    index = others.index(quantity)
    left_limit = others[index - 1].end if index else 0
    right_limit = others[index + 1].start if index + 1 < len(others) else len(text)
    best: tuple[float, Subject] | None = None
    for limits in ((left_limit, right_limit), (0, len(text))):
        for rank, (name, pattern, part, scope) in enumerate(_SUBJECTS):
            for match in pattern.finditer(text, *limits):
                away = (
                    match.start() - quantity.end
                    if match.start() >= quantity.end
                    else 1.3 * (quantity.start - match.end())
                )
                cost = away + 4 * rank
                if best is None or cost < best[0]:
                    best = (cost, Subject(name, part, scope, None))
        if best is not None and best[0] < 120:
            break
    subject = best[1] if best else Subject(None, None, None, None)
    scope, part = subject.scope, subject.part
    if re.search(r"end[- ]to[- ]end", text, re.I) and scope is not Scope.END_TO_END:
        scope = Scope.END_TO_END if subject.name in ("model", "memory", None) else scope
    if subject.name == "attention" and re.search(r"prefill", text, re.I):
        part = Part.PREFILL_ATTENTION
    elif subject.name == "attention" and re.search(r"decod", text, re.I):
        part = Part.DECODE_ATTENTION
    return Subject(subject.name, part, scope, _regime(text))


_STARVED = re.compile(
    # Work that is handed to another processor is no lack of memory.
    r"(?<!npu )(?<!dsp )(?<!gpu )(?<!hardware )(?<!compute )(?<!computation )(?<!kernel )"
    r"\boffload(?:s|ed|ing)?\b(?!.{0,40}\b(?:npus?|dsps?|(?:to|onto) (?:the |a )?"
    r"(?:gpus?|accelerators?|hardware)|comput\w+|kernels?|operat\w+)\b)"
    r"|\bout[- ]of[- ](?:gpu[- ])?memory\b|\bzero-?(?:inference|infinity)\b"
    r"|\bswap(?:s|ped|ping)?\b.{0,20}\b(?:cpu|host|disk|ssd)\b"
    r"|\b(?:insufficient|limited|scarce) (?:gpu |device )?memory\b",
    re.I,
)
"""The weights or the cache don't fit on the card: what is timed is a bus."""


def times_starved(text: str) -> int:
    """Return how often a text says that something doesn't fit on the card."""
    return len(_STARVED.findall(text))


def is_starved(text: str) -> bool:
    """Return whether a text speaks of a card without enough memory."""
    return _STARVED.search(text) is not None


def _regime(text: str) -> Regime | None:
    if is_starved(text):
        return Regime.MEMORY_STARVED
    if match := re.search(r"batch(?:[- ]?sizes?)?(?: of| =|=)? ?(\d{1,4})", text, re.I):
        return Regime.LARGE_BATCH if int(match[1]) > 4 else Regime.TARGET
    if re.search(r"larger? (?:decoding )?batch(?:es| size)", text, re.I):
        return Regime.LARGE_BATCH
    return None


def hardware_in(text: str) -> str | None:
    """Return the hardware that a sentence names first."""
    match = _HARDWARE.search(text)
    return _spelled(match[0]) if match else None


def all_hardware(text: str) -> list[str]:
    """Return every name of hardware in `text`."""
    return [_spelled(match[0]) for match in _HARDWARE.finditer(text)]


def _spelled(name: str) -> str:
    """Spell a device in one way: RTX 4090, TPU v4."""
    name = re.sub(r"(?<=RTX|GTX|TPU)[ -]?(?=[\dAv])", " ", " ".join(name.split()))
    return re.sub(r"(?<=\d) ?GB", "GB", name).replace("-", " ")


def read_bound(text: str, quantity: Quantity, others: list[Quantity]) -> Bound:
    """Return how the number is hedged; a hedge holds for the numbers joined to it by "and"."""
    own = _own_bound(text, quantity)
    if own is not None:
        return own
    if quantity.high is not None:
        return Bound.RANGE
    index = others.index(quantity)
    if index and others[index - 1].unit == quantity.unit:
        between = text[others[index - 1].end : quantity.start]
        listed = re.fullmatch(r"\s?(?:\([^()]*\))?\s?(?:,\s?and|and|or|/|,)?\s?", between)
        joined = re.match(r"[^,.;]*\band\s(?:an? )?$", between) and len(between) < 90
        if listed or joined:
            earlier = read_bound(text, others[index - 1], others)
            if earlier is Bound.UP_TO or (listed and earlier in (Bound.ABOUT, Bound.AT_LEAST)):
                return earlier
        elif carried_from(text, quantity, others):
            earlier = read_bound(text, others[index - 1], others)
            return earlier if earlier is Bound.UP_TO else Bound.EXACT
    return Bound.EXACT


def _own_bound(text: str, quantity: Quantity) -> Bound | None:
    left = text[max(0, quantity.start - 45) : quantity.start].rstrip("(")
    right = text[quantity.end : quantity.end + 25]
    if _UP_TO.search(left):
        return Bound.UP_TO
    if re.match(r"\s(?:maximum|at (?:most|maximum|best))\b", right):
        return Bound.UP_TO
    if text.startswith(("more than ", "More than "), quantity.start):
        return Bound.AT_LEAST  # "more than doubles"
    if re.match(r"\s?(?:\w+\s)?(?:or|and) (?:more|higher|above|greater)\b", right, re.I):
        return Bound.AT_LEAST
    if _AT_LEAST.search(left):
        return Bound.AT_LEAST
    return Bound.ABOUT if _ABOUT.search(left) else None
