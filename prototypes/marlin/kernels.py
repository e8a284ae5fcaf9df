"""Sets up the implementations and baselines of MARLIN, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.marlin.inputs import Shape
from prototypes.weights import baselines


def build(name: str, shape: Shape, device: torch.device) -> Kernel:
    """Return the code of this name; raises `NotRunnableError` where it can't run."""
    if name not in BUILDERS:
        raise NotRunnableError(f"Nothing sets up {name}.")
    return BUILDERS[name](shape, device)


def _w4a16(shape: Shape, device: torch.device) -> Kernel:
    """The Hopper kernels where they are written for device and shape, else the portable one."""
    from prototypes.weights.gpu import Int4Linear

    try:
        linear = Int4Linear(shape.rows, shape.inputs, shape.outputs, device, shape.group)
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None

    def run(inputs: Tensors, outputs: Tensors) -> None:
        linear(inputs["x"], inputs["packed"], inputs["scales"], outputs["out"])

    return run


def _int8pack(shape: Shape, device: torch.device) -> Kernel:
    product: Any = torch.ops.aten._weight_int8pack_mm
    return baselines.made_by(
        lambda inputs: product(inputs["x16"], inputs["bytes"], inputs["byte_scales"])
    )


BUILDERS: dict[str, Callable[[Shape, torch.device], Kernel]] = {
    "triton_w4a16": _w4a16,
    "torch_int4": lambda shape, device: baselines.int4pack(shape.group),
    "cublas_fp16": lambda shape, device: baselines.linear("x", "dense"),
    "torch_int4pack": lambda shape, device: baselines.int4pack(shape.group),
    "linear_bf16": lambda shape, device: baselines.linear("x16", "dense16"),
    "linear_fp16": lambda shape, device: baselines.made_by(
        lambda inputs: torch.mm(inputs["x"], inputs["dense"].t())
    ),
    "int8pack": _int8pack,
}
