"""What an 8-bit attention can choose: number formats, where scales are taken, smoothing.

INT-FlashAttention (arXiv 2409.16997, Algorithm 1) and SageAttention (arXiv 2410.02367, Section 4)
are points of this space, and so are the variants that their error tables compare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Format(StrEnum):
    """What an operand of a matrix product is rounded to."""

    FLOAT32 = "fp32"
    """Not rounded: only the emulation has it, to look at one product by itself."""
    FLOAT16 = "fp16"
    INT8 = "int8"
    E4M3 = "e4m3"
    E5M2 = "e5m2"
    INT4 = "int4"


LARGEST = {Format.INT8: 127.0, Format.INT4: 7.0, Format.E4M3: 448.0, Format.E5M2: 57344.0}
"""The value that the largest magnitude is scaled to."""


class Scale(StrEnum):
    """What shares one scale, within one batch entry and one head."""

    TOKEN = "token"
    BLOCK = "block"
    """`Options.query_block`, `key_block` or `value_block` consecutive tokens."""
    HEAD = "head"
    """All of the head: what the papers call per tensor."""
    CHANNEL = "channel"
    """One column of V over all tokens."""
    NONE = "none"
    """No scale: a plain cast, as an unscaled FP8 attention does."""


class Denominator(StrEnum):
    """Which weights the softmax divides by."""

    ROUNDED = "rounded"
    """Those that multiply V: the weights sum to one exactly."""
    EXACT = "exact"
    """Those before rounding."""


@dataclass(frozen=True, slots=True)
class Options:
    """One 8-bit attention. Everything here changes the answer; tile sizes are the kernel's affair,
    but for `tile`, since weights are rounded relative to the maximum of the tiles so far."""

    scores: Format = Format.INT8
    """Format of Q and K in the first product."""
    query_scale: Scale = Scale.TOKEN
    key_scale: Scale = Scale.TOKEN
    query_block: int = 128
    key_block: int = 64
    smooth_keys: bool = False
    """Take the mean over tokens off K first: softmax doesn't notice."""
    mean_keys: int = 0
    """Most keys that this mean is taken of, evenly spread from the first on; 0: all. Softmax
    doesn't notice which vector it is, and rounding hardly."""
    smooth_queries: bool = False
    """Take the mean over tokens off Q too, and add its scores back in full precision."""
    weights: Format = Format.FLOAT16
    """Format of P in the second product."""
    values: Format = Format.FLOAT16
    """Format of V in the second product."""
    value_scale: Scale = Scale.NONE
    """HEAD, CHANNEL, BLOCK or NONE."""
    value_block: int = 128
    half_weights: bool = False
    """Whether weights are FP16 on their way to INT8: two at a time fit a register then."""
    weight_scale: float = 1.0
    """What a weight of 1 becomes before it is rounded: 127 for INT8, up to 448 for E4M3."""
    denominator: Denominator = Denominator.EXACT
    half_sums: bool = False
    """Whether the second product adds up in FP16 within a tile, 16 keys at a time."""
    tile: int = 64
    """Keys that a kernel takes at a time, in ascending order."""


INT_FLASH_FULL = Options(
    weights=Format.INT8,
    values=Format.INT8,
    value_scale=Scale.HEAD,
    weight_scale=127.0,
    denominator=Denominator.ROUNDED,
)
"""INT-FlashAttention as its Algorithm 1 has it: Q and K a scale a token, V one a head, P·127."""

INT_FLASH_BLOCKS = replace(INT_FLASH_FULL, value_scale=Scale.BLOCK, half_weights=True)
"""The same as a fast kernel has it: a scale for 128 keys of V, so that V can be rounded before all
of it has been read, and weights that were FP16 before, which breaks a few ties the other way."""

INT_FLASH_HALF = Options()
"""INT-FlashAttention with P and V in FP16."""

SAGE_TOKEN = Options(smooth_keys=True, half_sums=True)
"""SageAttention's T: INT8 scores with a scale a token, K smoothed, P·V in FP16."""

SAGE_BLOCK = Options(
    query_scale=Scale.BLOCK, key_scale=Scale.BLOCK, smooth_keys=True, half_sums=True
)
"""SageAttention's B: a scale for 128 queries and for 64 keys. The paper's default."""

SAGE_FP16 = replace(SAGE_BLOCK, half_sums=False, mean_keys=256, key_block=128)
"""The same as a fast kernel has it: sums in FP32, which on an H100 cost no more, a mean of some
keys, so that K can be rounded before all of it has been read, and a scale for a whole tile of K."""

SAGE_FP8 = Options(
    query_scale=Scale.BLOCK,
    key_scale=Scale.BLOCK,
    key_block=128,
    smooth_keys=True,
    mean_keys=256,
    weights=Format.E4M3,
    values=Format.E4M3,
    value_scale=Scale.BLOCK,
    weight_scale=448.0,
)
"""INT8 scores and E4M3 for P·V: SageAttention2's second product, with a scale for 128 keys of V."""
