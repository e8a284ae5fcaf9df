"""What INT-FlashAttention and SageAttention have in common for the harness: gates, kernels, work.

Inputs: `query` (batch, heads, queries, dim), `key` and `value` (batch, kv heads, seq, dim), FP16.
Output: `out` (batch, heads, queries, dim), FP16.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from prototypes.attention import baselines, inputs, oracle
from prototypes.attention.baselines import is_causal
from prototypes.attention.eight_bit import emulation, reference
from prototypes.attention.eight_bit.options import Format, Options
from prototypes.attention.errors import Errors, measure
from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

LEAST_COSINE = 0.998
"""Of the whole output: what SageAttention asks of its INT8 variant before a layer may use it."""
LARGEST_ERROR = 1.0
"""No element may be off by as much as the root mean square of its row, where weights are floating
point: their errors are a share of each weight. Whole 127ths can't promise that: a key that stands
out by 5.5 in its score makes zeros of all others, and there may be thousands."""
ONE_HEAD = 2.0
"""A head of its own may have so many times the relative L1 error of the bar, in each single call:
heads of 1024 tokens differ by a tenth."""
FIDELITY = 2e-3
"""Relative L2 against the emulation. FP16 outputs alone give 2e-4. In a few rows in a hundred a
query has an element of exactly half its largest, a tie that another order of operations breaks the
other way: that shifts the row's weights by 0.4 %, 6e-4 over all. FP8 weights that fall on the other
side of a rounding edge add as much."""
FIDELITY_WHOLE = 4e-3
"""The same where weights are whole numbers: in such a row one weight in 250 gets another number,
1 % of the row at 16k keys, 2e-3 over all."""
FIDELITY_ELEMENT = 0.1
"""Of one element, in its row's root mean squares: one INT8 weight the other way beside a dominant
one is 1/127 of a value of five standard deviations, 0.04; two may meet."""

VERIFIED_SCORES = {"cpu": 1 << 27, "cuda": 1 << 33}
"""A check looks at all outputs of a case with no more scores than this, else at random rows."""
EMULATED_SCORES = {"cpu": 1 << 21, "cuda": 1 << 32}
"""The same for the emulation: on a CPU its float64 form, which holds all scores at once."""
SEEDS = {"cpu": 1, "cuda": 3}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One implementation: its options, and the relative L1 error that it may have."""

    options: Options
    l1_bar: float
    families: tuple[str, ...] = ("normal",)
    """Inputs of the quality gate, where a case doesn't name its own."""

    @property
    def fidelity_bar(self) -> float:
        """What the code's error against the emulation is held to."""
        return FIDELITY_WHOLE if self.options.weights is Format.INT8 else FIDELITY

    @property
    def element_bar(self) -> float | None:
        """What a single element is held to; None where weights are whole numbers."""
        return None if self.options.weights is Format.INT8 else LARGEST_ERROR


