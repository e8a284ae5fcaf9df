"""Times the split-KV kernel with other tiles, on a GPU: `python -m prototypes.decode.tune`.

First each variant is compiled, in processes of their own, and held against float64 on a small
ragged cache; then all are timed in turns, from a cold L2, with the harness's timer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from prototypes.decode import oracle
from prototypes.decode.inputs import Shape
from prototypes.decode.pages import PAGE
from prototypes.decode.triton_split_kv import Attend, Tiles
from prototypes.harness.timing import CudaTimer

SHAPE = Shape(8, 32, 8, 32768, 128)
SCENES = (
    (1, "contiguous"),
    (8, "contiguous"),
    (8, "lengths"),
    (8, "equal"),
    (8, "used"),
    (8, "uneven"),
    (2, "used"),
    (4, "used"),
)
"""One token in so many is kept; in one piece, in one piece with lengths, or in random pages with
lengths all alike, as unequal as KV-Compress makes them, or more so."""
SPREADS = {"equal": 0.0, "used": 0.5, "uneven": 1.0}
"""Standard deviation of the logarithm of the lengths."""
VARIANTS = (
    Tiles(128, 4, 2, 2, beginning=0),
    Tiles(128, 4, 2, 2, beginning=4),
    Tiles(128, 4, 2, 2, beginning=8),
    Tiles(64, 4, 3, 2, beginning=4),
    Tiles(64, 4, 3, 2, beginning=8),
    Tiles(128, 4, 3, 1, beginning=4),
    Tiles(64, 4, 6, 1, beginning=4),
    Tiles(32, 4, 4, 2, beginning=4),
)


def ragged_lengths(rows: int, mean: int, spread: float, seed: int) -> torch.Tensor:
    """Return lengths (rows,) int32, whole pages, that add up to rows x mean."""
    generator = torch.Generator().manual_seed(seed)
    shares = (spread * torch.randn(rows, generator=generator)).exp()
    pages = (shares / shares.sum() * rows * (mean // PAGE)).int().clamp_min(1)
    pages[0] += rows * (mean // PAGE) - pages.sum()
    return pages * PAGE


def pages_of(lengths: torch.Tensor, seed: int) -> torch.Tensor:
    """Return a table (rows, most) int32 of pages in random order, -1 past the end of a row."""
    generator = torch.Generator().manual_seed(seed)
    counts = (lengths.cpu() + PAGE - 1) // PAGE
    pages = torch.randperm(int(counts.sum()), generator=generator).int()
    width = -(-int(counts.max()) // 32) * 32
    table = torch.full((len(counts), width), -1, dtype=torch.int32)
    table[torch.arange(table.shape[1])[None] < counts[:, None]] = pages
    return table


def call_of(
    shape: Shape, rate: int, scene: str, tiles: Tiles, device: torch.device
) -> Callable[[int], Any]:
    """Return a call of one variant on two sets of values."""
    rows, d = shape.rows, shape.head_dim
    attend = Attend(rows, shape.queries, d, device, tiles)
    out = torch.empty(rows, shape.queries, d, device=device, dtype=torch.float16)
    q = torch.randn_like(out)
    kept = shape.seq // rate
    size = (2, rows * kept // PAGE, PAGE, d)
    k = torch.randn(size, device=device, dtype=torch.float16)
    v = torch.randn(size, device=device, dtype=torch.float16)
    if scene not in SPREADS:
        whole = (2, rows, kept, d)
        keys, values = k.view(whole), v.view(whole)
        full = torch.full((rows,), kept, dtype=torch.int32, device=device)
        lengths = full if scene == "lengths" else None
        return lambda i: attend.contiguous(q, keys[i], values[i], out, lengths)
    counts = ragged_lengths(rows, kept, SPREADS[scene], 1)
    table, lengths = pages_of(counts, 2).to(device), counts.to(device)
    return lambda i: attend.paged(q, k[i], v[i], table, lengths, out)


def error(tiles: Tiles, device: torch.device) -> float:
    """Return the largest relative error on small caches, contiguous and paged, fresh values."""
    worst = 0.0
    for b, h, kv, n in ((2, 8, 2, 1000), (8, 32, 8, 3072), (1, 4, 1, 70000)):
        q = torch.randn(b, h, 128, device=device, dtype=torch.float16) * 3
        k = torch.randn(b, kv, n, 128, device=device, dtype=torch.float16)
        v = torch.randn_like(k)
        attend = Attend(b * kv, h // kv, 128, device, tiles)
        lengths = torch.randint(0, n + 1, (b, kv), dtype=torch.int32, device=device)
        table = pages_of(lengths.flatten(), 3).to(device).view(b, kv, -1)
        keys = k.reshape(-1, 128)[: b * kv * (n // PAGE) * PAGE].view(-1, PAGE, 128)
        keys = torch.cat([keys, keys[: b * kv]])
        for _ in range(3):
            out = torch.full_like(q, float("nan"))
            rows = (b * kv, h // kv, 128)
            attend.contiguous(q.view(rows), k.flatten(0, 1), v.flatten(0, 1), out)
            worst = max(worst, relative(out, oracle.attention(q, k, v)))
            out.fill_(float("nan"))
            attend.paged(q.view(rows), keys, keys, table.flatten(0, 1), lengths.flatten(), out)
            worst = max(worst, relative(out, oracle.paged_attention(q, keys, keys, table, lengths)))
    return worst


def copy_rate(timer: CudaTimer, device: torch.device, rounds: int) -> float:
    """Return bytes read and written a microsecond by a copy of as much as the cache takes."""
    a = torch.randn(SHAPE.cache_bytes // 4, device=device)
    b = torch.empty_like(a)

    def copy(_: int) -> None:
        b.copy_(a)

    us = median(timer.sample(copy, [0]) for _ in range(rounds))
    rate = 2 * SHAPE.cache_bytes / us
    print(f"copy {us:.1f} us, {rate / 1e6:.3f} TB/s")
    return rate


def relative(out: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the norm of the error over the norm of the answer; NaN counts as infinite."""
    return float(((out - exact).norm() / exact.norm()).nan_to_num(nan=float("inf")))


