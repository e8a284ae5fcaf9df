"""What the gates of 8-bit attention hold outputs to, on which rows, and on which odd shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from prototypes.attention import inputs, oracle
from prototypes.attention.baselines import is_causal
from prototypes.attention.eight_bit.options import Format, Options
from prototypes.attention.errors import Errors, measure
from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.workload import Tensors

LEAST_COSINE = 0.998
"""Of the whole output: what SageAttention asks of its INT8 variant before a layer may use it."""
LARGEST_ERROR = 1.0
"""No element may be off by as much as the root mean square of its row, where weights are floating
point: their errors are a share of each weight. Whole 127ths can't promise that: a key that stands
out by 5.5 in its score makes zeros of all others, and there may be thousands."""
ONE_HEAD = 2.0
"""A head of its own may have so many times the relative L1 error of the bar, in each single call:
heads of 1024 tokens differ by a tenth."""
FIDELITY = 1e-3
"""Relative L1 against the emulation. FP16 outputs alone give 2e-4. In a few rows in a hundred a
query has an element of half its largest, a tie that other arithmetic breaks the other way: that
moves the row's weights by 0.4 % and, where those are rounded, the row by 1.5 %, 3e-4 over all. Not
L2: in a short case one weight that falls on the other side of an edge of FP8 is a twentieth of its
row, and 2e-3 of all by L2."""
FIDELITY_ELEMENT = 0.1
"""Of one element, in its row's root mean squares: one INT8 weight the other way beside a dominant
one is 1/127 of a value of five standard deviations, 0.04; two may meet."""
FIDELITY_ELEMENT_FP8 = 0.5
"""The same for weights in E4M3, whose values are up to an eighth apart: a weight of one half, and a
value of five standard deviations from what it is mixed with."""

VERIFIED_SCORES = {"cpu": 1 << 27, "cuda": 1 << 33}
"""A check looks at all outputs of a case with no more scores than this, else at random rows."""
EMULATED_SCORES = {"cpu": 1 << 21, "cuda": 1 << 32}
"""The same for the emulation: on a CPU its float64 form, which holds all scores at once."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One implementation: its options, and the relative L1 error that it may have."""

    options: Options
    l1_bar: float
    families: tuple[str, ...] = ("normal",)
    """Inputs of the quality gate, where a case doesn't name its own."""

    @property
    def fidelity_element(self) -> float:
        """What the code's worst element against the emulation is held to."""
        is_fp8 = self.options.weights is Format.E4M3
        return FIDELITY_ELEMENT_FP8 if is_fp8 else FIDELITY_ELEMENT

    @property
    def element_bar(self) -> float | None:
        """What a single element is held to; None where weights are whole numbers."""
        return None if self.options.weights is Format.INT8 else LARGEST_ERROR


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a case."""

    batch: int
    heads: int
    kv_heads: int
    queries: int
    seq: int
    dim: int


def shape_of(case: Case) -> Shape:
    """Return the sizes of a case."""
    p = case.parameters
    heads, seq = int(p["heads"]), int(p["seq"])
    return Shape(
        int(p["batch"]),
        heads,
        int(p.get("kv_heads", heads)),
        int(p.get("queries", seq)),
        seq,
        int(p["head_dim"]),
    )


def scores(case: Case) -> int:
    """Return how many query-key pairs a case has; causal ones that aren't masked."""
    shape = shape_of(case)
    pairs = shape.queries * shape.seq
    if is_causal(case):
        # With fewer keys than queries the first queries see none; the last one sees all.
        seeing = min(shape.queries, shape.seq)
        pairs = seeing * (2 * shape.seq - seeing + 1) // 2
    return shape.batch * shape.heads * pairs


def some_rows(case: Case, device: torch.device, budget: Mapping[str, int]) -> torch.Tensor | None:
    """Return random query rows that keep the scores within a budget; None if all rows do."""
    shape, most = shape_of(case), budget[device.type]
    if scores(case) <= most:
        return None
    count = max(1, shape.queries * most // scores(case))
    order = torch.randperm(shape.queries, device=device)
    return order[:count].sort().values


def against_exact(case: Case, given: Tensors, out: torch.Tensor) -> Errors:
    """Return the errors of an output, whole or on random rows, against the exact one."""
    rows = some_rows(case, out.device, VERIFIED_SCORES)
    exact = oracle.attention(*inputs.parts(given), causal=is_causal(case), rows=rows)
    return measure(out if rows is None else out[:, :, rows], exact)


def held(family: str, found: Errors, configuration: Configuration) -> Iterator[Check]:
    """Yield the checks of the quality gate."""
    yield Check.at_most(f"relative L1 error, {family} inputs", found.l1, configuration.l1_bar)
    yield Check.at_least(f"cosine, {family} inputs", found.cosine, LEAST_COSINE)
    if configuration.element_bar is not None:
        yield Check.at_most(
            f"worst element, {family} inputs", found.worst_element, configuration.element_bar
        )


def _edge(name: str, seq: int, dim: int = 64, **more: int | str) -> Case:
    parameters = {"batch": 1, "heads": 2, "seq": seq, "head_dim": dim, **more}
    return Case(name, parameters, seed=0)


EDGES = (
    _edge("grouped", 193, heads=4, kv_heads=2, causal=1, queries=170),
    _edge("ragged", 77, dim=128, family="kbias"),
    _edge("one-key", 1),
    _edge("fewer-queries", 200, queries=65, causal=1),
    _edge("fewer-keys", 40, queries=100, causal=1),
    _edge("one-past-a-tile", 257, batch=2, family="uniform"),
)
"""Shapes that kernels get wrong: tails, groups, one key, queries that see none."""


def edges_for(case: Case, device: torch.device, quick: bool) -> tuple[Case, ...]:
    """Return the odd shapes that the gate of a case takes.

    On a GPU with the case's own head dimension and mask, so that it is the case's binary that is
    tried, and none is compiled for this alone: queries that see no key have a kernel of their own.
    """
    edges: tuple[Case, ...] = EDGES
    if device.type == "cuda":
        own = {name: case.parameters[name] for name in ("head_dim", "causal")}
        alike = (replace(edge, parameters={**edge.parameters, **own}) for edge in EDGES)
        edges = tuple(e for e in alike if not own["causal"] or _all_see_a_key(e))
    return edges[:2] if quick else edges


def _all_see_a_key(case: Case) -> bool:
    shape = shape_of(case)
    return shape.queries <= shape.seq
