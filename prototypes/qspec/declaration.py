"""What the QSpec prototype implements, and the cases it is measured on.

A case is one layer's share of a cycle of which every drafted token is accepted: no cycle does
better, and the law takes acceptance from there. Only the paper's own pair of precisions has a
target weight; layers are those of Llama 3 8B at batch 1, as the engine's users run it.
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

PAPER = "2410.11305"
SPEEDUP = f"{PAPER}/speedup-over-w4a16"
BATCH_4 = f"{PAPER}/repository-speedup-batch-4"
MEAN = f"{PAPER}/mean-speedup"
CLAIMS = (SPEEDUP, BATCH_4, MEAN)
GPU, CPU = (Device.CUDA,), (Device.CPU,)
W4A4, PLANE, FOUR_OF_SIXTEEN = "w4a4", "plane2", "w4"
DRAFTED = 3
"""Tokens of a cycle, the paper's default."""


def _case(
    draft: str,
    inputs: int,
    outputs: int,
    devices: tuple[Device, ...],
    *,
    weight: float = 0.0,
    quick: bool = False,
    claims: tuple[str, ...] = (),
) -> Case:
    return Case(
        id=f"cycle-{draft}-g{DRAFTED}-k{inputs}-n{outputs}",
        parameters={"draft": draft, "drafted": DRAFTED, "inputs": inputs, "outputs": outputs},
        seed=20241011,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=claims,
    )


CASES = (
    _case(W4A4, 4096, 28672, GPU, weight=1.0, quick=True, claims=CLAIMS),
    _case(PLANE, 4096, 28672, GPU),
    _case(FOUR_OF_SIXTEEN, 4096, 28672, GPU),
    _case(W4A4, 14336, 4096, GPU),
    _case(W4A4, 1024, 1024, CPU, quick=True, claims=CLAIMS),
    _case(W4A4, 4096, 14336, CPU, weight=1.0, claims=CLAIMS),
    _case(FOUR_OF_SIXTEEN, 4096, 14336, CPU),
)


def _is_narrow(case: Case) -> bool:
    return case.parameters["draft"] != FOUR_OF_SIXTEEN


def _is_wide(case: Case) -> bool:
    return not _is_narrow(case)


def _has_planes(case: Case) -> bool:
    return case.parameters["draft"] == PLANE


def _is_papers(case: Case) -> bool:
    return case.parameters["draft"] == W4A4


DECLARATION = Declaration(
    name="qspec",
    title="Drafting and verifying with one set of 4-bit weights",
    paper="qspec",
    part="decode_linears",
    module="prototypes.qspec.workload",
    implements=(
        "A cycle's products over one layer: drafts with 4-bit activations, or from a 2-bit plane "
        "of the same codes, and a verifier over all rows. Draft and verifier share weights and a "
        "cache whose slots the verifier overwrites; acceptance is that of a small trained model."
    ),
    deviates=(
        "Hopper has no 4-bit products: 4-bit codes of weights and activations are widened to bytes "
        "in registers and multiplied by 8-bit products.",
        "On a GPU weights have a scale for 128, as MARLIN's; the released code has one an output, "
        "as here on a CPU.",
        "Rotation is in the small model only; it would cost drafts and verifier the same.",
        "The 2-bit plane, TEAL and a 4-bit draft of a 16-bit target aren't the paper's: they are "
        "drafts that read fewer bytes than their target.",
        "Whole decoding isn't run at the size of Llama: speedups of it follow from the law and "
        "are modelled.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "gluon_cycle",
            Device.CUDA,
            "drafts in 8-bit products, or from the upper plane; verifier: W4A16 over all rows",
            shipped=True,
        ),
        Implementation(
            "eager_cycle",
            Device.CUDA,
            "the same drafts; the verifier turns all codes first, as the authors' does",
            applies=_is_papers,
        ),
        Implementation(
            "torch_cycle",
            Device.CPU,
            "drafts in oneDNN's 8-bit products; verifier: torch's 4-bit product (or 16 bits)",
            shipped=True,
        ),
    ),
    baselines=(
        Baseline(
            "sequential_w4a16",
            "a token at a time, the W4A16 kernel that also verifies",
            (Role.PAPER, Role.ENGINE),
            devices=GPU,
            applies=_is_narrow,
        ),
        Baseline(
            "sequential_int4",
            "a token at a time, torch's 4-bit product, which also verifies",
            (Role.PAPER, Role.ENGINE),
            devices=CPU,
            applies=_is_narrow,
        ),
        Baseline(
            "torch_int4pack",
            "a token at a time, torch's 4-bit product",
            devices=GPU,
            applies=_is_narrow,
        ),
        Baseline(
            "sequential_planes",
            "a token at a time, the W4A16 kernel over both planes, which also verifies",
            devices=GPU,
            applies=_has_planes,
        ),
        Baseline(
            "eager_w4a16",
            "a token at a time, all codes turned before each product, as in the authors' code",
            applies=_is_papers,
        ),
        Baseline(
            "sequential_w16",
            "a token at a time, 16-bit weights",
            (Role.PAPER, Role.ENGINE),
            applies=_is_wide,
        ),
    ),
    claims=CLAIMS,
    bars={
        "fidelity": "verified rows against float64 over the weights that the verifier reads, "
        "drafted rows against float64 by the draft's own rule: 0.001 on a GPU (float16), 0.006 on "
        "a CPU (bfloat16); rows of zeros, outweighed rows; the same answer twice",
        "quality": "verified rows against the weights before rounding: 0.2, half a step with a "
        "scale for a whole row; drafted rows against verified ones: 0.3 with 4-bit activations, "
        "0.5 from two bits",
    },
)
