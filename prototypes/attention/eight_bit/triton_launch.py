"""Sets up the Triton kernels of 8-bit attention for one shape: workspaces, grids, tile sizes."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from typing import Any

import torch
import triton

from prototypes.attention.eight_bit import triton_attention, triton_quantize
from prototypes.attention.eight_bit.options import Denominator, Format, Options, Scale

SIDE_BYTES = 8 << 20
"""K and V of heads that are worked on side by side: a sixth of an H100's L2."""
SHIFTS = {Format.FLOAT16: 1.0, Format.E4M3: 448.0, Format.INT8: 127.0}
NAMES = {Format.FLOAT16: "fp16", Format.E4M3: "e4m3", Format.INT8: "int8"}
STORED = {Format.INT8: torch.int8, Format.E4M3: torch.float8_e4m3fn}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a launch is set up for."""

    batch: int
    heads: int
    kv_heads: int
    queries: int
    keys: int
    dim: int
    causal: bool = False


@dataclass(frozen=True, slots=True)
class Tiles:
    """How the attention kernel cuts its work, and how it is compiled; the answer only depends on
    `keys` (`Options.tile`)."""

    rows: int = 128
    keys: int = 128
    warps: int = 8
    stages: int = 2
    registers: int | None = None
    tma: bool = True
    specialized: bool = False
    """Whether to take `gluon_attention` (Hopper only): 192 rows, INT8 scores, `stages` places."""
    turns: bool = False
    """Whether its groups take turns at their scores."""
    stays: bool = True
    """Whether its programs stay for several blocks, the next one's K and V arriving meanwhile."""
    two_levels: bool = True
    """Whether the second product of each tile starts at zero and is added in float32: an FP8
    accumulator of Hopper has fewer bits."""