class EightBitAttention:
    """The workload of one prototype, from its implementations by name."""

    def __init__(self, configurations: Mapping[str, Configuration]) -> None:
        self.configurations = configurations
        self.l1_bar = max(c.l1_bar for c in configurations.values())

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return the case's queries, keys and values."""
        return inputs.make(case.parameters, device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the output."""
        shape = shape_of(case)
        size = (shape.batch, shape.heads, shape.queries, shape.dim)
        return {"out": torch.empty(size, dtype=torch.float16, device=device)}

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or a baseline; raises `NotRunnableError`."""
        if name in baselines.BUILDERS:
            return baselines.build(name, case, device)
        options = FULL_PRECISION if name == "triton_fp16" else self.configurations[name].options
        if name.startswith("torch_"):
            return _emulated(options, is_causal(case))
        return _triton(options, case, device)

    def kernel_alone(
        self, name: str, case: Case, device: torch.device
    ) -> Callable[[Tensors, Tensors], Callable[[], None]] | None:
        """Return what rounds K and V and gives a call of the attention kernel by itself."""
        if name.startswith("torch_"):
            return None
        return alone(self.configurations[name].options, case, device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterator[Check]:
        """Hold an output against exact attention, by the widest bar of the implementations.

        All of it, or (16k keys of 128 heads) random query rows of every head.
        """
        found = against_exact(case, inputs, outputs["out"])
        yield Check.at_most("relative L1 error", found.l1, self.l1_bar)
        yield Check.at_most(
            "relative L1 error of the worst head", found.worst_head_l1, ONE_HEAD * self.l1_bar
        )

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the technique's emulation: this case, then odd shapes."""
        kernel = self.build(name, case, device)
        for number in range(1 if quick else SEEDS[device.type]):
            given = self.inputs(case, device, seed + 10 + number)
            out = self._called(kernel, case, given, device)
            yield from self._faithful(name, case, given, out, "")
        again = self._called(kernel, case, given, device)
        yield Check.none("elements that differ in a second call", int((again != out).sum()))
        for edge in EDGES[:3] if quick else EDGES:
            given = self.inputs(edge, device, seed + 20)
            out = self._called(self.build(name, edge, device), edge, given, device)
            yield from self._faithful(name, edge, given, out, f"{edge.id}: ")
        zero = {key: torch.zeros_like(x) for key, x in given.items()}
        out = self._called(self.build(name, edge, device), edge, zero, device)
        yield Check.none("outputs that aren't zero where all inputs are", int((out != 0).sum()))

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the technique against exact attention, by this configuration's bar."""
        configuration = self.configurations[name]
        kernel = self.build(name, case, device)
        own = str(case.parameters.get("family", "normal"))
        for family in configuration.families if own == "normal" else (own,):
            changed = replace(case, parameters={**case.parameters, "family": family})
            for number in range(1 if quick else SEEDS[device.type]):
                given = self.inputs(changed, device, seed + 30 + number)
                out = self._called(kernel, changed, given, device)
                yield from held(family, against_exact(changed, given, out), configuration)

    def work(self, case: Case) -> Work:
        """Return Q, K, V and the output once in FP16, and both products of the pairs that count."""
        shape = shape_of(case)
        moved = shape.batch * shape.dim * (shape.heads * shape.queries + shape.kv_heads * shape.seq)
        return Work(bytes=2 * 2 * moved, flops=4 * shape.dim * scores(case), precision="int8")

    def _called(
        self, kernel: Kernel, case: Case, given: Tensors, device: torch.device
    ) -> torch.Tensor:
        outputs = self.outputs(case, device)
        outputs["out"].fill_(torch.nan)
        kernel(given, outputs)
        return outputs["out"]

    def _faithful(
        self, name: str, case: Case, given: Tensors, out: torch.Tensor, where: str
    ) -> Iterator[Check]:
        rows = some_rows(case, given["query"].device, EMULATED_SCORES)
        configuration, causal = self.configurations[name], is_causal(case)
        options = configuration.options
        if name.startswith("torch_"):
            # The code is the emulation: the same formula all at once, in float64.
            right = reference.attention(
                *inputs.parts(given), options=options, causal=causal, rows=rows
            )
        else:
            tiled = tiled_options(options, case, out.device)
            right = emulation.attention(
                *inputs.parts(given), options=tiled, causal=causal, rows=rows
            )
        found = measure(out if rows is None else out[:, :, rows], right)
        yield Check.at_most(
            f"{where}error against the emulation", found.l2, configuration.fidelity_bar
        )
        yield Check.at_most(
            f"{where}worst element against the emulation", found.worst_element, FIDELITY_ELEMENT
        )


FULL_PRECISION = Options(scores=Format.FLOAT16)
"""The same kernel without any rounding to 8 bits: what 8 bits are worth by themselves."""


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
        last = [shape.seq - shape.queries + i + 1 for i in (0, shape.queries - 1)]
        pairs = (max(last[0], 0) + last[1]) * shape.queries // 2
    return shape.batch * shape.heads * pairs


def some_rows(
    case: Case, device: torch.device, budget: Mapping[str, int], generator: Any = None
) -> torch.Tensor | None:
    """Return random query rows that keep the scores within a budget; None if all rows do."""
    shape, most = shape_of(case), budget[device.type]
    if scores(case) <= most:
        return None
    count = max(1, shape.queries * most // scores(case))
    order = torch.randperm(shape.queries, device=device, generator=generator)
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
    _edge("grouped-causal", 193, heads=4, kv_heads=2, causal=1),
    _edge("ragged", 77, dim=128, family="kbias"),
    _edge("one-key", 1),
    _edge("fewer-queries-causal", 200, queries=65, causal=1),
    _edge("fewer-keys-causal", 40, queries=100, causal=1),
    _edge("one-past-a-tile", 257, batch=2, family="uniform"),
)
"""Shapes that kernels get wrong: tails, groups, one key, queries that see none."""


def _emulated(options: Options, causal: bool) -> Kernel:
    def run(given: Tensors, outputs: Tensors) -> None:
        outputs["out"].copy_(
            emulation.attention(*inputs.parts(given), options=options, causal=causal)
        )

    return run


def tiled_options(options: Options, case: Case, device: torch.device) -> Options:
    """Return the options with the tile that the Triton kernel takes in this case."""
    chosen: Options = _launch(options, case, device).options
    return chosen


def _triton(options: Options, case: Case, device: torch.device) -> Kernel:
    attention = _launch(options, case, device)

    def run(given: Tensors, outputs: Tensors) -> None:
        attention(given["query"], given["key"], given["value"], outputs["out"])

    return run


def alone(
    options: Options, case: Case, device: torch.device
) -> Callable[[Tensors, Tensors], Callable[[], None]]:
    """Return what prepares a call of the attention kernel alone, each with its own workspaces."""

    def prepare(given: Tensors, outputs: Tensors) -> Callable[[], None]:
        attention = _launch(options, case, device)
        query, key, value = given["query"], given["key"], given["value"]
        attention.prepare(key, value)
        return lambda: attention.attend(query, key, value, outputs["out"])

    return prepare


def _launch(options: Options, case: Case, device: torch.device) -> Any:
    if device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise NotRunnableError("The Triton kernels need a GPU.")
    try:
        from prototypes.attention.eight_bit import triton_launch
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    shape = shape_of(case)
    wanted = triton_launch.Shape(
        shape.batch, shape.heads, shape.kv_heads, shape.queries, shape.seq, shape.dim,
        is_causal(case),
    )  # fmt: skip
    return triton_launch.tuned(wanted, options, device)