def main() -> None:
    """Warm up in processes, then time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", type=int)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    device = torch.device("cuda")
    if asked.only is not None:
        for scene in ("contiguous", "lengths", "used"):
            call_of(Shape(8, 32, 8, 8192, 128), 2, scene, VARIANTS[asked.only], device)(0)
        print(f"{VARIANTS[asked.only]} error {error(VARIANTS[asked.only], device):.2e}")
        return
    command = [sys.executable, "-m", "prototypes.decode.tune", "--only"]
    with_errors = [
        subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for i in range(len(VARIANTS))
    ]
    for process in with_errors:
        told = process.communicate()[0].decode().strip().splitlines()
        print(told[-1] if told else "nothing told", flush=True)
    timer = CudaTimer(device)
    copied = copy_rate(timer, device, asked.rounds)
    for rate, scene in SCENES:
        time_all(timer, device, rate, scene, asked.rounds, copied)


def time_all(
    timer: CudaTimer, device: torch.device, rate: int, scene: str, rounds: int, copied: float
) -> None:
    """Print the time of each variant in one scene, from a cold L2 and one call after another."""
    calls = []
    for tiles in VARIANTS:
        try:
            calls.append((tiles, call_of(SHAPE, rate, scene, tiles, device)))
            calls[-1][1](0)
        except Exception as reason:  # one variant that fails leaves the others
            print(tiles, str(reason).splitlines()[-1:])
    times: dict[Tiles, list[float]] = {tiles: [] for tiles, _ in calls}
    for number in range(rounds):
        for tiles, call in calls[:: 1 if number % 2 == 0 else -1]:
            times[tiles].append(timer.sample(call, [number % 2]))
    moved = SHAPE.cache_bytes / rate
    for tiles, call in calls:
        taken = times[tiles]
        us = median(taken)
        running = in_turn(call)
        print(
            f"r{rate} {scene} n{tiles.block_n} w{tiles.warps} s{tiles.stages} p{tiles.programs} "
            f"b{tiles.beginning}: {us:.1f} us, {min(taken):.1f} at best, {moved / us / copied:.1%} "
            f"of a copy; running {running:.1f} us",
            flush=True,
        )


def in_turn(call: Callable[[int], Any], count: int = 20) -> float:
    """Return the time of a call among others like it, code and page tables warm."""
    event: Any = torch.cuda.Event
    start, end = event(enable_timing=True), event(enable_timing=True)
    sleep: Any = torch.cuda._sleep
    sleep(3_000_000)
    start.record()
    for number in range(count):
        call(number % 2)
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end) * 1e3 / count)


if __name__ == "__main__":
    main()
