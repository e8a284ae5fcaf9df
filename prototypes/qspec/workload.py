"""Joins the parts of QSpec for the harness: one layer's share of a cycle, and its gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors, Work
from prototypes.qspec import bars, edges, kernels, oracle
from prototypes.qspec.prepared import FOUR_OF_SIXTEEN, PLANE, W4A4, Shape, layer

SEEDS = 3


class QSpec:
    """out (tokens, outputs): the verifier's rows of one cycle of which every draft is accepted."""

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return the rows of a cycle, numbers that bfloat16 holds; weights are made ready once."""
        shape = Shape.of(case.parameters)
        generator = torch.Generator(device=device).manual_seed(seed)
        x = torch.randn((shape.tokens, shape.inputs), generator=generator, device=device)
        return {"x": x.bfloat16().to(_kind(device))}

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the verifier's rows."""
        shape = Shape.of(case.parameters)
        size = (shape.tokens, shape.outputs)
        return {"out": torch.empty(size, dtype=_kind(device), device=device)}

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        return kernels.build(name, Shape.of(case.parameters), device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call against float64 over the weights that the verifier reads."""
        shape = Shape.of(case.parameters)
        held = layer(shape, inputs["x"].device.type).held(shape.draft == FOUR_OF_SIXTEEN)
        exact = {"out": oracle.product(inputs["x"], held)}
        yield from errors("the verifier's weights", outputs, exact, bars.ANYONE)

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold what is verified and what was drafted on the way against float64."""
        shape = Shape.of(case.parameters)
        kernel = self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            for what, x in (("", given["x"]), *edges.rows(given["x"])):
                outputs = self.outputs(case, device)
                outputs["out"].fill_(99)
                kernel({"x": x}, outputs)
                yield from _faithful(shape, kernel, x, outputs, what)
        again = self.outputs(case, device)
        kernel({"x": x}, again)
        yield Check.none(
            "elements that differ in a second call", int((again["out"] != outputs["out"]).sum())
        )

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the verifier against the weights before rounding, and the draft against it."""
        shape = Shape.of(case.parameters)
        made = layer(shape, device.type)
        kernel: Any = self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 20 + number)
            outputs = self.outputs(case, device)
            outputs["out"].fill_(99)
            kernel(given, outputs)
            exact = {"out": oracle.product(given["x"], made.weights)}
            yield from errors("weights before rounding", outputs, exact, bars.QUALITY)
            drafts = getattr(kernel, "drafts", [])
            if drafts:
                got = torch.cat(drafts).double()
                wanted = outputs["out"][: len(got)].double()
                off = float((got - wanted).norm() / wanted.norm())
                yield Check.at_most("the draft against the verifier", off, bars.DRAFT[shape.draft])

    def work(self, case: Case) -> Work:
        """Return the bytes of a cycle: each pass reads its weights once."""
        shape = Shape.of(case.parameters)
        weights = shape.inputs * shape.outputs
        four = weights // 2 + 2 * weights // 128
        half = weights // 4 + 2 * weights // 128
        draft = {W4A4: four, PLANE: half, FOUR_OF_SIXTEEN: four}[shape.draft]
        verifier = 2 * weights if shape.draft == FOUR_OF_SIXTEEN else four
        rows = 2 * (shape.drafted + shape.tokens) * (shape.inputs + shape.outputs)
        return Work(
            bytes=shape.drafted * draft + verifier + rows,
            flops=2 * weights * (shape.drafted + shape.tokens),
            precision="float16",
            reference_bytes=shape.tokens * verifier + rows,
        )

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return costs by rows, speedups from the law (modelled), acceptance on a small model."""
        from prototypes.qspec.figures import of

        return of(name, Shape.of(case.parameters), device, seed, quick)


def _kind(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def _faithful(
    shape: Shape, kernel: Any, x: torch.Tensor, outputs: Tensors, what: str
) -> Iterator[Check]:
    made = layer(shape, x.device.type)
    bar = bars.FIDELITY[x.device.type]
    held = made.held(shape.draft == FOUR_OF_SIXTEEN)
    told = f"{what}: " if what else ""
    yield from errors(f"{told}float64", outputs, {"out": oracle.product(x, held)}, bar)
    drafts = getattr(kernel, "drafts", [])
    if drafts:
        got = {"drafts": torch.cat(drafts)}
        exact = {"drafts": oracle.draft(shape.draft, x[: len(drafts)], made)}
        yield from errors(f"{told}float64", got, exact, bar)


WORKLOAD = QSpec()
