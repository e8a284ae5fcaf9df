"""Compiles the fast kernel for Hopper, without one: prints its registers and its stack, JSON."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.experimental.gluon._runtime import GluonASTSource

from prototypes.coupled_quant.gluon_attend import attend

HALF, BYTES, FLOATS = "*fp16", "*u8", "*fp32"
TYPES = [HALF] * 3 + [BYTES] * 2 + [HALF] * 2 + [FLOATS] * 3 + ["*i32", HALF, "i32", "i32", "fp32"]


def main() -> None:
    request = json.load(sys.stdin)
    constants = {"KV_HEADS": 8, "ROWS": request["rows"], "NW": request["warps"]}
    names = [n for n in attend.arg_names if n not in constants]
    signature = dict(zip(names, TYPES, strict=True)) | dict.fromkeys(constants, "constexpr")
    source: Any = GluonASTSource(attend, signature, constants)
    compiled = triton.compile(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": request["warps"]}
    )
    text = compiled.asm["ptx"]
    json.dump(
        {
            "shared": compiled.metadata.shared,
            "gathers": len(re.findall(r"ldmatrix\.sync", text)),
            "products": len(re.findall(r"mma\.sync", text)),
            "bytes": len(compiled.asm["cubin"]),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
