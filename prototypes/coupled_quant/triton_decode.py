"""Decode steps on a GPU: code the new token, attend, join; workspaces are made once."""

from __future__ import annotations

import math
from typing import Any

import torch
import triton

from prototypes.coupled_quant.options import Config
from prototypes.coupled_quant.triton_steps import encode, join
from prototypes.decode.inputs import Shape
from prototypes.harness.workload import Tensors

FAST = Config(8, 8)
"""What the fast kernel is written for: as stored, so 4c4b as well."""
PART = 4
"""Groups that a program codes."""


class Decode:
    """One decode step of a layer with coded keys and values.

    Calls take `prototypes.coupled_quant.workload`'s inputs and write `out` (batch, heads, head_dim)
    in half precision. Raises `ValueError` for shapes that no kernel here is written for.
    """

    def __init__(self, shape: Shape, config: Config, device: torch.device) -> None:
        stored = config.stored
        if stored.bits != 8 or 16 % shape.queries:
            raise ValueError("These kernels read whole bytes, for 1, 2, 4, 8 or 16 queries a head.")
        self.shape, self.stored = shape, stored
        self.groups = stored.groups(shape.head_dim)
        if self.groups % PART:
            raise ValueError(f"{self.groups} codes a head don't divide into parts of {PART}.")
        self.scale = math.log2(math.e) / math.sqrt(shape.head_dim)
        self.parts = 0
        self.partial = self.maxima = self.sums = torch.empty(0, device=device)

    def room(self, parts: int, device: torch.device) -> None:
        """Make the workspaces for so many partial results a head."""
        self.parts = parts
        sizes = (self.shape.rows, parts, self.shape.queries)
        self.partial = torch.zeros(*sizes, self.shape.head_dim, device=device)
        self.maxima, self.sums = (torch.zeros(sizes, device=device) for _ in range(2))

    def __call__(self, inputs: Tensors, out: torch.Tensor) -> None:
        """Do the step."""
        raise NotImplementedError


class Portable(Decode):
    """Through the L1 cache, in plain Triton."""

    def __init__(
        self,
        shape: Shape,
        config: Config,
        device: torch.device,
        block: int = 32,
        programs: int = 528,
        warps: int = 4,
    ) -> None:
        super().__init__(shape, config, device)
        splits = max(programs // shape.rows, 1)
        self.block, self.warps = block, warps
        self.tokens_a_split = triton.cdiv(triton.cdiv(shape.seq, splits), block) * block
        self.room(triton.cdiv(shape.seq, self.tokens_a_split), device)
        self.tables = torch.zeros(
            shape.rows, self.groups, self.stored.centroids, shape.queries, device=device
        )

    def __call__(self, inputs: Tensors, out: torch.Tensor) -> None:
        """Do the step: four kernels."""
        self.encode(inputs)
        self.attend(inputs)
        self.join(out)

    def encode(self, inputs: Tensors) -> None:
        """Code the newest token into the cache."""
        kernel: Any = encode
        kernel[(self.shape.rows, 2, self.groups // PART)](
            inputs["new_k"],
            inputs["new_v"],
            inputs["key_books"],
            inputs["value_books"],
            inputs["key_codes"],
            inputs["value_codes"],
            self.shape.seq,
            KV_HEADS=self.shape.kv_heads,
            GROUPS=self.groups,
            CHANNELS=self.stored.channels,
            CENTROIDS=self.stored.centroids,
            PART=PART,
        )

    def join(self, out: torch.Tensor) -> None:
        """Join the parts."""
        kernel: Any = join
        kernel[(self.shape.rows, self.shape.queries)](
            self.partial,
            self.maxima,
            self.sums,
            out,
            self.parts,
            QUERIES=self.shape.queries,
            HEAD_DIM=self.shape.head_dim,
            PARTS=triton.next_power_of_2(self.parts),
        )

    def attend(self, inputs: Tensors) -> None:
        """Attend over the cache, in parts."""
        from prototypes.coupled_quant import triton_lookup

        sizes = {
            "KV_HEADS": self.shape.kv_heads,
            "QUERIES": self.shape.queries,
            "GROUPS": self.groups,
            "CHANNELS": self.stored.channels,
            "CENTROIDS": self.stored.centroids,
        }
        tables: Any = triton_lookup.score_tables
        tables[(self.shape.rows, self.groups)](
            inputs["q"], inputs["key_books"], self.tables, self.scale, **sizes
        )
        kernel: Any = triton_lookup.attend
        kernel[(self.shape.rows, self.parts)](
            self.tables,
            inputs["key_codes"],
            inputs["value_codes"],
            inputs["value_books"],
            self.partial,
            self.maxima,
            self.sums,
            self.shape.seq,
            self.tokens_a_split,
            BLOCK=self.block,
            num_warps=self.warps,
            **sizes,
        )


class Fast(Decode):
    """Through shared memory: 8 channels and 8 bits a code, four query heads, Hopper."""

    def __init__(
        self,
        shape: Shape,
        config: Config,
        device: torch.device,
        programs: int = 132,
        warps: int = 8,
        rows: int | None = None,
    ) -> None:
        super().__init__(shape, config, device)
        if not self.takes(shape, config):
            raise ValueError("The fast kernel takes 16 codes a head of 128, and four queries.")
        splits = max(programs // shape.rows, 1)
        if rows is None:
            # Fewer tokens a turn where a cache is so short that there were too few programs.
            enough = [r for r in (4, 2) if shape.seq >= splits * 32 * warps * r]
            rows = enough[0] if enough else 2
        turn = 32 * warps * rows
        self.warps, self.rows = warps, rows
        self.tokens_a_split = triton.cdiv(triton.cdiv(shape.seq, splits), turn) * turn
        self.splits = triton.cdiv(shape.seq, self.tokens_a_split)
        self.room(self.splits, device)
        self.tickets = torch.zeros(shape.rows, dtype=torch.int32, device=device)

    @staticmethod
    def takes(shape: Shape, config: Config) -> bool:
        """Whether it is written for this shape and configuration."""
        return config.stored == FAST and shape.head_dim == 128 and shape.queries == 4

    def __call__(self, inputs: Tensors, out: torch.Tensor) -> None:
        """Do the step: one kernel."""
        from prototypes.coupled_quant import gluon_attend

        kernel: Any = gluon_attend.attend
        kernel[(self.shape.rows, self.splits)](
            inputs["q"],
            inputs["new_k"],
            inputs["new_v"],
            inputs["key_codes"],
            inputs["value_codes"],
            inputs["key_books"],
            inputs["value_books"],
            self.partial,
            self.maxima,
            self.sums,
            self.tickets,
            out,
            self.shape.seq,
            self.tokens_a_split,
            self.scale,
            KV_HEADS=self.shape.kv_heads,
            ROWS=self.rows,
            NW=self.warps,
            num_warps=self.warps,
        )


def decode(shape: Shape, config: Config, device: torch.device) -> Decode:
    """Return the fastest step for this shape and configuration."""
    kind = Fast if Fast.takes(shape, config) else Portable
    return kind(shape, config, device)
