"""What a user of torch has for attention today, each backend forced, and the authors' own package.

All read `query` (batch, heads, seq, dim), `key` and `value` (batch, kv heads, seq, dim) in FP16
and give `out`, of the shape of `query`. They make their own output, so they are timed without the
copy into ours (`uncopied`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors

Answer = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class OwnOutput:
    """A kernel out of a function that returns its output."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        """Fill `out`."""
        outputs["out"].copy_(self.uncopied(inputs))

    def uncopied(self, inputs: Tensors) -> torch.Tensor:
        """Return the output where the library put it."""
        return self._answer(inputs["query"], inputs["key"], inputs["value"])


def build(name: str, case: Case, device: torch.device) -> Kernel:
    """Return the baseline called `name`; raises `NotRunnableError` where it can't run."""
    return OwnOutput(BUILDERS[name](case, device))


def _sdpa(case: Case, device: torch.device) -> Answer:
    causal, grouped = is_causal(case), _is_grouped(case)

    def run(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=causal, enable_gqa=grouped
        )

    return run


def _forced(backend: str) -> Callable[[Case, torch.device], Answer]:
    def set_up(case: Case, device: torch.device) -> Answer:
        from torch.nn.attention import SDPBackend, sdpa_kernel

        if device.type != "cuda":
            raise NotRunnableError(f"torch has {backend} attention only on a GPU.")
        plain = _sdpa(case, device)

        def run(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            with sdpa_kernel(getattr(SDPBackend, backend)):
                return plain(q, k, v)

        if _refuses(run, case, device):
            if not _is_grouped(case):
                raise NotRunnableError(f"torch's {backend} attention doesn't take this case.")
            return _with_own_heads(run, case)
        return run

    return set_up


def _refuses(run: Answer, case: Case, device: torch.device) -> bool:
    """Whether a backend doesn't take the case's kind: tried on a short one."""
    dim, heads = int(case.parameters["head_dim"]), int(case.parameters["heads"])
    kv_heads = int(case.parameters.get("kv_heads", heads))
    q = torch.ones((1, heads, 256, dim), dtype=torch.float16, device=device)
    k = torch.ones((1, kv_heads, 256, dim), dtype=torch.float16, device=device)
    try:
        run(q, k, k)
    except RuntimeError:
        return True
    return False


def _with_own_heads(run: Answer, case: Case) -> Answer:
    """Give each query head its own copy of K and V, where a backend doesn't group."""
    group = int(case.parameters["heads"]) // int(case.parameters["kv_heads"])

    def repeated(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return run(q, k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1))

    return repeated


def _sageattention(case: Case, device: torch.device) -> Answer:
    package, causal = _load_sageattention(), is_causal(case)

    def run(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        # Its own smoothing takes the mean off the caller's K in place; this costs the same.
        k = k - k.mean(dim=2, keepdim=True)
        answer: torch.Tensor = package.sageattn(q, k, v, is_causal=causal, smooth_k=False)
        return answer

    return run


def _load_sageattention() -> Any:
    """Import it, from the folder that ASSAY_BASELINES names if it isn't installed."""
    folder = os.environ.get("ASSAY_BASELINES")
    if folder and Path(folder).is_dir() and folder not in sys.path:
        sys.path.append(folder)
    try:
        import sageattention  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise NotRunnableError(
            "sageattention isn't installed; ASSAY_BASELINES may name a folder that holds it "
            "(version 1.0.6 is the last in Triton)."
        ) from None
    return sageattention


def is_causal(case: Case) -> bool:
    """Whether a case's queries see only keys up to their own position."""
    return bool(int(case.parameters.get("causal", 0)))


def _is_grouped(case: Case) -> bool:
    heads = case.parameters["heads"]
    return case.parameters.get("kv_heads", heads) != heads


BUILDERS: dict[str, Callable[[Case, torch.device], Answer]] = {
    "sdpa": _sdpa,
    "sdpa_cudnn": _forced("CUDNN_ATTENTION"),
    "sdpa_flash": _forced("FLASH_ATTENTION"),
    "sageattention": _sageattention,
}
