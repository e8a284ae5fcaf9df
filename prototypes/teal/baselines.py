"""What sparse products are compared with: dense ones of the same weights, in 16 and in 4 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.weights import baselines
from prototypes.weights.gpu import Int4Linear
from prototypes.weights.quantize import GROUP

if TYPE_CHECKING:
    from prototypes.teal.inputs import Plan


def build(name: str, plan: Plan, device: torch.device) -> Kernel:
    """Return the baseline called `name`; raises `NotRunnableError` where it can't run."""
    return BUILDERS[name](plan, device)


def _cublas(plan: Plan, device: torch.device) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        torch.mm(inputs["x"][None], inputs["dense"].t(), out=outputs["out"][None])

    return run


def _linear(weights: str) -> Callable[[Plan, torch.device], Kernel]:
    def make(plan: Plan, device: torch.device) -> Kernel:
        def product(inputs: Tensors) -> torch.Tensor:
            given = inputs[weights]
            return functional.linear(inputs["x"][None].to(given.dtype), given)[0]

        return _made_by(product)

    return make


def _int4pack(plan: Plan, device: torch.device) -> Kernel:
    def product(inputs: Tensors) -> torch.Tensor:
        x = inputs["x"][None].bfloat16()
        return baselines.tinygemm(x, inputs["tiny"], inputs["tiny_scales"], GROUP)[0]

    return _made_by(product)


def _int4_dense(plan: Plan, device: torch.device) -> Kernel:
    try:
        linear = Int4Linear(1, plan.inputs, plan.outputs, device)
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None

    def run(inputs: Tensors, outputs: Tensors) -> None:
        linear(inputs["x"][None], inputs["packed"], inputs["packed_scales"], outputs["out"][None])

    return run


def _made_by(product: Callable[[Tensors], torch.Tensor]) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        outputs["out"].copy_(product(inputs))

    kernel: Any = run
    kernel.uncopied = product
    return run


BUILDERS: dict[str, Callable[[Plan, torch.device], Kernel]] = {
    "cublas_fp16": _cublas,
    "linear_fp16": _linear("dense"),
    "linear_bf16": _linear("dense_bf16"),
    "int4pack": _int4pack,
    "int4pack_cuda": _int4pack,
    "cublas_fp16_of_int4": _cublas,
    "int4_dense": _int4_dense,
}
