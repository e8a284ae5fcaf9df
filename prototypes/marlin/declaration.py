"""What the MARLIN prototype implements, and the cases it is measured on.

A layer of Llama 3 70B (8192 by 28672) on a GPU; on a CPU, where each gate makes layers anew, those
around the attention of Llama 3.2 1B. Weights of the target cases are assumptions: a llama.cpp user
decodes one sequence; speculation and parallel slots make 4 to 8.
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

PAPER = "2408.11743"
IDEAL = f"{PAPER}/ideal-speedup"
BY_ROWS = {
    **dict.fromkeys((1, 2, 4, 8, 16), (f"{PAPER}/kernel-speedup", IDEAL)),
    32: (f"{PAPER}/kernel-speedup-batch-32", IDEAL),
    64: (f"{PAPER}/kernel-speedup-batch-64",),
    128: (f"{PAPER}/kernel-speedup-batch-128",),
}
WEIGHTS = {1: 1.0, 4: 0.25, 8: 0.25}
GPU, CPU = (Device.CUDA,), (Device.CPU,)


def _case(
    rows: int,
    inputs: int,
    outputs: int,
    devices: tuple[Device, ...],
    *,
    weight: float = 0.0,
    quick: bool = False,
    claims: tuple[str, ...] = (),
) -> Case:
    return Case(
        id=f"m{rows}-k{inputs}-n{outputs}",
        parameters={"rows": rows, "inputs": inputs, "outputs": outputs, "group": 128},
        seed=20240821,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=claims,
    )


CASES = (
    *(
        _case(
            rows,
            8192,
            28672,
            GPU,
            weight=WEIGHTS.get(rows, 0.0),
            quick=rows == 16,
            claims=BY_ROWS.get(rows, ()),
        )
        for rows in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
    ),
    _case(1, 2048, 2048, CPU, quick=True, claims=(IDEAL,)),
    _case(1, 2048, 3072, CPU, weight=1.0, claims=(IDEAL,)),
    _case(4, 2048, 3072, CPU),
)

DECLARATION = Declaration(
    name="marlin",
    title="FP16 activations times 4-bit weights",
    paper="marlin",
    part="decode_linears",
    module="prototypes.marlin.workload",
    implements=(
        "A linear layer with 4-bit weights, a scale for 128 of them: weights packed in the order "
        "of the matrix unit's fragments, read once in 16-byte loads, widened in registers; equal "
        "shares of the layer for all multiprocessors, joined in the same launch."
    ),
    deviates=(
        "Written for Hopper: up to 32 rows by the synchronous products that the paper uses, above "
        "by asynchronous ones, which take widened weights from registers as their left operand.",
        "Weights go from memory to registers without passing through shared memory; only "
        "activations are kept there.",
        "Strips that multiprocessors share are joined in float32 in a fixed order; in the paper "
        "in float16 in the output, one after another.",
        "On a CPU the product is torch's own for 4-bit weights, from bfloat16 activations.",
        "Weights are drawn, and rounded to the nearest; GPTQ, by which the paper's models are "
        "quantized, is in the figures.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "triton_w4a16",
            Device.CUDA,
            "Gluon: stream-K with mma.sync to 32 rows, wgmma with weights in registers above",
            shipped=True,
        ),
        Implementation(
            "torch_int4", Device.CPU, "torch's 4-bit product, bfloat16 activations", shipped=True
        ),
    ),
    baselines=(
        Baseline("cublas_fp16", "16-bit weights, cuBLAS", (Role.PAPER,), devices=(Device.CUDA,)),
        Baseline(
            "torch_int4pack",
            "torch's 4-bit product (tinygemm on a GPU), bfloat16 activations: as in the engine, "
            "weights have 4 bits already; on a CPU it is what runs here too",
            (Role.ENGINE,),
        ),
        Baseline("linear_bf16", "16-bit weights, bfloat16", (Role.PAPER,), devices=(Device.CPU,)),
        Baseline("linear_fp16", "16-bit weights, float16", devices=(Device.CPU,)),
        Baseline(
            "int8pack",
            "torch's product for 8-bit weights, a scale an output: near the engine's Q8_0",
            devices=(Device.CPU,),
        ),
    ),
    claims=tuple(dict.fromkeys(key for keys in BY_ROWS.values() for key in keys)),
    bars={
        "fidelity": "against float64 over the same 4-bit weights: 0.001 on a GPU (float16), 0.006 "
        "on a CPU (bfloat16 activations, scales and result); rows and outputs that fill no "
        "tile, extreme values; the same answer twice",
        "quality": "against the weights before rounding: 0.13, since half a step of codes that "
        "reach 2.7 standard deviations in 7 steps is 0.11 of drawn weights",
    },
)
