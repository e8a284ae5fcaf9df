"""What the KV-Compress prototype implements, and the cases it is measured on.

A layer of Llama-3.1-8B (32 query heads, 8 KV heads, 128 channels). Weights of the target cases are
assumptions: a llama.cpp user decodes one sequence, mostly with a prompt of about 8000 tokens, and
would take a rate whose loss isn't noticed: 2 to 8.
"""

from __future__ import annotations

from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    Device,
    Implementation,
    Role,
)

PAPER = "2410.00161"
GAIN_BY_RATE = {
    2: (f"{PAPER}/throughput-gain-rate-2",),
    4: (f"{PAPER}/throughput-gain-rate-4",),
    8: (f"{PAPER}/compression-8x", f"{PAPER}/throughput-gain-70b-rate-8"),
    64: (
        f"{PAPER}/throughput-gain",
        f"{PAPER}/compression-64x",
        f"{PAPER}/throughput-gain-70b-rate-64",
    ),
}


def _case(
    batch: int,
    seq: int,
    rate: int,
    *,
    task: str = "decode",
    weight: float = 0.0,
    quick: bool = False,
    devices: tuple[Device, ...] = (Device.CPU, Device.CUDA),
) -> Case:
    words = ["evict"] if task == "evict" else []
    words += [f"b{batch}", "h32", "kv8", f"s{seq}", "d128", f"r{rate}"]
    return Case(
        id="-".join(words),
        parameters={
            "task": task,
            "batch": batch,
            "heads": 32,
            "kv_heads": 8,
            "seq": seq,
            "head_dim": 128,
            "rate": rate,
        },
        seed=20241001,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=GAIN_BY_RATE.get(rate, ()) if task == "decode" else (),
    )


def _decodes(case: Case) -> bool:
    return case.parameters["task"] == "decode"


def _evicts(case: Case) -> bool:
    return not _decodes(case)


GPU, CPU = (Device.CUDA,), (Device.CPU,)

CASES = (
    _case(1, 8192, 2, weight=0.5),
    _case(1, 8192, 4, weight=1.0, quick=True),
    _case(1, 8192, 8, weight=0.5),
    _case(1, 32768, 4, devices=CPU),
    _case(8, 32768, 2, devices=GPU),
    _case(8, 32768, 4, devices=GPU),
    _case(8, 32768, 8, devices=GPU),
    _case(8, 32768, 64, devices=GPU),
    _case(1, 32768, 4, task="evict", devices=CPU),
    _case(8, 32768, 4, task="evict", devices=GPU, quick=True),
)

DECLARATION = Declaration(
    name="kv_compress",
    title="Paged cache compression with a rate per head",
    paper="kv_compress",
    part="decode_attention",
    module="prototypes.kv_compress.workload",
    implements=(
        "Scores cached keys by the squared attention of the last 8 queries, evicts the cheapest "
        "pages of 16 tokens under one budget for all heads of a sequence, and decodes over what "
        "stays: heads of unequal length, in pages, in one launch."
    ),
    deviates=(
        "Pages to evict are found by counting digits of the scores, not by sorting them; the "
        "entries that go are the same ones.",
        "One budget covers the KV heads of one layer; in the paper those of all layers (a figure "
        "of the eviction has 32 of them).",
        "Timed are one decode step over a cache that was compressed before, and (cases that begin "
        "with evict) the choice of what goes; scoring the entries and moving those that stay is "
        "done in torch, once a prompt, untimed.",
        "Caches are synthetic: sinks, local windows, heavy hitters and needles, each head another "
        "mix. Rotary positions don't occur: they are applied before keys are cached.",
        "On a CPU the pages of a head lie one after another, so they can be read in place.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_ragged", Device.CPU, "a loop over heads; eviction by digits; torch", shipped=True
        ),
        Implementation(
            "triton_ragged",
            Device.CUDA,
            "equal shares of all heads' pages in one launch; eviction by digits; Triton",
            shipped=True,
        ),
    ),
    baselines=(
        Baseline(
            "split_kv_fp16",
            "the full cache in one piece, our own split-KV kernel for grouped queries",
            (Role.ENGINE,),
            devices=(Device.CUDA,),
            package="triton",
            applies=_decodes,
        ),
        Baseline(
            "paged_full",
            "the full cache in pages of 16, as vLLM has it; our own kernel",
            (Role.PAPER,),
            devices=(Device.CUDA,),
            package="triton",
            applies=_decodes,
        ),
        Baseline(
            "bmm",
            "the full cache: two batched products in bfloat16 and a softmax",
            (Role.PAPER, Role.ENGINE),
            devices=(Device.CPU,),
            applies=_decodes,
        ),
        Baseline("sdpa", "the full cache: fused attention of torch", applies=_decodes),
        Baseline(
            "torch_sort",
            "sorts the entries of each head, then the pages of each sequence, as the authors do",
            (Role.PAPER, Role.ENGINE),
            applies=_evicts,
        ),
    ),
    claims=tuple(dict.fromkeys(key for keys in GAIN_BY_RATE.values() for key in keys)),
    bars={
        "fidelity": "against float64 over the same tokens: 0.003 in float16, 0.03 in bfloat16; "
        "evicted entries exactly those of a sort; empty heads, cut pages, ties, extreme values; "
        "the same answer twice",
        "quality": "against the full cache: error 0.05, 0.08, 0.12 at rates 2, 4, 8 (0.2 at 16, "
        "0.4 at 64); attention kept 0.95 of what the best choice ahead of the step keeps (0.9 "
        "from 16 on); needles kept 0.99 (0.9 at 64)",
    },
)
