"""Sparse products with the Triton kernels under the interpreter: a module to run, since Triton
reads `TRITON_INTERPRET` when it is imported. Errors relative to float64, on stdout, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import torch

from prototypes.teal import edges, oracle, rows4
from prototypes.teal.inputs import Plan
from prototypes.teal.triton_gemv import SparseProduct, Tiles

CPU = torch.device("cpu")
LAYERS = (
    # Inputs, outputs, tiles: tails of both, one share or several, shares without any input.
    ("tails", 100, 90, Tiles(width=48, shares=3, deep=2, beside=2, warps=1, parts=2)),
    ("one share", 64, 40, Tiles(width=48, shares=1, deep=4, beside=1, warps=1)),
    ("fewer inputs than shares", 2, 24, Tiles(width=32, shares=5, deep=2, beside=1, warps=1)),
    ("one input", 1, 8, Tiles(width=8, shares=2, deep=2, beside=1, warps=1)),
)
INT4 = Tiles(width=96, shares=2, deep=2, beside=2, warps=1)


def main() -> None:
    json.dump(dict(layers()) | dict(edge_layers()), sys.stdout)


def off(out: torch.Tensor, exact: torch.Tensor) -> float:
    error = (out.double() - exact).norm() / exact.norm().clamp(min=1e-3)
    return float(error.nan_to_num(nan=1e9))


def layers() -> Iterator[tuple[str, list[float]]]:
    """Yield errors by sparsity, and of a threshold a channel; how a second call differs."""
    for name, inputs, outputs, tiles in LAYERS:
        generator = torch.Generator().manual_seed(inputs)
        x = torch.randn(inputs, generator=generator).half()
        weights = torch.randn((inputs, outputs), generator=generator).half()
        product = SparseProduct(inputs, outputs, CPU, tiles)
        errors = []
        for border in (
            torch.tensor([0.6]),
            torch.tensor([-1.0]),
            torch.tensor([9.0]),
            torch.rand(inputs, generator=generator),
        ):
            out = torch.full((outputs,), float("nan")).half()
            product(x, border, weights, out)
            errors.append(off(out, oracle.product(x, weights, border)))
        again = torch.full_like(out, float("nan"))
        product(x, border, weights, again)
        yield name, [*errors, float((again != out).sum())]


def edge_layers() -> Iterator[tuple[str, list[float]]]:
    """Yield errors on the edges of 4-bit weights; 0 or 1 where every output must not be finite."""
    plan = Plan(60, 192, 0.5, True, "gauss")
    generator = torch.Generator().manual_seed(3)
    rows = rows4.quantize(torch.randn((plan.inputs, plan.outputs), generator=generator), 32)
    weights = rows4.dequantize(rows, torch.float64)
    product = SparseProduct(plan.inputs, plan.outputs, CPU, INT4)
    border = torch.tensor([0.5])
    for name, x in (*edges.activations(plan, CPU, 5), *edges.broken(plan, CPU)):
        if name in ("large", "subnormal", "all zero"):
            continue  # other values, the same inputs read
        out = torch.full((plan.outputs,), float("nan")).half()
        product.int4(x, border, rows.codes, rows.scales, out)
        if torch.isfinite(x).all():
            yield f"4 bits: {name}", [off(out, oracle.product(x, weights, border))]
        else:
            yield f"4 bits: {name}", [float(torch.isfinite(out).any())]


if __name__ == "__main__":
    main()
