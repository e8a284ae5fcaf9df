"""What it is compared with: decode over the full cache, and eviction by sorting."""

from __future__ import annotations

from collections.abc import Callable

import torch

from prototypes.decode import baselines as full
from prototypes.decode.pages import PAGE
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.kv_compress.eviction import by_sort
from prototypes.kv_compress.inputs import Plan


def build(name: str, plan: Plan, device: torch.device) -> Kernel:
    """Return the baseline called `name`; raises `NotRunnableError` where it can't run."""
    return BUILDERS[name](plan, device)


def _paged_full(plan: Plan, device: torch.device) -> Kernel:
    """Every token kept, in pages, all heads equally long: our own kernel at rate 1."""
    if device.type != "cuda":
        raise NotRunnableError("paged_full is a Triton kernel: it runs on a GPU.")
    try:
        from prototypes.decode.triton_split_kv import Attend
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    shape = plan.shape
    if shape.seq % PAGE:
        raise NotRunnableError(f"paged_full wants whole pages: a multiple of {PAGE} tokens.")
    rows, d, pages = shape.rows, shape.head_dim, shape.seq // PAGE
    attend = Attend(rows, shape.queries, d, device)
    table = torch.arange(rows * pages, dtype=torch.int32, device=device).view(rows, pages)
    lengths = torch.full((rows,), shape.seq, dtype=torch.int32, device=device)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        attend.paged(
            inputs["q"].view(rows, shape.queries, d),
            inputs["k"].view(rows * pages, PAGE, d),
            inputs["v"].view(rows * pages, PAGE, d),
            table,
            lengths,
            outputs["out"],
        )

    return run


def _sort(plan: Plan, device: torch.device) -> Kernel:
    def run(inputs: Tensors, outputs: Tensors) -> None:
        kept = by_sort(inputs["metric"], plan.evicted)
        outputs["counts"].copy_(kept.counts)
        outputs["stays"].copy_(kept.stays)

    # What it makes is the result: the copies are for the checks.
    run.uncopied = lambda inputs: by_sort(inputs["metric"], plan.evicted)  # type: ignore[attr-defined]
    return run


BUILDERS: dict[str, Callable[[Plan, torch.device], Kernel]] = {
    "split_kv_fp16": lambda plan, device: full.split_kv_fp16(plan.shape, device),
    "paged_full": _paged_full,
    "bmm": lambda plan, device: full.bmm(plan.shape),
    "sdpa": lambda plan, device: full.sdpa(plan.shape),
    "torch_sort": _sort,
}
