"""What the FlatQuant prototype implements, and the cases it is measured on.

Layers of Llama 3 8B. Weights of the target cases are assumptions: a llama.cpp user has one sequence
with a prompt of about 8000 tokens, computed 512 to 2048 tokens at a time, in the gate and up
projections (4096 to 28672) and the down projection (14336 to 4096).
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

PAPER = "2410.09426"
PREFILL = (f"{PAPER}/prefill-speedup-batch-1", f"{PAPER}/repository-prefill-batch-1")
BATCHES = (f"{PAPER}/prefill-speedup",)
OVERHEAD = (f"{PAPER}/transform-overhead",)
DECODE = (f"{PAPER}/decode-speedup-batch-16",)

GPU, CPU = (Device.CUDA,), (Device.CPU,)


def _linear(
    tokens: int,
    width: int,
    outputs: int,
    devices: tuple[Device, ...],
    claims: tuple[str, ...],
    *,
    weight: float = 0.0,
    quick: bool = False,
) -> Case:
    return Case(
        id=f"t{tokens}-k{width}-n{outputs}",
        parameters={"task": "linear", "tokens": tokens, "width": width, "outputs": outputs},
        seed=20241012,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=claims,
    )


def _transform(tokens: int, width: int, devices: tuple[Device, ...]) -> Case:
    return Case(
        id=f"transform-t{tokens}-n{width}",
        parameters={"task": "transform", "tokens": tokens, "width": width, "outputs": 0},
        seed=20241013,
        devices=devices,
        claims=OVERHEAD,
    )


def _multiplies(case: Case) -> bool:
    return case.parameters["task"] == "linear"


def _widens(case: Case) -> bool:
    """One width is enough to compare 8-bit weights with 4-bit ones."""
    return _multiplies(case) and case.parameters["width"] == 4096


def _few(case: Case) -> bool:
    """Where a product in bfloat16 takes less than a second without units for it."""
    return _multiplies(case) and int(str(case.parameters["tokens"])) <= 64


def _transforms(case: Case) -> bool:
    return not _multiplies(case)


CASES = (
    _linear(8192, 4096, 28672, GPU, (*BATCHES, *OVERHEAD), weight=0.5),
    _linear(2048, 4096, 28672, GPU, (*PREFILL, *OVERHEAD), weight=1.0, quick=True),
    _linear(2048, 14336, 4096, GPU, PREFILL, weight=0.5),
    _linear(512, 4096, 4096, CPU, (*PREFILL, *OVERHEAD), weight=1.0, quick=True),
    _linear(64, 4096, 4096, CPU, DECODE),
    _linear(16, 4096, 4096, CPU, DECODE),
    _linear(4, 4096, 4096, CPU, ()),
    _transform(8192, 4096, GPU),
    _transform(8192, 8192, GPU),
    _transform(8192, 14336, GPU),
    _transform(2048, 4096, GPU),
    _transform(2048, 8192, GPU),
    _transform(2048, 14336, GPU),
    _transform(512, 4096, CPU),
)

DECLARATION = Declaration(
    name="flatquant",
    title="A learned Kronecker transform in front of 8-bit linear layers",
    paper="flatquant",
    part="prefill_linears",
    module="prototypes.flatquant.workload",
    implements=(
        "Learns two small matrices, channel scales and clipping for a layer; transforms and rounds "
        "its tokens in one kernel, and multiplies them by transformed weights in 8 bits, scales "
        "applied to the sums in registers."
    ),
    deviates=(
        "Timed are 8-bit activations with weights of 8 bits (W8A8) and 4 bits (W4A8). The paper's "
        "speed comes from INT4 matrix units, which Hopper doesn't have: 4-bit numbers are widened "
        "to 8 bits and multiplied at the same rate. W4A4 is in the error ladder (a figure) only.",
        "Rounded tokens leave the kernel in the order in which threads hold them, and the weights' "
        "columns are put into that order off-line; the product is the same.",
        "The transform of the timed layers is learned on 256 of their rows for seconds; the ladder "
        "learns smaller layers longer. Layers are synthetic: large channels, heavy tokens.",
        "One linear layer, not a decoder layer with five transforms and a quantized cache.",
        "The channel scales are folded into the norm before: tokens come in divided by them.",
        "On a CPU without bfloat16 units the transform computes in float32.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_w8a8",
            Device.CPU,
            "transform and rounding in pieces that stay in a cache, oneDNN's 8-bit product; torch",
            shipped=True,
        ),
        Implementation(
            "gluon_w4a8",
            Device.CUDA,
            "transform and rounding in one kernel; 4-bit weights unpacked on their way to the "
            "8-bit matrix unit, scales in registers; Gluon, on Hopper",
            shipped=True,
        ),
        Implementation(
            "gluon_w8a8",
            Device.CUDA,
            "the same transform, weights of 8 bits; Gluon on Hopper, plain Triton elsewhere",
            applies=_widens,
        ),
    ),
    baselines=(
        Baseline(
            "cublas_bf16",
            "weights and tokens in bfloat16",
            (Role.PAPER,),
            devices=GPU,
            applies=_multiplies,
        ),
        Baseline(
            "fp8_rows",
            "E4M3 with a scale a row, rounded on-line without a transform; torch's own product",
            devices=GPU,
            applies=_multiplies,
        ),
        Baseline(
            "int8_plain",
            "our own 8-bit product behind a rounding without a transform: what llama.cpp's "
            "products of rounded tokens are nearest to",
            (Role.ENGINE,),
            devices=GPU,
            package="triton",
            applies=_multiplies,
        ),
        Baseline(
            "torch_fp32",
            "weights in float32: what 16-bit weights become where a CPU has no units for them",
            (Role.PAPER,),
            devices=CPU,
            applies=_multiplies,
        ),
        Baseline(
            "torch_bf16",
            "weights and tokens in bfloat16",
            devices=CPU,
            applies=_few,
        ),
        Baseline(
            "int8_plain_cpu",
            "oneDNN's 8-bit product behind a rounding without a transform: what llama.cpp's "
            "products of rounded tokens are nearest to",
            (Role.ENGINE,),
            devices=CPU,
            applies=_multiplies,
        ),
        Baseline(
            "torch_eager",
            "transform and rounding in plain torch, a pass for each step",
            (Role.PAPER, Role.ENGINE),
            applies=_transforms,
        ),
    ),
    claims=(*BATCHES, *PREFILL, *DECODE, *OVERHEAD),
    bars={
        "fidelity": "against an emulation in float32: integers off by one at most, 0.001 of them; "
        "scales 3e-4; the linear layer 0.004 (bfloat16 itself is 0.0017); zeros, equal, subnormal "
        "tokens and single channels; a token that isn't finite gives NaN, its neighbours don't; "
        "the same answer twice",
        "quality": "against exact products: transform and rounding 0.015, W8A8 linear layer 0.02, "
        "W4A8 0.1 (without a transform it is 0.16); baselines 0.1, E4M3's rounding takes 0.037",
    },
)
