"""What the TEAL prototype implements, and the cases it is measured on.

Layers of Llama 3 8B and 70B, one token. Weights of the target cases are assumptions: a llama.cpp
user decodes one sequence, mostly with 4-bit weights, some with 16-bit ones, at a sparsity of 50 %.
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

PAPER = "2408.14690"
CLAIMS = {
    40: (f"{PAPER}/decode-speedup-40", f"{PAPER}/decode-speedup-40-a100"),
    50: (f"{PAPER}/decode-speedup-50", f"{PAPER}/decode-speedup-50-a100"),
}
GPU, CPU = (Device.CUDA,), (Device.CPU,)


def _case(
    inputs: int,
    outputs: int,
    sparsity: int,
    *,
    weights: str = "fp16",
    family: str = "gauss",
    weight: float = 0.0,
    quick: bool = False,
    devices: tuple[Device, ...] = GPU,
) -> Case:
    """`family` names a distribution of `prototypes.teal.families`."""
    words = ["m1", f"k{inputs}", f"n{outputs}", f"s{sparsity}"]
    words += ["int4"] if weights == "int4" else []
    words += [family] if family != "gauss" else []
    return Case(
        id="-".join(words),
        parameters={
            "inputs": inputs,
            "outputs": outputs,
            "sparsity": sparsity,
            "weights": weights,
            "family": family,
        },
        seed=20240826,
        devices=devices,
        target_weight=weight,
        quick=quick,
        # The paper's ratios are of 16-bit weights against 16-bit weights.
        claims=CLAIMS.get(sparsity, ()) if weights == "fp16" else (),
    )


def _is_int4(case: Case) -> bool:
    return case.parameters["weights"] == "int4"


def _is_fp16(case: Case) -> bool:
    return not _is_int4(case)


# Target cases have 4-bit weights: engines on the machines that the targets mean run those.
CASES = (
    _case(4096, 28672, 50, quick=True),
    _case(8192, 57344, 50),
    _case(8192, 57344, 50, weights="int4"),
    _case(4096, 28672, 50, weights="int4", weight=1.0, quick=True),
    _case(14336, 4096, 50, weights="int4", family="swiglu", weight=0.5),
    _case(4096, 28672, 40),
    _case(4096, 28672, 0),
    _case(8192, 57344, 0),
    _case(14336, 4096, 50, family="swiglu", devices=(Device.CPU, Device.CUDA)),
    _case(4096, 4096, 50, family="headscale", quick=True, devices=(Device.CPU, Device.CUDA)),
    _case(28672, 8192, 50, weights="int4", family="swiglu"),
    _case(4096, 14336, 50, weights="int4", weight=1.0, devices=CPU),
    _case(4096, 14336, 50, devices=CPU),
    _case(4096, 14336, 40, devices=CPU),
    _case(4096, 14336, 70, weights="int4", devices=CPU),
)

DECLARATION = Declaration(
    name="teal",
    title="Products that skip the weights of small inputs",
    paper="teal",
    part="decode_linears",
    module="prototypes.teal.workload",
    implements=(
        "Finds the inputs of a linear layer whose size is above a calibrated threshold, and reads "
        "the weights of those alone: 16-bit weights, or 4-bit ones with their scales, laid out by "
        "input. Thresholds come from histograms; a greedy search spreads sparsity over a block."
    ),
    deviates=(
        "A program lists the active inputs and walks them; the authors' masks rows of a tile.",
        "Parts of an output are joined in float32 in a fixed order, not by atomic additions in "
        "float16: the same call gives the same bits, and nothing has to be cleared before.",
        "4-bit weights have scales for groups of 128 outputs of one input, so a skipped input "
        "skips its scales; the authors have no kernel for 4 bits. In the cases one scale covers "
        "128 x 128 weights, so that dense rivals with groups along the inputs hold the same.",
        "Activations are drawn from distributions, not from a model; sparsity is that of the "
        "drawn token under a threshold calibrated on other ones.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_bag",
            Device.CPU,
            "weighted sums of rows by embedding_bag; torch",
            shipped=True,
        ),
        Implementation(
            "triton_rows",
            Device.CUDA,
            "active inputs listed, equal shares of them read, joined in one launch; Triton",
            shipped=True,
        ),
    ),
    baselines=(
        Baseline(
            "cublas_fp16",
            "all weights in float16, by cuBLAS",
            (Role.PAPER, Role.ENGINE),
            devices=GPU,
            applies=_is_fp16,
        ),
        Baseline(
            "cublas_fp16_of_int4",
            "the 4-bit layer's weights as float16, all of them, by cuBLAS",
            (Role.PAPER,),
            devices=GPU,
            applies=_is_int4,
        ),
        Baseline(
            "int4_dense",
            "all weights in 4 bits, our own product (prototypes/weights)",
            (Role.ENGINE,),
            devices=GPU,
            package="triton",
            applies=_is_int4,
        ),
        Baseline(
            "linear_fp16",
            "all weights in float16, torch's linear layer",
            (Role.ENGINE,),
            devices=CPU,
            applies=_is_fp16,
        ),
        Baseline(
            "linear_bf16",
            "all weights in bfloat16, torch's linear layer",
            (Role.PAPER,),
            devices=CPU,
            applies=_is_fp16,
        ),
        Baseline(
            "int4pack",
            "all weights in 4 bits, torch's own product",
            (Role.PAPER, Role.ENGINE),
            devices=CPU,
            applies=_is_int4,
        ),
        Baseline(
            "int4pack_cuda",
            "all weights in 4 bits, torch's own product (tinygemm)",
            devices=GPU,
            applies=_is_int4,
        ),
    ),
    claims=tuple(key for keys in CLAIMS.values() for key in keys),
    bars={
        "fidelity": "against float64 over the same inputs: 0.001; edges (none active, all, ties "
        "with the threshold, what isn't finite, sizes that no tile divides); the same bits twice",
        "quality": "error against the dense product at most 0.12, 0.22, 0.30, 0.40, 0.50 at 25, "
        "40, 50, 60, 70 % sparsity; a token's sparsity within 0.04 of the calibrated one, 0.15 "
        "where heads have scales of their own",
    },
)
