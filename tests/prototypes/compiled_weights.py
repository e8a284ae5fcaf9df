"""Compiles the 4-bit kernels for Hopper where there is no GPU: a module to run, without the
interpreter. What came out goes to stdout as JSON: instructions by name, the stack of a thread."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.experimental.gluon import language as gl
from triton.experimental.gluon._runtime import GluonASTSource

from prototypes.weights import gluon_large, gluon_launch, gluon_small, gluon_stream

HOPPER = GPUTarget("cuda", 90, 32)
POINTERS = {"x": "*fp16", "out": "*fp16", "packed": "*i32", "scales": "*i32", "tickets": "*i32"}


def small(split: gluon_launch.Split) -> dict[str, Any]:
    constants = {
        "TOKENS": split.tokens,
        "BLOCKS": split.blocks,
        "WAYS": split.ways,
        "STAGES": split.stages,
        "NW": split.warps,
        "FOLD": split.fold,
    }
    options = {"num_warps": split.warps}
    if split.programs > 1:
        options["maxnreg"] = 65536 // (32 * split.warps * split.programs)
    return compiled(gluon_small.small, {}, constants, options)


def large(kernel: Any, tile: gluon_launch.Tile) -> dict[str, Any]:
    layout = gl.NVMMASharedLayout.get_default_for([tile.tokens, 64], gl.float16)
    box = f"tensordesc<fp16[{tile.tokens},64],{layout!r}>"
    constants = {
        "TOKENS": tile.tokens,
        "STAGES": tile.stages,
        "AHEAD": tile.ahead,
        "REGISTERS": tile.registers,
    }
    boxes = {"x_descriptor": box, "out_descriptor": box}
    return compiled(kernel, boxes, constants, {"num_warps": 4})


def compiled(
    kernel: Any, types: dict[str, str], constants: dict[str, Any], options: dict[str, int]
) -> dict[str, Any]:
    names = kernel.arg_names
    known = {**POINTERS, "partial": "*fp32", **types}
    signature = {n: "constexpr" if n in constants else known.get(n, "i32") for n in names}
    attributes = {
        (place,): [["tt.divisibility", 16]]
        for place, name in enumerate(names)
        if signature[name].startswith("*")
    }
    fixed = {(names.index(name),): value for name, value in constants.items()}
    source: Any = GluonASTSource
    made = source(fn=kernel, signature=signature, constexprs=fixed, attrs=attributes)
    result: Any = triton.compile(made, target=HOPPER, options=options)
    text = result.asm["ptx"]
    return {
        "shared": result.metadata.shared,
        "stack": stack(result.asm["cubin"]),
        "products": sorted(set(re.findall(r"(w?g?mma\.(?:mma_async|sync)\S*?m\d+n\d+k16)", text))),
        "left operand in registers": bool(
            re.findall(r"wgmma\.mma_async\S+\s*\{[^}]*\},\s*\{[^}]*\},\s*%", text)
        ),
    }


def stack(binary: bytes) -> int:
    """Return the bytes of stack of a thread: 0 where all fits into registers."""
    tools = Path(triton.__file__).parent / "backends/nvidia/bin"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        done = subprocess.run(
            [tools / "cuobjdump", "-res-usage", file.name],
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.findall(r"STACK:(\d+)", done.stdout + done.stderr)
    return max(int(size) for size in found)


def main() -> None:
    made = {f"to {split.tokens} rows": small(split) for split in gluon_launch.BEST[:2]}
    made["many rows"] = large(gluon_large.large, gluon_launch.TILES[-1])
    made["many rows, cut up"] = large(gluon_stream.large, gluon_launch.TILES[-1])
    print(json.dumps(made))


if __name__ == "__main__":
    main()
