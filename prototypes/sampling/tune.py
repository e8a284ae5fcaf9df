"""Times block sizes of the CUDA sampler side by side: `python -m prototypes.sampling.tune`.

For whoever tunes the kernels on a new card. Checks that every variant draws inside the filtered
set, prints one line a shape and variant, and judges nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median

import torch

from prototypes.harness.timing import Call, CudaTimer
from prototypes.harness.workload import Kernel, Tensors
from prototypes.sampling import baselines, edges, inputs, workload
from prototypes.sampling.declaration import DECLARATION
from prototypes.sampling.triton_sampler import Blocks, sampler

VARIANTS = {
    "default": Blocks(),
    "16 warps": Blocks(draw_warps=16, draw_registers=None),
    "16 warps, 64 registers": Blocks(draw_warps=16, draw_registers=64),
    "tile 2048": Blocks(tile=2048, scan_warps=4),
    "tile 2048, 16 warps": Blocks(tile=2048, scan_warps=4, draw_warps=16, draw_registers=None),
    "16 warps, gather 16": Blocks(draw_warps=16, draw_registers=None, gather=16),
    "16 warps, chunk 32": Blocks(draw_warps=16, draw_registers=None, chunk=32),
    "16 warps, 128 candidates": Blocks(draw_warps=16, draw_registers=None, candidates=128),
}
SHAPES = (
    "b1-v128256-k40-p0.95-m0.05-zipf",
    "b1-v128256-k0-p0.9-zipf",
    "b1-v128256-k0-p0.9-normal3",
    "b64-v128256-k50-p0.9-normal3",
    "b8-v128256-k0-p0.9-normal3",
    "b64-v128256-k0-p0.9-normal3",
    "b256-v128256-k0-p0.9-normal3",
    "b256-v128256-k0-p0.9-zipf",
    "b64-v128256-k1000-p0.95-normal3",
)


def main() -> None:
    """Check, then time, all variants on all shapes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    device = torch.device("cuda:0")
    timer = CudaTimer(device)
    for label, blocks in list(VARIANTS.items())[:1]:
        for sieve in (True, False):
            rows = edges.rows(device, 11, 64)
            run = sampler(rows["logits"].shape[0], edges.VOCAB, device, sieve, blocks)
            out = torch.full((rows["logits"].shape[0],), 2**62, device=device)
            run(rows, {"tokens": out})
            outside = int(workload.outside(rows, out).sum())
            print(f"{label}, sieve {sieve}: {outside} draws outside", flush=True)
    for shape in SHAPES:
        case = DECLARATION.case(shape)
        batch, vocab = int(case.parameters["batch"]), int(case.parameters["vocab"])
        sets = [inputs.make(case.parameters, device, seed) for seed in range(4)]
        out = torch.empty(batch, dtype=torch.int64, device=device)
        kernels: dict[str, Kernel | None] = {
            "torch_topk_first" if case.parameters["top_k"] else "torch_partial_sort": None,
            **{label: sampler(batch, vocab, device, True, b) for label, b in VARIANTS.items()},
            "default, no sieve": sampler(batch, vocab, device, False, Blocks()),
        }
        for label, kernel in kernels.items():
            call = _call(kernel or baselines.build(label, case), sets, out)
            call(0)
            timer.prepare(call)
            times = [timer.sample(call, range(4)) for _ in range(options.repeats)]
            print(f"{shape:40s} {label:20s} {median(times):9.1f} us  min {min(times):9.1f}")


def _call(kernel: Kernel, sets: Sequence[Tensors], out: torch.Tensor) -> Call:
    return lambda index: kernel(sets[index], {"tokens": out})


if __name__ == "__main__":
    main()
