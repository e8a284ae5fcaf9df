"""What the INT-FlashAttention prototype implements, and the cases it is measured on.

The weight of the target case is an assumption: a llama.cpp user's prompts are of one sequence, and
long ones are where attention takes a share of the run.
"""

from __future__ import annotations

from prototypes.attention.eight_bit.declared import (
    NO_CPU_SPEED,
    case,
    sageattention,
    sdpa_cpu,
    sdpa_cudnn,
    sdpa_flash,
    triton_fp16,
)
from prototypes.harness.declarations import Declaration, Device, Implementation, Role

PAPER = "2409.16997"
SPEEDUP = f"{PAPER}/attention-speedup"
BY_LENGTH = {
    1024: (f"{PAPER}/attention-speedup-1k",),
    4096: (f"{PAPER}/attention-speedup-4k",),
    8192: (f"{PAPER}/attention-speedup-8k", SPEEDUP),
}
CPU = (Device.CPU,)
CURVE = "b4-h32-s4096-d128"
"""The case whose figures have the speed over all lengths, both head dimensions and masks."""

CASES = (
    # Figure 2: batch 4, 32 heads of 64, not causal. All lengths are in the figures of CURVE.
    case(4, 32, 1024, 64, claims=BY_LENGTH[1024]),
    case(4, 32, 4096, 64, claims=BY_LENGTH[4096], quick=True),
    case(4, 32, 8192, 64, claims=BY_LENGTH[8192]),
    case(4, 32, 4096, 128, quick=True),
    case(4, 32, 16384, 128),
    # Llama-3-8B's prefill.
    case(1, 32, 8192, 128, kv_heads=8, causal=True, weight=1.0, quick=True),
    # On a CPU: the paper's lengths, and one group of Llama-3-8B's heads.
    case(1, 2, 1024, 64, devices=CPU, quick=True, claims=BY_LENGTH[1024]),
    case(1, 2, 2048, 64, devices=CPU),
    case(1, 2, 4096, 64, devices=CPU),
    case(1, 2, 8192, 64, queries=1024, devices=CPU),
    case(1, 2, 16384, 64, queries=1024, devices=CPU),
    case(1, 4, 2048, 128, kv_heads=1, causal=True, devices=CPU, weight=1.0, quick=True),
)

DECLARATION = Declaration(
    name="int_flash",
    title="Attention with both products in INT8",
    paper="int_flash",
    part="prefill_attention",
    module="prototypes.int_flash.workload",
    implements=(
        "FlashAttention's forward pass on INT8: queries and keys with a scale a token, values with "
        "one a head, softmax weights as whole 127ths of the largest so far, and the sum that the "
        "softmax divides by taken from those. Quantization is part of every call."
    ),
    deviates=(
        "V is stored transposed while it is rounded, with its keys reordered inside groups of 16: "
        "Hopper's 8-bit matrix instructions want both operands along the sum. The answer is the "
        "same.",
        "V has a scale for 128 keys of a head, where the paper has one for the whole tensor: V is "
        "read once, and products with other keys are added up in units of their own anyway.",
        "Weights are FP16 on their way to INT8, which breaks a few ties the other way.",
        "Exponentials are in base 2, and the softmax scale is folded into that of the queries.",
        "Q is rounded inside the attention kernel, once a block of queries.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "triton_int8", Device.CUDA, "both products in INT8, as in the paper", shipped=True
        ),
        Implementation(
            "triton_half",
            Device.CUDA,
            "the paper's half: P and V stay in FP16",
            applies=lambda case: case.id == CURVE,
        ),
        Implementation(
            "torch_emulation",
            Device.CPU,
            "the same roundings in torch, integers held in float32",
            shipped=True,
            quality_only=NO_CPU_SPEED,
        ),
    ),
    baselines=(
        sdpa_cudnn(),
        sdpa_flash(Role.ENGINE),
        triton_fp16(Role.PAPER),
        sageattention(),
        sdpa_cpu(),
    ),
    claims=tuple(dict.fromkeys(key for keys in BY_LENGTH.values() for key in keys)),
    technique_checks=(
        "relative L1 error",
        "relative L1 error of the worst head",
    ),
    bars={
        "fidelity": "against the emulation in float32: relative L1 error at most 1e-3, no element "
        "off by over a tenth of its row's root mean square: FP16 outputs, ties "
        "and weights at a rounding edge that go the other way; odd shapes, masks, groups, zeros; "
        "the same bits in a second call. On a CPU, the emulation against the formula in float64.",
        "quality": "against exact attention on normal inputs: relative L1 error at most 0.064 "
        "(full INT8) and 0.021 (half), which is what SageAttention prints for INT8 P·V and for "
        "FP16 P·V; cosine at least 99.8 %, which it asks of its INT8 variant in a layer. In half "
        "INT8 no element may be off by as much as its row's root mean square. Full INT8 isn't held "
        "to that, since it can't be: where one key stands out by 5.5 in its score, all other "
        "weights become zero; the figures show how far off that leaves the worst element. All "
        "outputs up to 8.6e9 scores, a random quarter of every head's rows at 16k. In every call: "
        "relative L1 error at most 0.064, and twice that in the worst head.",
    },
)
