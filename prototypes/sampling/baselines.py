"""What a user of torch has today; each returns a kernel that draws one token a row.

`torch_sort` follows the steps of vLLM's PyTorch sampler; none of the code is theirs. Parameters are
uniform over the batch here, as in the cases: that favours the baselines.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.sampling import bucket_sort

PARTIAL = 256
"""How many llama.cpp's top-p sorts first (src/llama-sampling.cpp, read 2026)."""


def build(name: str, case: Case) -> Kernel:
    """Return the baseline called `name`; raises `NotRunnableError` where its library is missing."""
    return BUILDERS[name](case)


def _sort(case: Case) -> Kernel:
    top_p, min_p, top_k = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["logits"] / inputs["temperature"][:, None]
        values, order = x.sort(dim=-1, descending=False)
        if top_k:
            least = values[:, -top_k, None]
            values.masked_fill_(values < least, -math.inf)
        if top_p < 1:
            cumulative = values.softmax(dim=-1).cumsum(dim=-1)
            drop = cumulative <= 1 - top_p
            drop[:, -1] = False
            values.masked_fill_(drop, -math.inf)
        if min_p > 0:
            values.masked_fill_(values < values[:, -1:] + math.log(min_p), -math.inf)
        probabilities = x.scatter_(-1, order, values).softmax(dim=-1)
        race = torch.empty_like(probabilities).exponential_()
        outputs["tokens"].copy_(probabilities.div_(race).argmax(dim=-1))

    return run


def _sort_lean(case: Case) -> Kernel:
    top_p, min_p, top_k = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["logits"] / inputs["temperature"][:, None]
        values, order = x.sort(dim=-1, descending=True)
        if top_k:
            values, order = values[:, :top_k], order[:, :top_k]
        _draw_sorted(values, order, top_p, min_p, outputs["tokens"])

    return run


def _topk_first(case: Case) -> Kernel:
    top_p, min_p, top_k = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        values, order = inputs["logits"].topk(top_k, dim=-1)
        values = values / inputs["temperature"][:, None]
        _draw_sorted(values, order, top_p, min_p, outputs["tokens"])

    return run


def _partial_sort(case: Case) -> Kernel:
    top_p, min_p, _ = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["logits"] / inputs["temperature"][:, None]
        total = x.logsumexp(dim=-1, keepdim=True)
        values, order = x.topk(min(PARTIAL, x.shape[-1]), dim=-1)
        if not bool(((values - total).exp().sum(dim=-1) >= top_p).all()):
            values, order = x.sort(dim=-1, descending=True)
        _draw_sorted(values, order, top_p, min_p, outputs["tokens"], total)

    return run


def _bucket_sort(case: Case) -> Kernel:
    top_p, min_p, top_k = _parameters(case)
    if top_k:
        return bucket_sort.top_k(top_k, top_p, min_p)
    return bucket_sort.top_p_alone(top_p, min_p)


def _mask(case: Case) -> Kernel:
    _, min_p, _ = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        x = inputs["logits"] / inputs["temperature"][:, None]
        highest = x.amax(dim=-1, keepdim=True)
        weights = (x - highest).exp_()
        weights.masked_fill_(weights < min_p, 0)
        cumulative = weights.cumsum(dim=-1)
        draw = torch.rand(x.shape[0], 1, device=x.device) * cumulative[:, -1:]
        outputs["tokens"].copy_(torch.searchsorted(cumulative, draw, right=True)[:, 0])

    return run


def _draw_sorted(
    values: torch.Tensor,
    order: torch.Tensor,
    top_p: float,
    min_p: float,
    tokens: torch.Tensor,
    total: torch.Tensor | None = None,
) -> None:
    """Filter logits in descending order (batch, n) and draw from their cumulative sum.

    `total` is the log of the whole weight where `values` is only its head.
    """
    weights = (values - values[:, :1]).exp()
    cumulative = weights.cumsum(dim=-1)
    whole = cumulative[:, -1:] if total is None else (total - values[:, :1]).exp()
    keep = cumulative - weights < top_p * whole if top_p < 1 else torch.ones_like(weights).bool()
    if min_p > 0:
        keep &= weights >= min_p
    last = keep.sum(dim=-1, keepdim=True) - 1
    draw = torch.rand(values.shape[0], 1, device=values.device) * cumulative.gather(-1, last)
    chosen = torch.searchsorted(cumulative, draw, right=True).minimum(last)
    tokens.copy_(order.gather(-1, chosen)[:, 0])


def _flashinfer(case: Case) -> Kernel:
    sampling = _load_flashinfer()
    top_p, min_p, top_k = _parameters(case)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        logits = inputs["logits"]
        if top_k:
            drawn = sampling.top_k_top_p_sampling_from_logits(
                logits, top_k, top_p, filter_apply_order="top_k_first"
            )
        elif min_p > 0:
            drawn = sampling.min_p_sampling_from_probs(logits.softmax(dim=-1), min_p)
        else:
            drawn = sampling.top_p_sampling_from_probs(logits.softmax(dim=-1), top_p)
        outputs["tokens"].copy_(drawn)

    return run


def _load_flashinfer() -> Any:
    """Import it, from the folder that ASSAY_BASELINES names if it isn't installed."""
    folder = os.environ.get("ASSAY_BASELINES")
    if folder and Path(folder).is_dir() and folder not in sys.path:
        sys.path.append(folder)
    try:
        import flashinfer.sampling  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise NotRunnableError(
            "FlashInfer isn't installed; ASSAY_BASELINES may name a folder that holds it."
        ) from None
    return flashinfer.sampling


def _parameters(case: Case) -> tuple[float, float, int]:
    """Return top-p, min-p and top-k (0 if off)."""
    values = case.parameters
    top_k = min(int(values["top_k"]), int(values["vocab"]))
    return float(values["top_p"]), float(values["min_p"]), top_k


BUILDERS: dict[str, Callable[[Case], Kernel]] = {
    "torch_sort": _sort,
    "torch_sort_lean": _sort_lean,
    "torch_topk_first": _topk_first,
    "torch_partial_sort": _partial_sort,
    "bucket_sort": _bucket_sort,
    "bucket_sort_of_k": _bucket_sort,
    "torch_mask": _mask,
    "flashinfer": _flashinfer,
}
