"""Compiles FlatQuant's kernels for Hopper, without one: prints what they became, JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.experimental.gluon import language as gl
from triton.experimental.gluon._runtime import GluonASTSource

from prototypes.flatquant import gluon_launch, gluon_linear, gluon_linear4, gluon_transform

HOPPER = GPUTarget("cuda", 90, 32)
BF16 = (gl.bfloat16, "bf16")
INT8 = (gl.int8, "i8")


def described(tile: list[int], kind: Any, name: str) -> str:
    layout = gl.NVMMASharedLayout.get_default_for(tile, kind)
    return f"tensordesc<{name}[{tile[0]},{tile[1]}],{layout!r}>"


def transform(n1: int, n2: int) -> dict[str, Any]:
    ring, pieces = gluon_launch.RINGS[n1, n2], gluon_launch.PIECES[n1]
    rows = 128 if n1 > 64 else 64
    kinds = {
        "right_from": described([n2, n2], *BF16),
        "output": "*i8",
        "scales": "*fp32",
        "tokens": "i32",
        "clip": "fp32",
    }
    for i, piece in enumerate(pieces):
        kinds[f"left{i}"] = described([rows, piece], *BF16)
        kinds[f"token{i}"] = described([piece, n2], *BF16)
    constants = {
        "N1": n1,
        "N2": n2,
        "ROWS": rows,
        "PARTS": len(pieces),
        "STAGES": ring.stages,
        "WORKERS": ring.workers,
        "WARPS": ring.warps,
        "LIMIT": 127.0,
        "CLAMP": True,
        "REGISTERS": ring.registers,
    }
    for i in range(len(pieces), 3):
        constants |= {f"left{i}": None, f"token{i}": None}
    return compiled(gluon_transform.transform_kernel, kinds, constants, ring.warps)


def linear() -> dict[str, Any]:
    tiles = gluon_launch.Tiles()
    kinds = {
        "tokens_from": described([64, tiles.block], *INT8),
        "weights_from": described([tiles.columns, tiles.block], *INT8),
        "out_to": described([64, tiles.columns], *BF16),
        "token_scales": "*fp32",
        "channel_scales": "*fp32",
    }
    constants = {
        "ROWS": 128,
        "COLUMNS": tiles.columns,
        "BLOCK": tiles.block,
        "STAGES": tiles.stages,
        "BAND": tiles.band,
        "REGISTERS": tiles.registers,
    }
    return compiled(gluon_linear.linear_kernel, kinds, constants, 4)


def linear4() -> dict[str, Any]:
    tiles = gluon_launch.Tiles4()
    kinds = {
        "weights_from": described([64, 16], gl.int32, "i32"),
        "tokens_from": described([tiles.tokens, 64], *INT8),
        "out_to": described([tiles.tokens, 64], *BF16),
        "token_scales": "*fp32",
        "channel_scales": "*fp32",
    }
    constants = {
        "TOKENS": tiles.tokens,
        "CHANNELS": 128,
        "STAGES": tiles.stages,
        "BAND": tiles.band,
        "REGISTERS": tiles.registers,
    }
    return compiled(gluon_linear4.linear4_kernel, kinds, constants, 4)


def compiled(
    kernel: Any, kinds: dict[str, str], constants: dict[str, Any], warps: int
) -> dict[str, Any]:
    names = kernel.arg_names
    signature = {
        name: "constexpr" if name in constants else kinds.get(name, "i32") for name in names
    }
    attributes = {
        (place,): [["tt.divisibility", 16]]
        for place, name in enumerate(names)
        if signature[name].startswith("*")
    }
    fixed = {(names.index(name),): value for name, value in constants.items()}
    source = GluonASTSource(fn=kernel, signature=signature, constexprs=fixed, attrs=attributes)
    made = triton.compile(source, target=HOPPER, options={"num_warps": warps})
    text = made.asm["ptx"]
    return {
        "products": sorted(
            set(re.findall(r"wgmma\.mma_async\S*\.(m\d+\w+\.\w+\.\w+)\.\w+ ", text))
        ),
        "narrow stores": len(re.findall(r"st\.global(?:\.v2)?\.b(?:8|16)\b", text)),
        "shared": made.metadata.shared,
    }


def main() -> None:
    made = {f"{n1}x{n2}": transform(n1, n2) for n1, n2 in ((64, 64), (112, 128))}
    print(json.dumps(made | {"8 bits": linear(), "4 bits": linear4()}))


if __name__ == "__main__":
    main()
