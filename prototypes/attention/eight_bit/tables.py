"""Error tables as figures: what the papers print, over whole outputs, on seeded inputs.

`own` figures are of the implementation that is run, on its case's whole shape. The others compare
variants by their emulation, on the case's length with fewer heads (and on a CPU fewer queries).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from prototypes.attention import inputs, oracle
from prototypes.attention.eight_bit import emulation
from prototypes.attention.eight_bit.options import Options
from prototypes.attention.errors import Errors, measure
from prototypes.harness.figures import Figure
from prototypes.harness.workload import Tensors

HEADS = 4
CPU_SCORES = 1 << 22
"""Scores of one variant on a CPU: less than a tenth of a second, some 1000 queries of 1024 keys."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs of one kind with their exact output, made once for all variants."""

    given: Tensors
    exact: torch.Tensor
    causal: bool
    softmax_scale: float | None
    rows: torch.Tensor | None

    def errors(self, options: Options) -> Errors:
        """Return the errors of a variant, emulated."""
        answer = emulation.attention(
            *inputs.parts(self.given),
            options=options,
            causal=self.causal,
            softmax_scale=self.softmax_scale,
            rows=self.rows,
        )
        return measure(answer, self.exact)


def sample(
    family: str,
    seq: int,
    dim: int,
    device: torch.device,
    seed: int,
    *,
    causal: bool = False,
    softmax_scale: float | None = None,
) -> Sample:
    """Return inputs of a family for comparing variants, (1, 4, seq, dim), with the exact output.

    On a CPU only random queries are answered where there are too many scores.
    """
    parameters: dict[str, int | str] = {"batch": 1, "heads": HEADS, "seq": seq, "head_dim": dim}
    given = inputs.make({**parameters, "family": family}, device, seed)
    rows = None
    if device.type == "cpu" and HEADS * seq * seq > CPU_SCORES:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(seq, generator=generator)
        rows = order[: max(1, CPU_SCORES // (HEADS * seq))].sort().values
    exact = oracle.attention(
        *inputs.parts(given), causal=causal, softmax_scale=softmax_scale, rows=rows
    )
    return Sample(given, exact, causal, softmax_scale, rows)


def percent(name: str, share: float, paper: float | None = None, note: str = "") -> Figure:
    """Return a share as a figure in percent."""
    return Figure(name, 100 * share, "%", paper, note)


def three(
    variant: str, found: Errors, printed: tuple[float, float, float | None] | None, where: str
) -> Iterator[Figure]:
    """Yield cosine, relative L1 error and RMSE of a variant beside a table's printed row (cosine in
    percent, L1, RMSE)."""
    cosine, l1, rmse = printed or (None, None, None)
    yield percent(f"{variant}: cosine", found.cosine, cosine, where)
    yield Figure(f"{variant}: relative L1 error", found.l1, "", l1, where)
    yield Figure(f"{variant}: RMSE", found.rmse, "", rmse, where)


def by_family(errors_of: Callable[[str], Errors], families: tuple[str, ...]) -> Iterator[Figure]:
    """Yield the errors of the implementation that is run, for kinds of inputs."""
    for family in families:
        found = errors_of(family)
        yield percent(f"{family} inputs: relative L1 error", found.l1)
        yield percent(f"{family} inputs: cosine, worst head", found.worst_head_cosine)
        yield Figure(
            f"{family} inputs: worst element",
            found.worst_element,
            note="in units of the root mean square of its row",
        )
