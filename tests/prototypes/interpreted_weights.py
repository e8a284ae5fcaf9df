"""Runs the portable 4-bit kernel under Triton's interpreter: a module to run, since Triton reads
`TRITON_INTERPRET` when it is imported. Relative errors by case go to stdout as JSON."""

from __future__ import annotations

import json

import torch

from prototypes.marlin import edges, oracle
from prototypes.marlin.inputs import Shape
from prototypes.weights import packing
from prototypes.weights.quantize import Quantized, quantize
from prototypes.weights.triton_portable import Portable


def error(shape: Shape, x: torch.Tensor, weights: Quantized) -> float:
    packed, scales = packing.pack(weights.codes), packing.pack_scales(weights.scales)
    out = torch.full((shape.rows, shape.outputs), float("nan"), dtype=torch.float16)
    linear = Portable(shape.rows, shape.inputs, shape.outputs, shape.group)
    linear(x.half(), packed, scales, out)
    exact = oracle.product(x, weights)
    return float((out.double() - exact).norm()) / (float(exact.norm()) or 1.0)


def main() -> None:
    generator = torch.Generator().manual_seed(1)
    found: dict[str, float] = {}
    for rows, inputs, outputs, group in (
        (1, 128, 64, 128),
        (3, 256, 65, 64),
        (17, 256, 8, 128),
        (65, 128, 70, 128),
        (0, 128, 64, 128),
    ):
        x = torch.randn((rows, inputs), generator=generator).half().float()
        weights = quantize(torch.randn((outputs, inputs), generator=generator), group)
        shape = Shape(rows, inputs, outputs, group)
        found[f"{rows} x {inputs} x {outputs}, group {group}"] = error(shape, x, weights)
    for name, shape, given in edges.layers(3, torch.device("cpu"), 5):
        weights = Quantized(given["codes"], given["scales"])
        found[name] = error(shape, given["x"].float(), weights)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
