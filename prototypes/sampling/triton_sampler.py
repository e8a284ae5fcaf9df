"""Launches the CUDA sampler: workspace once, then two kernels a call, no synchronization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton

from prototypes.harness.declarations import Case
from prototypes.harness.workload import Kernel, Tensors
from prototypes.sampling import triton_kernels

GROUP = 64
"""Logits a group: one aligned read of 256 bytes."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sizes that were tuned on an H100; LOG.md has the numbers."""

    tile: int = 4096
    scan_warps: int = 8
    draw_warps: int = 8
    draw_registers: int | None = 128
    """Bound on registers a thread of the draw: fewer let more programs share a multiprocessor."""
    kept: int = 128
    """Groups that the sieve may keep."""
    candidates: int = 256
    """Candidates that are ranked against each other."""
    gather: int = 32
    """Kept groups that are read at a time."""
    chunk: int = 16
    """Candidates that all others are compared with at a time."""
    early: bool = True
    """Whether the draw is set up while the scan runs."""

    @classmethod
    def of(cls, batch: int) -> Blocks:
        """Return what was fastest: wide programs where they are fewer than multiprocessors.

        A single row keeps the narrow ones, which are faster where the sieve decides.
        """
        if 1 < batch <= 128:
            return cls(draw_warps=16, draw_registers=None, gather=16)
        return cls()


def build(name: str, case: Case, device: torch.device, blocks: Blocks | None = None) -> Kernel:
    """Return `triton_sieve` or `triton_rejection` for a batch and vocabulary.

    Logits may be float32, float16 or bfloat16, rows contiguous. A row without a finite logit draws
    -1; NaN counts as masked. Logits must be below +inf and temperatures above 0.
    """
    batch, vocab = int(case.parameters["batch"]), int(case.parameters["vocab"])
    return sampler(batch, vocab, device, name == "triton_sieve", blocks or Blocks.of(batch))


def sampler(batch: int, vocab: int, device: torch.device, sieve: bool, blocks: Blocks) -> Kernel:
    """Return the sampler with its workspace; `sieve` False leaves only the rejection loop."""
    tiles = triton.cdiv(vocab, blocks.tile)
    groups = tiles * (blocks.tile // GROUP)
    padded_groups, padded_tiles = triton.next_power_of_2(groups), triton.next_power_of_2(tiles)

    def room(width: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty((batch, width), dtype=kind, device=device)

    group_max, tile_max = room(padded_groups), room(padded_tiles)
    tile_weight, tile_mass = room(padded_tiles), room(padded_tiles)
    kept_groups = room(blocks.kept, torch.int32)
    kept_values, kept_tokens = room(blocks.candidates), room(blocks.candidates, torch.int32)
    scan: Any = triton_kernels.scan_kernel
    draw: Any = triton_kernels.draw_kernel
    limits = {"maxnreg": blocks.draw_registers} if blocks.draw_registers else {}
    early = blocks.early and device.type == "cuda"
    options = limits | ({"launch_pdl": True} if early else {})

    def run(inputs: Tensors, outputs: Tensors) -> None:
        logits = inputs["logits"]
        scan[(tiles * batch,)](
            logits,
            logits.stride(0),
            vocab,
            inputs["temperature"],
            group_max,
            tile_max,
            tile_weight,
            padded_groups,
            padded_tiles,
            tiles,
            TILE=blocks.tile,
            GROUP=GROUP,
            EARLY=early,
            num_warps=blocks.scan_warps,
        )
        draw[(batch,)](
            logits,
            logits.stride(0),
            vocab,
            inputs["temperature"],
            inputs["top_k"],
            inputs["top_p"],
            inputs["min_p"],
            inputs["seeds"],
            group_max,
            tile_max,
            tile_weight,
            tile_mass,
            kept_groups,
            kept_values,
            kept_tokens,
            outputs["tokens"],
            groups,
            tiles,
            TILE=blocks.tile,
            GROUP=GROUP,
            PADDED_GROUPS=padded_groups,
            PADDED_TILES=padded_tiles,
            KEPT=blocks.kept,
            CANDIDATES=blocks.candidates,
            GATHER=blocks.gather,
            CHUNK=blocks.chunk,
            SIEVE=sieve,
            EARLY=early,
            num_warps=blocks.draw_warps,
            **options,
        )

    return run
