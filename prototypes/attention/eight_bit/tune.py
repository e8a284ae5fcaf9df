"""Times tile sizes of the 8-bit attention kernels: `python -m prototypes.attention.eight_bit.tune`.

For whoever tunes on a new card. Compiles in several processes and checks every variant against the
emulation, prints one line a shape and variant, and judges nothing. TF counts
4·batch·heads·queries·keys·dim, halved for causal, and is set beside cuDNN's FP16 attention in the
same minute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from functools import partial
from multiprocessing import get_context

import torch
import torch.nn.functional as functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from prototypes.attention.eight_bit import emulation, options
from prototypes.attention.eight_bit.options import Options
from prototypes.attention.eight_bit.triton_launch import Attention, Shape, Tiles

OPTIONS = {
    "fp16": Options(scores=options.Format.FLOAT16),
    "fp8pv": replace(options.SAGE_FP8, key_block=128),
    "fp8pv64": options.SAGE_FP8,
    "fp16pv": replace(options.SAGE_FP16, key_block=128),
    "fp16pv64": options.SAGE_FP16,
    "fp8r": replace(options.SAGE_FP8, denominator=options.Denominator.ROUNDED),
    "fp16r": replace(options.SAGE_FP16, denominator=options.Denominator.ROUNDED),
    "int8": options.INT_FLASH_BLOCKS,
}
Variant = tuple[str, Tiles]


def made(shape: Shape, device: torch.device, seed: int) -> list[torch.Tensor]:
    """Return normal Q, K, V and room for the output."""
    generator = torch.Generator(device=device).manual_seed(seed)

    def normal(heads: int, tokens: int) -> torch.Tensor:
        size = (shape.batch, heads, tokens, shape.dim)
        return torch.randn(size, device=device, dtype=torch.float16, generator=generator)

    query = normal(shape.heads, shape.queries)
    key, value = normal(shape.kv_heads, shape.keys), normal(shape.kv_heads, shape.keys)
    return [query, key, value, torch.full_like(query, torch.nan)]


def milliseconds(call: Callable[[], object], seconds: float = 0.1) -> float:
    """Return the median time of a call, by events, after a warm-up."""
    from triton.testing import do_bench

    return float(do_bench(call, warmup=25, rep=int(seconds * 1000), return_mode="median"))


def cudnn(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, causal: bool) -> object:
    """Run cuDNN's attention, forced."""
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        return functional.scaled_dot_product_attention(query, key, value, is_causal=causal)


def check(shape: Shape, variant: Variant) -> str:
    """Compile a variant for this shape; return its error against the emulation on a small one, and
    what the compiler says."""
    name, tiles = variant
    device = torch.device("cuda:0")
    group = shape.heads // shape.kv_heads
    try:
        run = Attention(shape, OPTIONS[name], tiles, device)
        run(*made(replace(shape), device, 2))
        small = replace(shape, batch=1, heads=2 * group, kv_heads=2, queries=336, keys=400)
        query, key, value, output = made(small, device, 5)
        chosen = replace(OPTIONS[name], tile=tiles.keys, query_block=min(128, tiles.rows))
        Attention(small, chosen, tiles, device)(query, key, value, output)
        right = emulation.attention(query, key, value, chosen, causal=shape.causal)
        error = float((output.float() - right).norm() / right.norm())
        again = output.clone()
        Attention(small, chosen, tiles, device)(query, key, value, output)
        same = "" if torch.equal(again, output) else " MOVES"
    except Exception as failure:  # one bad variant mustn't lose the others
        return f"failed: {(str(failure) or repr(failure)).splitlines()[-1][:150]}"
    return (
        f"error {error:.1e}{same}, {run.compiled.n_regs} registers, {run.compiled.n_spills} spilled"
    )


def sweep(shape: Shape, variants: Sequence[Variant], said: Sequence[str], deadline: float) -> None:
    """Time variants on one shape."""
    device = torch.device("cuda:0")
    query, key, value, output = made(shape, device, 1)
    operations = 4 * shape.batch * shape.heads * shape.queries * shape.keys * shape.dim
    operations = operations // 2 if shape.causal else operations
    group = shape.heads // shape.kv_heads
    wide_key, wide_value = (
        x.repeat_interleave(group, dim=1) if group > 1 else x for x in (key, value)
    )
    base = milliseconds(lambda: cudnn(query, wide_key, wide_value, shape.causal), 0.2)
    print(f"{shape}\n  cudnn {base:.3f} ms {operations / base / 1e9:.0f} TF", flush=True)
    prepared: dict[str, float] = {}
    for (name, tiles), text in zip(variants, said, strict=True):
        if time.monotonic() > deadline:
            print("  out of time")
            return
        times = ""
        if not text.startswith("failed"):
            run = Attention(shape, OPTIONS[name], tiles, device)
            run(query, key, value, output)
            alone = milliseconds(partial(run.attend, query, key, value, output))
            if name not in prepared:
                prepared[name] = milliseconds(partial(run.prepare, key, value), 0.03)
            both = alone + prepared[name]
            times = (
                f"{alone:7.3f} ms {operations / alone / 1e9:5.0f} TF {base / alone:.3f}x alone, "
                f"{base / both:.3f}x with {prepared[name] * 1000:3.0f} us, "
            )
        print(f"  {name:8s} {_short(tiles):34s} {times}{text}", flush=True)
    again = milliseconds(lambda: cudnn(query, wide_key, wide_value, shape.causal), 0.2)
    print(f"  cudnn again {again:.3f} ms")


def _short(tiles: Tiles) -> str:
    plain = Tiles()
    told = [f.name for f in fields(Tiles) if getattr(tiles, f.name) != getattr(plain, f.name)]
    return " ".join(f"{name}={getattr(tiles, name)}" for name in told) or "default"


def run_all(work: Sequence[tuple[Shape, Sequence[Variant]]], seconds: float, jobs: int) -> None:
    """Compile and check in parallel, then time one after another."""
    deadline = time.monotonic() + seconds
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        asked = [[pool.submit(check, shape, v) for v in variants] for shape, variants in work]
        said = [[each.result() for each in row] for row in asked]
    print(f"{seconds - deadline + time.monotonic():.0f} s to compile", flush=True)
    for (shape, variants), text in zip(work, said, strict=True):
        sweep(shape, variants, text, deadline)


def main() -> None:
    """Time all formats with a few tile sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--jobs", type=int, default=12)
    asked = parser.parse_args()
    shape = Shape(4, 32, 32, 4096, 4096, 128)
    wide = [Tiles(), Tiles(keys=64, stages=3), Tiles(stages=3), Tiles(tma=False), Tiles(64, 128, 4)]
    wide += [Tiles(specialized=True, warps=4)]
    run_all([(shape, [(name, t) for name in OPTIONS for t in wide])], asked.seconds, asked.jobs)


if __name__ == "__main__":
    main()
