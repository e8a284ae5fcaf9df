"""Joins the parts of MARLIN for the harness: inputs, kernels, gates, roofline, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors, Work
from prototypes.marlin import edges, inputs, kernels, oracle
from prototypes.marlin.inputs import Shape

SEEDS = 2
"""Fresh layers of each gate."""
FIDELITY = {"cuda": 0.001, "cpu": 0.006}
"""float16 has 11 bits; bfloat16 has 8, to which a CPU rounds activations, scales and result."""
ANYONE = {"cuda": 0.006, "cpu": 0.02}
"""What any contestant may be off: bfloat16 scales of torch's product, 8 bits of the CPU's rival."""
QUALITY = 0.13


class Marlin:
    """out (rows, outputs) from x and 4-bit weights: float16 on a GPU, bfloat16 on a CPU."""

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return a drawn layer in the order of each contestant."""
        return inputs.made(Shape.of(case.parameters), device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the result."""
        return _room(Shape.of(case.parameters), device)

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        return kernels.build(name, Shape.of(case.parameters), device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call against float64 over the same 4-bit weights."""
        bar = ANYONE[outputs["out"].device.type]
        yield from errors("the same weights", outputs, _exact(inputs, outputs), bar)

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against float64 over the same 4-bit weights, on hostile layers too."""
        kernel, bar = self.build(name, case, device), FIDELITY[device.type]
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            yield from errors("the same weights", outputs, _exact(given, outputs), bar)
        again = _called(kernel, given, self.outputs(case, device))
        differing = int((again["out"] != outputs["out"]).sum())
        yield Check.none("elements that differ in a second call", differing)
        rows = int(case.parameters["rows"])
        for edge, shape, given in edges.layers(rows, device, seed):
            kernel = kernels.build(name, shape, device)
            outputs = _called(kernel, given, _room(shape, device))
            yield from errors(f"edge: {edge}", outputs, _exact(given, outputs), bar)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the result against the weights before rounding."""
        kernel, shape = self.build(name, case, device), Shape.of(case.parameters)
        for number in range(1 if quick else SEEDS):
            x, weights = inputs.drawn(shape, device, seed + 20 + number)
            given = self.inputs(case, device, seed + 20 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            exact = {"out": oracle.unrounded(x, weights)}
            yield from errors("weights before rounding", outputs, exact, QUALITY)

    def work(self, case: Case) -> Work:
        """Return codes, scales and x read once, the result written once."""
        shape = Shape.of(case.parameters)
        return Work(
            bytes=shape.packed_bytes + shape.ends,
            flops=2 * shape.rows * shape.inputs * shape.outputs,
            precision="float16",
            reference_bytes=2 * shape.inputs * shape.outputs + shape.ends,
        )

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return the paper's curve over layers and rows, crossovers on a CPU, errors of GPTQ."""
        from prototypes.marlin import figures

        return figures.of(Shape.of(case.parameters), device, seed, quick)


def _room(shape: Shape, device: torch.device) -> dict[str, torch.Tensor]:
    kind = torch.float16 if device.type == "cuda" else torch.bfloat16
    return {"out": torch.empty((shape.rows, shape.outputs), dtype=kind, device=device)}


def _called(kernel: Kernel, given: Tensors, outputs: Tensors) -> Tensors:
    outputs["out"].fill_(99)
    kernel(given, outputs)
    return outputs


def _exact(given: Tensors, outputs: Tensors) -> dict[str, torch.Tensor]:
    weights = inputs.held(given, outputs["out"].shape[1])
    return {"out": oracle.product(given["x16"], weights)}


WORKLOAD = Marlin()
