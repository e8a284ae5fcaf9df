"""The technique on a GPU: the shared decode kernel over ragged pages, eviction without a sort."""

from __future__ import annotations

import torch

from prototypes.decode.triton_split_kv import Attend
from prototypes.harness.workload import Kernel, Tensors
from prototypes.kv_compress.inputs import Plan
from prototypes.kv_compress.triton_evict import Evict


def decode(plan: Plan, device: torch.device) -> Kernel:
    """Return a decode step: one launch, the lengths and the table read on the device."""
    shape = plan.shape
    rows, d = shape.rows, shape.head_dim
    attend = Attend(rows, shape.queries, d, device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        attend.paged(
            inputs["q"].view(rows, shape.queries, d),
            inputs["keys"],
            inputs["values"],
            inputs["table"].view(rows, -1),
            inputs["lengths"].view(rows),
            outputs["out"],
        )

    return run


def evict(plan: Plan, device: torch.device) -> Kernel:
    """Return the eviction of a metric: which entries stay, and how many of each head."""
    choose = Evict(*plan.metric_shape, plan.evicted, device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        choose(inputs["metric"], outputs["counts"], outputs["stays"])

    return run
