"""Sets up the Triton kernels for the cases of the harness."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from prototypes.eagle3.triton_build import TreeBuilder, compact
from prototypes.eagle3.triton_tree import TreeAttention, tuned
from prototypes.harness.declarations import Case
from prototypes.harness.workload import Kernel, Tensors


def _attend(case: Case, device: torch.device) -> Kernel:
    batch, heads, kv_heads, nodes, head_dim = (
        int(case.parameters[n]) for n in ("batch", "heads", "kv_heads", "nodes", "head_dim")
    )
    tiles = tuned(heads // kv_heads * nodes, head_dim, device)
    attend = TreeAttention(batch, heads, kv_heads, nodes, head_dim, device, tiles)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        attend.contiguous(
            inputs["q"],
            inputs["k"],
            inputs["v"],
            inputs["lengths"],
            inputs["masks"],
            outputs["out"],
        )

    return run


def _build(case: Case, device: torch.device) -> Kernel:
    batch, levels, width, nodes, vocabulary = (
        int(case.parameters[n]) for n in ("batch", "levels", "width", "nodes", "vocabulary")
    )
    builder = TreeBuilder(batch, levels, width, nodes - 1, vocabulary, device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        builder.build(inputs["logits"], inputs["ids"], inputs["root"], **outputs)

    return run


def _compact(case: Case, device: torch.device) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        compact(
            inputs["cache"],
            inputs["path"],
            inputs["counts"],
            inputs["lengths"],
            outputs["new_lengths"],
        )

    return run


BY_TASK: Mapping[str, Callable[[Case, torch.device], Kernel]] = {
    "attend": _attend,
    "build": _build,
    "compact": _compact,
}
