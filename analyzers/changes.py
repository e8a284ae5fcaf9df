"""What a paper may ask of an engine, and the words that say so.

Data: stems and expressions in lower case (`analyzers.words`), points judged by hand, not fitted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from analyzers.facts import Technique
from analyzers.message import Message, message
from analyzers.words import Pattern


class Change(StrEnum):
    """What an engine, or the model that it runs, has to change."""

    ARCHITECTURE = "architecture"
    TRAINING = "training"
    DEVICES = "devices"
    MEMORY = "memory"
    COMPILER = "compiler"
    PROCESSOR = "processor"
    KERNEL = "kernel"
    FORMAT = "format"
    CALL = "call"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Sign:
    """Words that say that something must change, where `least` sentences of a short paper do."""

    change: Change
    points: float
    text: Message
    pattern: Pattern
    least: int = 1
    unless: re.Pattern[str] | None = None
    proposal_only: bool = False


USUAL: dict[Technique, tuple[float, Message]] = {
    Technique.QUANTIZATION: (
        0.55,
        message("quantization usually takes a format, its conversion and its kernels"),
    ),
    Technique.ATTENTION: (0.95, message("attention usually takes a kernel on each backend")),
    Technique.KV_CACHE: (
        0.9,
        message("a cache method usually takes another layout and its bookkeeping"),
    ),
    Technique.SPECULATIVE_DECODING: (
        0.5,
        message("speculation usually takes a draft loop, which engines have"),
    ),
    Technique.SAMPLING: (0.2, message("sampling is usually one function after the logits")),
    Technique.GEMM_KERNEL: (0.9, message("a matrix product usually takes a tuned kernel a device")),
    Technique.SPARSITY_PRUNING: (
        0.7,
        message("sparsity usually takes kernels that skip, and a choice of what to skip"),
    ),
    Technique.SERVING_SCHEDULING: (1.0, message("serving usually takes another scheduler")),
    Technique.MOE: (0.6, message("a mixture of experts usually takes changes to its routing")),
    Technique.OTHER: (0.5, message("nothing says what it usually takes")),
}
"""Before the paper says more; judged by hand, not fitted."""

_WITHOUT = re.compile(
    r"\b(?:without|no|not|never|avoid\w*|free of|instead of|rather than|eliminat\w+)\b[^.,;]{0,40}"
    r"(?:train|tun|calibrat|kernel|distill)|(?:training|tuning|calibration)-free"
)
SIGNS = (
    Sign(
        Change.ARCHITECTURE,
        1.2,
        message("the model itself is another one: its architecture, or a training of its own"),
        Pattern(
            "architecture|from scratch|pre-train|pretrain",
            r"(?:introduc|propos|present|design|novel|new)\w*\b[^.]{0,40}\b(?:model|network"
            r"|transformer|attention|decoder|hybrid|moe|linear|language)[\w-]* (?:model )?"
            r"architectures?\b|(?:introduc|propos|present)\w* an? (?:novel|new) architecture\b"
            r"|we train\w*\b[^.]{0,40}from scratch|trained from scratch"
            r"|we (?:also |then |first )?pre-?train(?:ed)?\b|continued? pre-?training",
        ),
        2,
        re.compile(
            r"hardware architecture|(?:gpu|system|cpu|chip|hopper|ampere|accelerator)\w* architec"
            r"|quanti[sz]ed from scratch|without (?:\w+ ){0,3}(?:pre-?train|from scratch)"
            r"|architectural (?:change|modif)"
        ),
    ),
    Sign(
        Change.TRAINING,
        0.6,
        message("a part of it has to be trained or fine-tuned first"),
        Pattern(
            "train|tun|distill|learn",
            r"(?:train(?:ed|ing|s)?|learn(?:ed|able|ing|s)?|fine-?tun(?:e|ed|ing)|distill\w*)"
            r" (?:of |only )?(?:a |an |the |our |these |per-\w+ |this )?(?:[\w-]+ ){0,2}?"
            r"(?:drafts?|draft models?|gat(?:e|es|ing)|attngates?|predictors?|heads?|adapters?"
            r"|routers?|indexer|small(?:er)? models?|student|transform(?:s|ations?)?\b|clipping"
            r"|classifiers?|exits?|modules?)(?!\w)"
            r"|(?:trainable|learnable|trained) (?:[\w-]+ ){0,2}tokens|quantization-aware training"
            r"|(?:we|our) (?:\w+ ){0,2}(?:fine-?tune|distil)\w*"
            r"|(?:layer-?by-?layer |knowledge |self-?)distillation|is fine-?tuned",
        ),
        3,
        _WITHOUT,
    ),
    Sign(
        Change.DEVICES,
        0.7,
        message("it works across several devices or machines"),
        Pattern(
            "rdma|infiniband|nvlink|inter-node|multi-node|cluster|disaggregat|tensor parallel"
            "|tensor-parallel|distributed|pipeline parallel|multiple gpus|multi-gpu|machines|nodes"
            "|all-reduce|allreduce|all-gather|chips",
            r"rdma|infiniband|nvlink|inter-?node|multi-?node|clusters? of|disaggregat\w+"
            r"|tensor[- ]parallel\w*|(?<![-\w])distributed (?:inference|serving|systems?|gpus"
            r"|training|execution|kv|settings?)|pipeline[- ]parallel\w*"
            r"|(?:across|over) (?:multiple |several |many |\d+ )?(?:gpus|chips|machines|nodes)"
            r"|all-?reduce|all-?gather",
        ),
        4,
        re.compile(
            r"we use an? (?:\w+ )?(?:system|server|machine|node)|testbed|equipped"
            r"|connected (?:via|by)"
            r"|experiment|evaluat|baseline|benchmark|eliminat|alleviat|\b(?:without|no need|avoid)"
        ),
    ),
    Sign(
        Change.MEMORY,
        0.65,
        message("it changes how the engine manages memory or schedules its work"),
        Pattern(
            "schedul|block table|block manager|pagedattention|paged attention|paged-attention"
            "|memory manag|page table|cache manag|evict|prefetch|offload|ssd|flash memory"
            "|load balanc",
            r"(?:re)?schedul(?:er|ing)\b|block (?:table|manager)s?|paged[ -]?attention"
            r"|memory manag\w+|page tables?|cache manag\w+|evict\w*|prefetch\w*|offload\w*|ssds?\b"
            r"|flash memory|load[- ]balanc\w+",
        ),
        4,
        re.compile(r"(?:task|warp|instruction|loop) schedul"),
    ),
    Sign(
        Change.COMPILER,
        0.9,
        message("it changes how a model is compiled, or its graph captured"),
        Pattern(
            "compil|jit|code transformation|graph capture",
            r"compiler (?:framework|support|pass(?:es)?|infrastructure|stack|toolchain)"
            r"|(?:our|propos\w+|present\w*|introduc\w+) (?:[\w-]+ ){0,4}compil(?:er|ation)"
            r"|code transformations?|graph capture|just-in-time compil\w+|\bjit\b",
        ),
        3,
        re.compile(r"torch\.compile|compiled with|compilation time"),
    ),
    Sign(
        Change.PROCESSOR,
        0.7,
        message("it needs a backend for another kind of processor"),
        Pattern(
            "npu|neural processing unit|fpga|dsp|processing-in-memory|processing in memory"
            "|near-memory|near memory",
            r"\b(?:npus?|neural processing units?|fpgas?|dsps?)\b|processing[- ]in[- ]memory"
            r"|near[- ]memory (?:comput|process)\w+",
        ),
        8,
    ),
    Sign(
        Change.KERNEL,
        0.6,
        message("it needs kernels of its own"),
        Pattern(
            "kernel|triton|cutlass|cuda|thread block|warp|shared memory",
            r"(?:implement|develop|writ|design|build|provid|present|optimi[sz]|craft|fus)\w*"
            r" (?:[\w-]+[, ]+){0,6}kernels?\b"
            r"|(?:our|custom\w*|bespoke|dedicated|speciali[sz]ed|fused|hand-\w+|own|new|efficient"
            r"|sparse|block-sparse) (?:[\w-]+ ){0,2}kernels?\b"
            r"|implement\w* (?:\w+ ){0,9}(?:in|using|with|via|on|based on) (?:openai )?"
            r"(?:triton|cuda|cutlass)|kernel implementation|(?:across|between|each|different|in)"
            r" (?:\w+ )?(?:thread blocks?|warps?|shared memory)",
        ),
        3,
        _WITHOUT,
    ),
    Sign(
        Change.FORMAT,
        0.3,
        message("it needs calibration data or a storage format of its own"),
        Pattern(
            "calibrat|hessian|second-order|codebook|centroid|storage format|data layout|packed",
            r"calibrat\w+|hessian|second-order|codebooks?|centroids?|(?:storage|weight) formats?"
            r"|data layout|packed (?:format|weights?)",
        ),
        3,
        _WITHOUT,
    ),
    Sign(
        Change.CALL,
        -0.3,
        message("it works with models as they are"),
        Pattern(
            "plug|drop-in|training|tuning|lines of code|easy to|simple to|off-the-shelf"
            "|out-of-the-box|modif|chang|lossless|retraining",
            r"plug[- ]and[- ]play|drop-in|without (?:any )?(?:additional |extra |expensive )?"
            r"(?:re-?training|fine-?tuning|training|architectural changes?)"
            r"|training-free|(?:no|not require(?: any)?|not need(?: any)?)"
            r" (?:additional |extra |re-?)?(?:training|fine-?tuning|calibration)"
            r"|(?:few|\d+) lines of code|easy to (?:implement|integrate)|simple to implement"
            r"|out-of-the-box"
            r"|without (?:any )?(?:chang|modif)\w+ (?:to |of |in |the )*(?:\w+ )?"
            r"(?:models?|weights?|architectures?|parameters)"
            r"|not require (?:any )?changes? to (?:the )?(?:\w+ ){0,3}models?",
        ),
        2,
        re.compile(
            r"without changing the (?:final )?(?:output|distribution|result)s?|\black\w*"
            r"|kernels out-of-the-box"
            r"|training-free (?:\w+ ){0,3}(?:methods|approaches|techniques)"
        ),
    ),
    Sign(
        Change.NOTHING,
        -0.7,
        message("it is mainly an analysis"),
        Pattern(
            "analy|benchmark|survey|study|characteri|compar|white paper|whitepaper",
            r"(?:we|this (?:paper|work|white ?paper)) (?:[\w-]+ ){0,3}(?:analy[sz]e|benchmark"
            r"|survey|study|characteri[sz]e|compare)s?\b|white ?paper"
            r"|(?:systematic|empirical|comprehensive) (?:\w+ )?(?:study|analysis|evaluation"
            r"|benchmark\w*|comparison)",
        ),
        1,
        None,
        proposal_only=True,
    ),
)
