"""What INT-FlashAttention and SageAttention have in common for the harness: gates, kernels, work.

Inputs: `query` (batch, heads, queries, dim), `key` and `value` (batch, kv heads, seq, dim), FP16.
Output: `out` (batch, heads, queries, dim), FP16.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from prototypes.attention import baselines, inputs
from prototypes.attention.baselines import is_causal
from prototypes.attention.eight_bit import curve, emulation, reference
from prototypes.attention.eight_bit.checks import (
    EMULATED_SCORES,
    FIDELITY,
    ONE_HEAD,
    Configuration,
    against_exact,
    edges_for,
    held,
    scores,
    shape_of,
    some_rows,
)
from prototypes.attention.eight_bit.options import Format, Options
from prototypes.attention.errors import measure
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

SEEDS = {"cpu": 1, "cuda": 3}
"""Fresh inputs of each gate."""


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
        for edge in edges_for(case, device, quick):
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

    def speeds(
        self,
        name: str,
        device: torch.device,
        seed: int,
        rivals: tuple[str, ...],
        printed: Mapping[tuple[str, str], float],
    ) -> Iterator[Figure]:
        """Yield an implementation's speed-ups over lengths, head dimensions and masks."""
        options = self.configurations[name].options
        return curve.figures(
            device,
            seed,
            lambda case: self.build(name, case, device),
            lambda case: alone(options, case, device),
            {rival: partial(self.build, rival, device=device) for rival in rivals},
            printed,
        )

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
        yield Check.at_most(f"{where}relative L1 error against the emulation", found.l1, FIDELITY)
        yield Check.at_most(
            f"{where}worst element against the emulation",
            found.worst_element,
            configuration.fidelity_element,
        )


FULL_PRECISION = Options(scores=Format.FLOAT16)
"""The same kernel without any rounding to 8 bits: what 8 bits are worth by themselves."""


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
