"""Rounds rows under Triton's interpreter: a module to run, since Triton reads `TRITON_INTERPRET`
when it is imported. Codes and scales that differ from torch's go to stdout by case, as JSON."""

from __future__ import annotations

import json

import torch

from prototypes.qspec import activations
from prototypes.qspec.triton_round import round_rows


def differing(x: torch.Tensor) -> int:
    codes = torch.full(x.shape, 99, dtype=torch.int8)
    scales = torch.full((len(x),), -1.0)
    round_rows(x, codes, scales)
    wanted, wanted_scales = activations.round_rows(x)
    wrong = int((codes != activations.ordered(wanted)).sum())
    return wrong + int((scales != wanted_scales).sum())


def main() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((3, 208), generator=generator).half()
    found = {
        "three rows of 208": differing(x),
        "no rows": differing(x[:0]),
        "zeros": differing(x * 0),
        "one element outweighs its row": differing(torch.cat([x[:, :-1], x[:, :1] * 0 + 6e4], 1)),
        "subnormals": differing(x * 2.0**-22),
        "all alike": differing(torch.full_like(x, -3.0)),
    }
    # Halves between two codes: to the even one.
    found["ties"] = differing((torch.arange(16) - 8.0)[None].clamp(-7, 7).mul(0.5).half())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
