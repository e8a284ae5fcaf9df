"""Compiles the attention kernels for Hopper where there is no GPU: a module to run, without the
interpreter. What came out goes to stdout as JSON: instructions by name, the stack of a thread."""

from __future__ import annotations

import json
import re
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.experimental.gluon import language as gl
from triton.experimental.gluon._runtime import GluonASTSource

from prototypes.attention.eight_bit import gluon_attention, triton_quantize

HOPPER = GPUTarget("cuda", 90, 32)
KINDS = {
    "fp16": (gl.float16, "fp16"),
    "e4m3": (gl.float8e4nv, "fp8e4nv"),
    "int8": (gl.int8, "i8"),
}
NUMBERS = {"softmax_scale": "fp32", "shift": "fp32"}


def attention(weights: str, dim: int, causal: bool, query_block: int, key_block: int) -> Any:
    keys = 128
    key_tile = [keys, dim]
    value_tile = key_tile if weights == "fp16" else key_tile[::-1]
    constants = {
        "KEYS": keys,
        "DIM": dim,
        "STAGES": 3,
        "QUERY_BLOCK": query_block,
        "KEY_BLOCK": key_block,
        "VALUE_BLOCK": triton_quantize.KEYS,
        "POISONS": 256,
        "WEIGHTS": weights,
        "TWO_LEVELS": weights != "fp16",
        "CAUSAL": causal,
        "REGISTERS": 160,
        "TURNS": weights == "fp16",
        "STAYS": True,
    }
    pointers = {
        "query": "*fp16",
        "key_descriptor": described(key_tile, *KINDS["int8"]),
        "value_descriptor": described(value_tile, *KINDS[weights]),
        "key_scale": "*fp32",
        "value_scale": "*fp32",
        "poison": "*fp32",
        "output": "*fp16",
    }
    return compiled(
        GluonASTSource, gluon_attention.attention_kernel, pointers, constants, {"num_warps": 4}
    )


def described(tile: list[int], kind: Any, name: str) -> str:
    layout = gl.NVMMASharedLayout.get_default_for(tile, kind)
    return f"tensordesc<{name}[{tile[0]},{tile[1]}],{layout!r}>"


def rounding(values: int, key_block: int) -> Any:
    constants = {
        "KEYS": triton_quantize.KEYS,
        "DIM": 128,
        "SMOOTH": True,
        "KEY_BLOCK": key_block,
        "VALUES": values,
        "DEVICE": True,
    }
    pointers = {
        "key": "*fp16",
        "value": "*fp16",
        "key_mean": "*fp32",
        "key8": "*i8",
        "key_scale": "*fp32",
        "value8": "*fp8e4nv" if values == 448 else "*i8",
        "value_scale": "*fp32",
        "poison": "*fp32",
    }
    kernel = triton_quantize.round_kernel
    return compiled(ASTSource, kernel, pointers, constants, {"num_warps": 8})


def compiled(
    source: Any,
    kernel: Any,
    pointers: dict[str, str],
    constants: dict[str, Any],
    options: dict[str, int],
) -> dict[str, Any]:
    names = kernel.arg_names
    signature = {
        name: "constexpr" if name in constants else pointers.get(name, NUMBERS.get(name, "i32"))
        for name in names
    }
    attributes = {
        (place,): [["tt.divisibility", 16]]
        for place, name in enumerate(names)
        if signature[name].startswith("*")
    }
    fixed = {(names.index(name),): value for name, value in constants.items()}
    made = source(fn=kernel, signature=signature, constexprs=fixed, attrs=attributes)
    result = triton.compile(made, target=HOPPER, options=options)
    text = result.asm["ptx"]
    products = re.findall(r"wgmma\.mma_async\S*\.(\w+\.\w+\.\w+)\s", text)
    return {
        "products": sorted(set(products)),
        "shared": result.metadata.shared,
        "moved_across_lanes": text.count("shfl.sync.idx"),
    }


def main() -> None:
    made = {
        "int8": attention("int8", 128, False, 1, 1),
        "fp8, causal": attention("e4m3", 128, True, 128, 128),
        "fp16, dim 64": attention("fp16", 64, False, 128, 128),
        "rounding for int8": rounding(127, 1),
        "rounding for fp8": rounding(448, 64),
    }
    print(json.dumps(made))


if __name__ == "__main__":
    main()
