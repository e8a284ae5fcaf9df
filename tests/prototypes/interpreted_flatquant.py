"""FlatQuant's portable kernels under the interpreter: a module to run, since Triton reads
`TRITON_INTERPRET` when it is imported. Tasks on stdin, what differs on stdout, JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch

from prototypes.flatquant import reference, triton_launch
from prototypes.flatquant.layout import Factors, stored_order

CPU = torch.device("cpu")


def main() -> None:
    asked = json.load(sys.stdin)
    told = {
        "transform": {name: transformed(**task) for name, task in asked["transform"].items()},
        "linear": {name: multiplied(**task) for name, task in asked["linear"].items()},
    }
    json.dump(told, sys.stdout)


def transformed(
    n1: int, n2: int, tokens: int, limit: float = 127.0, clip: float = 1.0, hostile: bool = False
) -> dict[str, float]:
    """Transform and round with both kernels; return what differs from the emulation."""
    factors = Factors(n1, n2)
    drawn = torch.Generator().manual_seed(n1 * n2 + tokens)
    x = torch.randn(tokens, factors.width, generator=drawn).half()
    left, right = (torch.randn(n, n, generator=drawn).half() for n in (n1, n2))
    if hostile:
        x[0], x[3] = 0.0, 1.0
        x[1, 2], x[4, -1] = torch.nan, torch.inf
    values = torch.full(x.shape, 99, dtype=torch.int8)
    scales = torch.full((tokens,), -1.0)
    made = triton_launch.PortableTransform(factors, left, right)
    made(x, values, scales, limit, clip)
    z = reference.transform(x, left.float(), right.float(), torch.float16)
    right_ones = reference.quantize(z, limit, clip)
    stored = right_ones.values[:, stored_order(factors)]
    finite = torch.isfinite(right_ones.scales)
    apart = (values.float() - stored.float())[finite].abs()
    relative = (scales - right_ones.scales)[finite].abs() / right_ones.scales[finite].clamp(1e-30)
    alone, of_alone = torch.full_like(values, 99), torch.full_like(scales, -1.0)
    triton_launch.round_rows(x, alone, of_alone, limit)
    plain = reference.quantize(x, limit)
    kept = torch.isfinite(plain.scales)
    differ = int((alone != plain.values)[kept].sum())
    differ += int((~torch.isclose(of_alone, plain.scales, rtol=1e-6, equal_nan=True)).sum())
    return {
        "most off": float(apart.max()) if apart.numel() else 0.0,
        "share off": float((apart > 0).float().mean()) if apart.numel() else 0.0,
        "scales off": float(relative.max()) if relative.numel() else 0.0,
        "finite otherwise": int((torch.isfinite(scales) != finite).sum()),
        "rounding alone differs": differ,
    }


def multiplied(tokens: int, width: int, outputs: int) -> dict[str, Any]:
    """Multiply random integers; return the worst difference relative to the largest answer."""
    drawn = torch.Generator().manual_seed(width)
    rows, weights = (
        torch.randint(-128, 128, (n, width), generator=drawn, dtype=torch.int8)
        for n in (tokens, outputs)
    )
    of_rows, of_weights = (torch.rand(n, generator=drawn) for n in (tokens, outputs))
    out = torch.full((tokens, outputs), torch.nan)
    triton_launch.PortableLinear(CPU)(rows, weights, of_rows, of_weights, out)
    exact = reference.product(
        reference.Quantized(rows, of_rows), reference.Quantized(weights, of_weights)
    )
    worst = (out - exact).abs().max() / exact.abs().max() if tokens else torch.zeros(())
    return {"worst": float(worst)}


if __name__ == "__main__":
    main()
