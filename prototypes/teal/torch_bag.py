"""The technique in torch, for CPUs: a weighted sum of the active inputs' rows of weights.

`embedding_bag` reads the rows that it is told, and no others: one bag whose weights are the inputs.
4-bit rows go through torch's quantized bag, in panels of a group's outputs, one scale each.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from prototypes.harness.workload import Kernel, Tensors
from prototypes.teal.rows4 import Rows4


def active(x: torch.Tensor, thresholds: torch.Tensor) -> torch.Tensor:
    """Return the inputs that stay, by index; one that isn't a number stays."""
    return (~(x.abs() <= thresholds)).nonzero()[:, 0]


def build() -> Kernel:
    """Return the product with 16-bit weights (inputs, outputs)."""
    start = torch.zeros(1, dtype=torch.long)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["x"]
        index = active(x, inputs["thresholds"])
        if not len(index):
            outputs["out"].zero_()
            return
        bag = functional.embedding_bag(
            index, inputs["weights"], start, mode="sum", per_sample_weights=x[index]
        )
        outputs["out"].copy_(bag[0])

    return run


def panels(rows: Rows4) -> torch.Tensor:
    """Return rows (inputs * outputs / group, group / 2 + 4) uint8 for torch's 4-bit bag.

    A row has the codes of one group, its scale and its offset -8 scale, both float16.
    """
    codes = rows.codes.view(torch.uint8).view(-1, rows.group // 2)
    scales = rows.scales.reshape(-1, 1)
    ends = torch.cat([scales, scales * -8], dim=1).view(torch.uint8)
    return torch.cat([codes, ends], dim=1)


def build_int4(outputs: int, group: int) -> Kernel:
    """Return the product with 4-bit weights, from the input `panels`."""
    many = outputs // group
    panel = torch.arange(many)
    bag: Any = torch.ops.quantized.embedding_bag_4bit_rowwise_offsets

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["x"]
        index = active(x, inputs["thresholds"])
        if not len(index):
            outputs["out"].zero_()
            return
        # Each panel of outputs is a bag of its own over the same inputs.
        places = (panel[:, None] + index * many).view(-1)
        offsets = panel * len(index)
        weights = x[index].float().repeat(many)
        out = bag(inputs["panels"], places, offsets, per_sample_weights=weights)
        outputs["out"].copy_(out.view(-1))

    return run
