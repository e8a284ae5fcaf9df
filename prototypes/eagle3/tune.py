"""Sweeps tile sizes of tree attention on a GPU: `python -m prototypes.eagle3.tune`.

Each variant is held against float64 first. Prints microseconds, medians, from a cold L2.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch

from prototypes.eagle3 import oracle
from prototypes.speculation.tree import Tree

BATCH, HEADS, KV_HEADS, HEAD_DIM, NODES = 1, 32, 8, 128, 61
Sizes = tuple[int, int, int, int, int, int]
"""Rows and columns of a tile, warps, stages, programs a multiprocessor, splits (0: by itself)."""
VARIANTS: tuple[Sizes, ...] = (
    (128, 64, 8, 3, 1, 0),
    (128, 64, 8, 4, 1, 0),
    (128, 128, 8, 2, 1, 0),
    (128, 64, 8, 2, 1, 0),
    (64, 64, 4, 2, 2, 0),
    (64, 64, 4, 3, 2, 0),
    (64, 128, 4, 2, 1, 0),
    (64, 64, 4, 2, 3, 0),
    (256, 64, 16, 3, 1, 0),
    (256, 64, 8, 3, 1, 0),
    (128, 64, 4, 2, 2, 0),
)


def scene(seq: int, nodes: int, seed: int) -> dict[str, torch.Tensor]:
    """Return a cache of `seq` tokens with a random tree of nodes after them, on the GPU."""
    generator = torch.Generator(device="cuda").manual_seed(seed)
    host = torch.Generator().manual_seed(seed)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator, device="cuda").half()

    parents = [-1, *(int(torch.randint(0, i, (), generator=host)) for i in range(1, nodes))]
    one = torch.tensor(parents).expand(BATCH, nodes)
    return {
        "q": normal(BATCH, HEADS, nodes, HEAD_DIM),
        "k": normal(BATCH, KV_HEADS, seq + 64, HEAD_DIM),
        "v": normal(BATCH, KV_HEADS, seq + 64, HEAD_DIM),
        "lengths": torch.full((BATCH,), seq, dtype=torch.int32, device="cuda"),
        "masks": Tree(one, one).masks.cuda(),
    }


def variant(sizes: Sizes, nodes: int) -> Callable[[dict[str, torch.Tensor], torch.Tensor], None]:
    """Return tree attention with these sizes."""
    from prototypes.eagle3.triton_tree import Tiles, TreeAttention

    rows, columns, warps, stages, programs, splits = sizes
    attend = TreeAttention(
        BATCH,
        HEADS,
        KV_HEADS,
        nodes,
        HEAD_DIM,
        torch.device("cuda"),
        Tiles(rows, columns, warps, stages, programs),
        splits or None,
    )

    def run(given: dict[str, torch.Tensor], out: torch.Tensor) -> None:
        attend.contiguous(**given, out=out)

    return run


def compile_all(variants: tuple[Sizes, ...], nodes: int) -> None:
    """Compile in processes of their own, before this one knows of the GPU."""
    fork: Any = multiprocessing.get_context("fork")
    running = [fork.Process(target=_compile, args=(sizes, nodes)) for sizes in variants]
    for process in running:
        process.start()
    for process in running:
        process.join(60)


def _compile(sizes: Sizes, nodes: int) -> None:
    try:
        given = scene(128, nodes, 1)
        variant(sizes, nodes)(given, torch.empty_like(given["q"]))
        torch.cuda.synchronize()
    except Exception as error:
        print(sizes, "doesn't compile:", str(error)[-200:], flush=True)


def main(seq: int = 32768, nodes: int = NODES, repeats: int = 9) -> None:
    """Print a line a variant, beside one token by `split_kv_fp16`."""
    from prototypes.decode.baselines import split_kv_fp16
    from prototypes.decode.inputs import Shape
    from prototypes.harness.timing import CudaTimer

    compile_all(VARIANTS, nodes)
    sets = [scene(seq, nodes, seed) for seed in (1, 2)]
    exact = oracle.attention(**sets[1])
    out = torch.empty_like(sets[0]["q"])
    timer = CudaTimer(torch.device("cuda"))

    def report(name: str, call: Callable[[int], None]) -> None:
        try:
            out.fill_(99)
            call(1)
            error = float((out.double() - exact).norm() / exact.norm())
            timer.prepare(call)
            times = [timer.sample(call, [0, 1]) for _ in range(repeats)]
            told = f"{statistics.median(times):8.1f} least {min(times):8.1f} error {error:.1e}"
            print(f"{name:38s} {told}", flush=True)
        except Exception as failed:
            print(f"{name:38s} {str(failed).strip().splitlines()[-1][:120]}", flush=True)

    shape = Shape(BATCH, HEADS, KV_HEADS, seq, HEAD_DIM)
    one = split_kv_fp16(shape, torch.device("cuda"))
    tokens = [
        {
            "q": s["q"][:, :, 0].contiguous(),
            "k": s["k"][:, :, :seq].contiguous(),
            "v": s["v"][:, :, :seq].contiguous(),
        }
        for s in sets
    ]
    answer = {"out": torch.empty_like(tokens[0]["q"])}
    report("one token (its error says nothing)", lambda i: one(tokens[i], answer))
    for sizes in VARIANTS:
        try:
            run = variant(sizes, nodes)
        except Exception as failed:
            print(sizes, str(failed)[-120:], flush=True)
            continue

        def timed(i: int, run: Callable[..., None] = run) -> None:
            run(sets[i], out)

        report(str(sizes), timed)


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
