"""Times the eviction against sorting, on a GPU: `python -m prototypes.kv_compress.tune`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median

import torch

from prototypes.decode.inputs import Shape, cache
from prototypes.decode.pages import PAGE
from prototypes.harness.timing import CudaTimer
from prototypes.kv_compress import oracle
from prototypes.kv_compress.eviction import by_sort, evicted_pages
from prototypes.kv_compress.metric import worth
from prototypes.kv_compress.triton_evict import Evict

SHAPES = ((8, 8, 32768, 4), (8, 8, 32768, 8), (1, 256, 8192, 4), (1, 8, 8192, 4))
"""Sequences, heads that share a budget, tokens, rate."""
BLOCKS = ((4096, 8), (2048, 4), (8192, 8))


def metric_of(batch: int, heads: int, sequence: int, device: torch.device) -> torch.Tensor:
    """Return the metric of a cache as it is in use, (batch, heads, sequence)."""
    shape = Shape(batch * heads // 8, 32, 8, sequence, 128)
    made = cache(shape, device, 7)
    return worth(made["window"], made["k"]).view(batch, heads, sequence)


def main() -> None:
    """Hold each against the oracle, then time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    device = torch.device("cuda")
    timer = CudaTimer(device)
    for batch, heads, sequence, rate in SHAPES:
        evicted = evicted_pages(heads, sequence, rate)
        metric = metric_of(batch, heads, sequence, device)
        lengths = torch.zeros((batch, heads), dtype=torch.int32, device=device)
        stays = torch.full(metric.shape, 7, dtype=torch.uint8, device=device)
        name = f"b{batch} heads {heads} s{sequence} r{rate}"
        right = oracle.kept(metric, evicted, PAGE)
        sorted_out = by_sort(metric, evicted).stays
        print(f"{name}: sorting differs in {int((sorted_out.bool() != right).sum())}")

        def sort(_: int, metric: torch.Tensor = metric, evicted: int = evicted) -> None:
            by_sort(metric, evicted)

        calls: dict[str, Callable[[int], None]] = {"sort": sort}
        for block, warps in BLOCKS:
            evict = Evict(batch, heads, sequence, evicted, device, block, warps)
            for _ in range(3):
                stays.fill_(7)
                evict(metric, lengths, stays)
                differ = int((stays != right.to(torch.uint8)).sum())
                differ += int((lengths != right.sum(dim=-1)).sum())
            print(f"{name} block {block} warps {warps}: differs in {differ}")

            def call(
                _: int,
                evict: Evict = evict,
                metric: torch.Tensor = metric,
                lengths: torch.Tensor = lengths,
                stays: torch.Tensor = stays,
            ) -> None:
                evict(metric, lengths, stays)

            calls[f"block {block} warps {warps}"] = call
        if asked.check:
            continue
        for entered in calls.values():
            timer.prepare(entered)
        times = {
            key: median(timer.sample(entered, [0]) for _ in range(asked.rounds))
            for key, entered in calls.items()
        }
        for key, us in times.items():
            print(f"{name} {key}: {us:.1f} us, {times['sort'] / us:.2f}x of sorting", flush=True)


if __name__ == "__main__":
    main()
