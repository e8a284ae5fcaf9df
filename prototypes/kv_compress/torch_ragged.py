"""The technique in torch, for CPUs: a loop over heads of unequal length, eviction by digits."""

from __future__ import annotations

import math

import torch

from prototypes.decode.pages import PAGE
from prototypes.harness.workload import Kernel, Tensors
from prototypes.kv_compress.eviction import by_digits
from prototypes.kv_compress.inputs import Plan


def decode(plan: Plan) -> Kernel:
    """Return a decode step over pages; a head whose pages are in a run is read in place.

    No padding: a batch padded to its longest head would read what was evicted from the others.
    """
    shape = plan.shape
    scale = 1 / math.sqrt(shape.head_dim)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        table = inputs["table"].view(shape.rows, -1)
        # A table of one column has no neighbours to differ from.
        steps = (table[:, 1:] - table[:, :-1] == 1).cumprod(dim=1).sum(dim=1).tolist()
        firsts = table[:, 0].tolist()
        lengths = inputs["lengths"].flatten().tolist()
        keys, values = inputs["keys"].flatten(0, 1), inputs["values"].flatten(0, 1)
        asked = inputs["q"].view(shape.rows, shape.queries, shape.head_dim) * scale
        answers = outputs["out"].view(shape.rows, shape.queries, shape.head_dim)
        for row, length in enumerate(lengths):
            if length == 0:
                answers[row].zero_()
                continue
            pages = -(-length // PAGE)
            if pages <= steps[row] + 1:
                start = firsts[row] * PAGE
                own_keys, own_values = keys[start : start + length], values[start : start + length]
            else:
                mine = table[row, :pages]
                own_keys = inputs["keys"].index_select(0, mine).flatten(0, 1)[:length]
                own_values = inputs["values"].index_select(0, mine).flatten(0, 1)[:length]
            weights = torch.mm(asked[row], own_keys.T).softmax(dim=-1)
            torch.mm(weights, own_values, out=answers[row])

    return run


def evict(plan: Plan) -> Kernel:
    """Return the eviction by digits."""

    def run(inputs: Tensors, outputs: Tensors) -> None:
        kept = by_digits(inputs["metric"], plan.evicted)
        outputs["counts"].copy_(kept.counts)
        outputs["stays"].copy_(kept.stays)

    return run
