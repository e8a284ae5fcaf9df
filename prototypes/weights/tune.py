"""Times splits and tiles of the 4-bit kernels on a GPU: `python -m prototypes.weights.tune`.

Each is held against cuBLAS over the same weights before it is timed. Cold: two layers in turn, the
L2 replaced before each call.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch

from prototypes.harness.timing import CudaTimer
from prototypes.weights import baselines, packing
from prototypes.weights.gluon_launch import BEST, TILES, Large, Small, Split, Tile
from prototypes.weights.layers import LLAMA_70B, Layer
from prototypes.weights.quantize import quantize

SPLITS = (
    *BEST,
    Split(8, blocks=2, warps=8, programs=2),
    Split(8, blocks=2, warps=8, programs=3),
    Split(16, blocks=2, warps=8, programs=2, fold=True),
    Split(32, blocks=2, warps=8, stages=2),
    Split(32, blocks=2, warps=16, stages=2, fold=True),
)
ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Copy:
    """One layer: packed, and in 16 bits."""

    packed: torch.Tensor
    scales: torch.Tensor
    dense: torch.Tensor


def copies(layer: Layer, device: torch.device) -> list[Copy]:
    """Return two layers of drawn weights."""
    made = []
    for seed in range(2):
        generator = torch.Generator(device=device).manual_seed(seed)
        size = (layer.outputs, layer.inputs)
        weights = quantize(torch.randn(size, generator=generator, device=device))
        dense = baselines.dense(weights, torch.float16)
        packed, scales = packing.pack(weights.codes), packing.pack_scales(weights.scales)
        made.append(Copy(packed, scales, dense))
    return made


def main() -> None:
    """Print microseconds, the ratio to cuBLAS, and the error against it, by rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 8, 16, 32, 64, 128, 512, 4096])
    rows_asked: list[int] = parser.parse_args().rows
    device, layer = torch.device("cuda"), LLAMA_70B["gate"]
    made, timer = copies(layer, device), CudaTimer(device)

    def us(call: Callable[[int], None]) -> float:
        timer.prepare(call)
        return median(timer.sample(call, [0, 1]) for _ in range(ROUNDS))

    for rows in rows_asked:
        x = torch.randn((rows, layer.inputs), device=device).half()
        out = torch.empty((rows, layer.outputs), device=device, dtype=torch.float16)
        right = out.clone()

        def cublas(i: int, x: torch.Tensor = x, right: torch.Tensor = right) -> None:
            torch.mm(x, made[i].dense.t(), out=right)

        theirs = us(cublas)
        print(f"{rows} rows: cuBLAS {theirs:.1f}", flush=True)
        size = (rows, layer.inputs, layer.outputs, device)
        ways: list[Split | Tile] = [s for s in SPLITS if s.tokens // 2 < max(rows, 5) <= s.tokens]
        ways += [t for t in TILES if rows > t.tokens // 4]
        for how in ways:
            kernel = Small(*size, how) if isinstance(how, Split) else Large(*size, how)

            def ours(
                i: int,
                kernel: Small | Large = kernel,
                x: torch.Tensor = x,
                out: torch.Tensor = out,
            ) -> None:
                kernel(x, made[i].packed, made[i].scales, out)

            ours(0)
            cublas(0)
            error = float((out.float() - right.float()).norm() / right.float().norm())
            mine = us(ours)
            print(f"  {mine:7.1f}  {theirs / mine:5.2f}x  error {error:.0e}  {how}", flush=True)


if __name__ == "__main__":
    main()