class Attention:
    """8-bit attention of one shape: `prepare` rounds K and V, `attend` does the rest.

    Q (batch, heads, queries, dim), K and V (batch, kv heads, keys, dim), all FP16 and contiguous;
    dim is a power of two from 16. Causal: query i of n sees keys up to i + keys - n. A query that
    sees no key gets zeros. Not finite in Q: NaN in its rows; in K or V: NaN or worse in its head.
    V, where it is rounded, has a scale for 128 keys: `ValueError` for options that want another.
    """

    def __init__(self, shape: Shape, options: Options, tiles: Tiles, device: torch.device) -> None:
        self.shape, self.options, self.tiles = shape, options, tiles
        self.interpreted = os.environ.get("TRITON_INTERPRET") == "1"
        self.padded = -(-shape.keys // triton_quantize.KEYS) * triton_quantize.KEYS
        self.rounds_keys = options.scores is Format.INT8
        self.rounds_values = options.weights is not Format.FLOAT16
        self.key_block = options.key_block if options.key_scale is Scale.BLOCK else 1
        self.query_block = options.query_block if options.query_scale is Scale.BLOCK else 1
        if self.rounds_values and (
            options.value_scale is not Scale.BLOCK or options.value_block != triton_quantize.KEYS
        ):
            raise ValueError(f"The kernels round V with a scale for {triton_quantize.KEYS} keys.")
        if options.weights is Format.INT8 and not options.half_weights:
            raise ValueError("The kernels' INT8 weights are FP16 before.")
        kv, dim = shape.batch * shape.kv_heads, shape.dim

        def empty(*size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.empty(size, dtype=dtype, device=device)

        blocks = self.padded // triton_quantize.KEYS
        self.key_mean = empty(kv, dim)
        self.key8 = empty(kv, shape.keys, dim, dtype=torch.int8)
        self.key_scale = empty(kv, self.padded // self.key_block)
        self.value_scale = empty(kv, blocks)
        self.poison = torch.zeros(kv, 2, blocks, device=device)
        self.value8 = empty(0)
        if self.rounds_values:
            self.value8 = empty(kv, dim, self.padded, dtype=STORED[options.values])

    def __call__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor
    ) -> None:
        """Do both."""
        self.prepare(key, value)
        self.attend(query, key, value, output)

    def prepare(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """Round K, and V if the options say so, into the workspaces."""
        shape, options = self.shape, self.options
        kv = shape.batch * shape.kv_heads
        if not self.rounds_keys or not kv or not shape.keys:
            return
        if options.smooth_keys:
            stride = -(-shape.keys // options.mean_keys) if options.mean_keys else 1
            columns = min(shape.dim, triton_quantize.MEAN_COLUMNS)
            triton_quantize.mean_kernel[(kv, shape.dim // columns)](
                key, self.key_mean, shape.keys, stride, AT_ONCE=triton_quantize.MEAN_KEYS,
                DIM=shape.dim, COLUMNS=columns, num_warps=4,
            )  # fmt: skip
        blocks = self.padded // triton_quantize.KEYS
        values = SHIFTS[options.values] if self.rounds_values else 0.0
        triton_quantize.round_kernel[(blocks, kv, 2 if self.rounds_values else 1)](
            key, value, self.key_mean, self.key8, self.key_scale, self.value8, self.value_scale,
            self.poison, shape.keys, KEYS=triton_quantize.KEYS, DIM=shape.dim,
            SMOOTH=options.smooth_keys, KEY_BLOCK=self.key_block, VALUES=int(values),
            DEVICE=not self.interpreted, num_warps=8,
        )  # fmt: skip

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor
    ) -> None:
        """Write the output; K and V as `prepare` left them (and as given where they stay FP16)."""
        shape, tiles, options = self.shape, self.tiles, self.options
        if not query.numel():
            return
        if not shape.keys:
            output.zero_()
            return
        if tiles.specialized:
            self._attend_specialized(query, value, output)
            return
        kv = shape.batch * shape.kv_heads
        stored_key = self.key8 if self.rounds_keys else key.view(kv, shape.keys, shape.dim)
        flat_value = value.view(kv, shape.keys, shape.dim)
        stored_value = self.value8 if self.rounds_values else flat_value
        key_tile = [1, tiles.keys, shape.dim]
        value_tile = [1, shape.dim, tiles.keys] if self.rounds_values else key_tile
        grid = (-(-shape.queries // tiles.rows), shape.batch * shape.heads)
        more: dict[str, Any] = {} if tiles.registers is None else {"maxnreg": tiles.registers}
        self.compiled = triton_attention.attention_kernel[grid](
            query, stored_key, stored_value,
            self._descriptor(stored_key, key_tile), self._descriptor(stored_value, value_tile),
            self.key_scale, self.value_scale, self.poison, output, shape.queries, shape.keys,
            shape.heads, shape.heads // shape.kv_heads, shape.dim**-0.5,
            math.log2(options.weight_scale),
            ROWS=tiles.rows, KEYS=tiles.keys, DIM=shape.dim, SCORES8=self.rounds_keys,
            QUERY_BLOCK=min(self.query_block, tiles.rows), KEY_BLOCK=self.key_block,
            POISONS=max(triton.next_power_of_2(self.poison[0].numel()), 256),
            VALUE_BLOCK=triton_quantize.KEYS, WEIGHTS=NAMES[options.weights],
            ROUNDED=options.denominator is Denominator.ROUNDED, TWO_LEVELS=tiles.two_levels,
            CAUSAL=shape.causal, TMA=tiles.tma, DEVICE=not self.interpreted, num_warps=tiles.warps,
            num_stages=tiles.stages, **more,
        )  # fmt: skip

    def _attend_specialized(
        self, query: torch.Tensor, value: torch.Tensor, output: torch.Tensor
    ) -> None:
        from triton.experimental.gluon import language as gl
        from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

        from prototypes.attention.eight_bit import gluon_attention

        shape, tiles, options = self.shape, self.tiles, self.options
        key_tile = [tiles.keys, shape.dim]
        value_tile = key_tile[::-1] if self.rounds_values else key_tile
        kinds = {"fp16": gl.float16, "e4m3": gl.float8e4nv, "int8": gl.int8}
        name = NAMES[options.weights]
        stored_value = self.value8 if self.rounds_values else value

        def described(tensor: torch.Tensor, tile: list[int], kind: Any) -> Any:
            layout = gl.NVMMASharedLayout.get_default_for(tile, kind)
            flat = tensor.view(-1, tensor.shape[-1])
            return TensorDescriptor.from_tensor(flat, tile, layout)

        all_heads = shape.batch * shape.heads
        units = -(-shape.queries // gluon_attention.ROWS) * all_heads
        programs = units
        if tiles.stays:
            device = torch.cuda.get_device_properties(output.device)
            programs = min(units, device.multi_processor_count)
        side = 1
        if shape.causal:
            # Blocks differ: as many heads as the L2 holds K and V of.
            held = 2 * shape.keys * shape.dim * shape.kv_heads / shape.heads
            side = max(1, min(all_heads, int(SIDE_BYTES / held)))
        self.compiled = gluon_attention.attention_kernel[(programs,)](
            query, described(self.key8, key_tile, gl.int8),
            described(stored_value, value_tile, kinds[name]),
            self.key_scale, self.value_scale, self.poison, output, shape.queries, shape.keys,
            shape.heads, shape.heads // shape.kv_heads, side, all_heads,
            shape.dim**-0.5, math.log2(options.weight_scale),
            KEYS=tiles.keys, DIM=shape.dim, STAGES=tiles.stages, QUERY_BLOCK=self.query_block,
            KEY_BLOCK=self.key_block, VALUE_BLOCK=triton_quantize.KEYS,
            POISONS=max(triton.next_power_of_2(self.poison[0].numel()), 256), WEIGHTS=name,
            TWO_LEVELS=tiles.two_levels or name == "int8", CAUSAL=shape.causal,
            REGISTERS=160, TURNS=tiles.turns, STAYS=tiles.stays, num_warps=4,
        )  # fmt: skip

    def _descriptor(self, tensor: torch.Tensor, tile: list[int]) -> Any:
        if not self.tiles.tma:
            return None
        from triton.tools.tensor_descriptor import TensorDescriptor

        return TensorDescriptor.from_tensor(tensor, tile)


def tuned(shape: Shape, options: Options, device: torch.device) -> Attention:
    """Set up the kernel with the tile sizes that were fastest on an H100."""
    tiles = _tiles(shape, options, device)
    return Attention(shape, replace(options, tile=tiles.keys), tiles, device)


def _tiles(shape: Shape, options: Options, device: torch.device) -> Tiles:
    if device.type != "cuda":
        block = options.query_block if options.query_scale is Scale.BLOCK else 1
        return Tiles(rows=max(32, block), keys=32)
    generation = torch.cuda.get_device_capability(device)[0]
    if generation == 9 and _suits_specialized(shape, options):
        # Products of FP16 add up in float32 as they are.
        hopper = Tiles(warps=4, stages=3, specialized=True)
        if options.weights is Format.FLOAT16:
            # Products add up in float32 as they are.
            return replace(hopper, two_levels=False, turns=True)
        return hopper
    if options.weights is Format.FLOAT16:
        return Tiles(two_levels=False, tma=generation >= 9)
    return Tiles(stages=3, tma=generation >= 9)


def _suits_specialized(shape: Shape, options: Options) -> bool:
    """Whether `gluon_attention` does this: rows that see a key, and no tail of an FP16 V."""
    return (
        options.scores is Format.INT8
        # It adds up weights as they are, but INT8 as rounded.
        and (options.denominator is Denominator.ROUNDED) == (options.weights is Format.INT8)
        and shape.dim in (64, 128)
        and shape.queries > 0
        and shape.keys > 0
        and (not shape.causal or shape.keys >= shape.queries)
        and (options.weights is not Format.FLOAT16 or shape.keys % 128 == 0)
        and not (options.query_scale is Scale.BLOCK and options.query_block not in (64, 128))
    )
