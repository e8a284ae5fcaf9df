"""What the SageAttention prototype implements, and the cases it is measured on.

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

PAPER = "2410.02367"
FA2 = (f"{PAPER}/attention-speedup-fa2", f"{PAPER}/attention-average-fa2")
CPU = (Device.CPU,)
CURVE = "b4-h32-s4096-d128"
"""The case whose figures have the speed over all lengths, both head dimensions and masks."""
FP16_CASES = (CURVE, "b4-h32-s16384-d128", "b1-h32-kv8-s8192-d128-causal")

CASES = (
    # All lengths, head dimensions and masks are in the figures of CURVE.
    case(4, 32, 4096, 64, claims=FA2),
    case(4, 32, 1024, 128, claims=FA2),
    case(4, 32, 4096, 128, claims=FA2, quick=True),
    case(4, 32, 16384, 128, claims=FA2),
    case(4, 32, 4096, 128, causal=True, claims=FA2),
    # Llama-3-8B's prefill.
    case(1, 32, 8192, 128, kv_heads=8, causal=True, weight=1.0, quick=True),
    # On a CPU: the lengths, and one group of Llama-3-8B's heads, with biased keys too.
    case(1, 2, 1024, 64, devices=CPU, quick=True, claims=FA2),
    case(1, 2, 4096, 64, devices=CPU),
    case(1, 2, 16384, 64, queries=1024, devices=CPU),
    case(1, 4, 2048, 128, kv_heads=1, causal=True, devices=CPU, weight=1.0, quick=True),
    case(1, 4, 2048, 128, kv_heads=1, causal=True, family="kbias", devices=CPU),
    # What carries over to llama.cpp: K less its mean in a q4_0 or q8_0 cache, last 64 queries.
    case(1, 4, 4096, 128, kv_heads=1, queries=64, causal=True, cache_bits=4, devices=CPU),
    case(
        1,
        4,
        4096,
        128,
        kv_heads=1,
        queries=64,
        causal=True,
        family="kbias",
        cache_bits=4,
        devices=CPU,
    ),
    case(
        1,
        4,
        4096,
        128,
        kv_heads=1,
        queries=64,
        causal=True,
        family="kbias",
        cache_bits=8,
        devices=CPU,
    ),
)

DECLARATION = Declaration(
    name="sage",
    title="Attention with INT8 scores and smoothed keys",
    paper="sage",
    part="prefill_attention",
    module="prototypes.sage.workload",
    implements=(
        "Takes the mean over tokens off K, which softmax doesn't notice, rounds Q and K to INT8 "
        "with a scale a block of tokens, and multiplies them as integers; P·V is in FP16 as in the "
        "paper, or in FP8 (E4M3) as in its successor. Smoothing and quantization are part of every "
        "call."
    ),
    deviates=(
        "FP8 for P·V is SageAttention2's; this paper keeps FP16 because of its worst layers. Each "
        "tile's product starts at zero and is added up in FP32, since Hopper's FP8 accumulators "
        "have fewer bits.",
        "FP8 V has a scale for 128 keys of a head, where the successor has one a channel: V is "
        "read once, and E4M3 has room for channels of other sizes.",
        "On a GPU K has a scale for 128 tokens, a tile of the kernel, where the paper has 64.",
        "On a GPU it is the mean of 256 keys, evenly spread over all, that is taken off K: softmax "
        "forgets any vector that is the same for all keys, and K is read once.",
        "In FP16, sums are in FP32: on an H100 FP16 accumulators are no faster.",
        "V is stored transposed while it is rounded to FP8, with its keys reordered inside groups "
        "of 16, as Hopper's 8-bit matrix instructions want it. The answer is the same.",
        "No choice of a variant layer by layer: that needs a model's own layers.",
        "Q is rounded inside the attention kernel.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "triton_fp8pv", Device.CUDA, "INT8 scores, K smoothed, P·V in FP8 (E4M3)", shipped=True
        ),
        Implementation(
            "triton_fp16pv",
            Device.CUDA,
            "INT8 scores, K smoothed, P·V in FP16 as in the paper",
            applies=lambda case: case.id in FP16_CASES,
        ),
        Implementation(
            "torch_emulation",
            Device.CPU,
            "the paper's roundings in torch: scales a block, P·V added up in FP16",
            shipped=True,
            quality_only=NO_CPU_SPEED,
        ),
    ),
    baselines=(
        sdpa_cudnn(),
        sdpa_flash(Role.PAPER, Role.ENGINE),
        triton_fp16(),
        sageattention(),
        sdpa_cpu(),
    ),
    claims=FA2,
    technique_checks=(
        "relative L1 error",
        "relative L1 error of the worst head",
        "relative L1 error, K in 4 bits",
        "relative L1 error, K in 8 bits",
    ),
    bars={
        "fidelity": "against the emulation in float32: relative L1 error at most 1e-3, no element "
        "off by over half of its row's root mean square (P·V in FP16: a tenth): outputs, ties "
        "and weights at a rounding edge that go the other way; odd shapes, masks, groups, zeros; "
        "the same bits in a second call. On a CPU, the emulation against the formula in float64.",
        "quality": "against exact attention on normal inputs and on keys with a large constant "
        "part: relative L1 error at most 0.021 (P·V in FP16: Table 9, scales a block) and 0.064 "
        "(FP8: no worse than Table 9's INT8 P·V with scales a token); cosine at least 99.8 %, "
        "which the paper asks of its own fast variant in a layer; no element off by as much as its "
        "row's root mean square. All outputs up to 8.6e9 scores, a random quarter of every head's "
        "rows at 16k. In every call: relative L1 error at most 0.064, and twice that in the worst "
        "head. K in a cache (CPU): at most 0.1 in q4_0 and 0.0075 in q8_0, what those formats cost "
        "keys without a constant part by their step sizes.",
    },
)
