"""Decode steps of the portable kernels under the interpreter: a module to run, since Triton reads
`TRITON_INTERPRET` when it is imported. Prints the errors of each task against the emulation, JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch

from prototypes.coupled_quant import emulation
from prototypes.coupled_quant.options import Config
from prototypes.coupled_quant.triton_decode import Portable
from prototypes.decode.inputs import Shape
from tests.prototypes.coupled_quant_inputs import made


def main() -> None:
    json.dump({name: outcome(**task) for name, task in json.load(sys.stdin).items()}, sys.stdout)


def outcome(config: str, tokens: int, queries: int = 4, factor: float = 1.0) -> dict[str, Any]:
    """Do one step; return what differs from the emulation."""
    shape = Shape(2, 2 * queries, 2, tokens, 32)
    chosen = Config.of(config)
    inputs = made(shape, chosen, seed=tokens, factor=factor)
    exact = emulation.attention(shape, chosen, inputs)
    newest = {kind: emulation.newest(inputs, kind) for kind in ("key", "value")}
    before = inputs["key_codes"][:, :, :-1].clone()
    out = torch.full((2, 2 * queries, 32), torch.nan, dtype=torch.float16)
    Portable(shape, chosen, torch.device("cpu"), block=16, programs=8)(inputs, out)
    return {
        "error": float((out.float() - exact).norm() / exact.norm()),
        "worst": float((out.float() - exact).abs().max() / exact.square().mean().sqrt()),
        "wrong codes": sum(
            int((inputs[f"{kind}_codes"][:, :, -1:] != newest[kind]).sum()) for kind in newest
        ),
        "codes touched": int((inputs["key_codes"][:, :, :-1] != before).sum()),
    }


if __name__ == "__main__":
    main()
