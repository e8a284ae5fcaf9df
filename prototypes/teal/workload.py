"""Joins the parts of TEAL for the harness: inputs, kernels, gates, roofline, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch

from prototypes.harness.formulas import errors
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work
from prototypes.teal import bars, baselines, edges, oracle, rows4
from prototypes.teal.inputs import Plan, layer_inputs
from prototypes.weights.quantize import GROUP

if TYPE_CHECKING:
    from prototypes.harness.declarations import Case
    from prototypes.harness.figures import Figure

SEEDS = 2
"""Fresh layers of the fidelity and the quality gate."""


class Teal:
    """One token through one linear layer: `inputs.layer_inputs` to out (outputs,) float16."""

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return a token's activations, the threshold, and weights in every order."""
        plan = Plan.of(case.parameters)
        given = layer_inputs(plan, device, seed)
        if device.type == "cpu":
            given |= _for_cpu(plan, given)
        return given

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the layer's outputs."""
        return _room(Plan.of(case.parameters), device)

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        return _build(name, Plan.of(case.parameters), device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call against float64 over the active inputs, or all: the nearer one."""
        answers = (_exact(inputs, inputs["thresholds"]), _exact(inputs, None))
        either = [
            list(errors("active inputs, or all", outputs, {"out": answer}, bars.DENSE))
            for answer in answers
        ]
        return min(either, key=lambda checks: max(_distance(c) for c in checks))

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against float64 over the same inputs, and on the edges."""
        kernel, bar = self.build(name, case, device), bars.FIDELITY[device.type]
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            exact = {"out": _exact(given, given["thresholds"])}
            yield from errors("active inputs", outputs, exact, bar)
        again = _called(kernel, given, self.outputs(case, device))
        differing = int((again["out"] != outputs["out"]).sum())
        yield Check.none("elements that differ in a second call", differing)
        for plan in edges.PLANS:
            yield from _edges(name, plan, device, seed)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the sparse answer against the dense one, and what is dropped against the plan."""
        plan, kernel = Plan.of(case.parameters), self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 20 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            exact = _exact(given, None)
            error = float((outputs["out"].double() - exact).norm() / exact.norm())
            yield Check.at_most(
                "error against the dense product", error, bars.error_of(plan.sparsity)
            )
            dropped = 1 - float(oracle.kept(given["x"], given["thresholds"]).double().mean())
            yield Check.at_most(
                "share of inputs dropped, off the plan's",
                abs(dropped - plan.sparsity),
                bars.realised_of(plan.family),
            )

    def work(self, case: Case) -> Work:
        """Return the active rows of weights read once, the token read, the outputs written."""
        plan = Plan.of(case.parameters)
        active = round(plan.inputs * (1 - plan.sparsity))
        ends = 2 * plan.inputs + 2 * plan.outputs
        return Work(
            bytes=active * plan.weight_bytes // plan.inputs + ends,
            flops=2 * active * plan.outputs,
            reference_bytes=2 * plan.inputs * plan.outputs + ends,
        )

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return times by sparsity, errors by distribution, what a stack of blocks makes of it."""
        from prototypes.teal import figures

        return figures.of(name, Plan.of(case.parameters), device, seed, quick)


def _for_cpu(plan: Plan, given: Tensors) -> dict[str, torch.Tensor]:
    from prototypes.teal.torch_bag import panels

    if plan.is_int4:
        return {"panels": panels(rows4.Rows4(given["codes"], given["scales"]))}
    return {"dense_bf16": given["dense"].bfloat16()}


def _room(plan: Plan, device: torch.device) -> dict[str, torch.Tensor]:
    return {"out": torch.empty(plan.outputs, dtype=torch.float16, device=device)}


def _build(name: str, plan: Plan, device: torch.device) -> Kernel:
    if name in baselines.BUILDERS:
        return baselines.build(name, plan, device)
    if name == "torch_bag":
        from prototypes.teal import torch_bag

        return torch_bag.build_int4(plan.outputs, GROUP) if plan.is_int4 else torch_bag.build()
    try:
        from prototypes.teal import triton_gemv
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    return triton_gemv.build(plan, device)


def _called(kernel: Kernel, given: Tensors, outputs: Tensors) -> Tensors:
    for tensor in outputs.values():
        tensor.fill_(99)
    kernel(given, outputs)
    return outputs


def _exact(given: Tensors, thresholds: torch.Tensor | None) -> torch.Tensor:
    if "weights" in given:
        return oracle.product(given["x"], given["weights"], thresholds)
    rows = rows4.Rows4(given["codes"], given["scales"])
    total = torch.zeros(rows.outputs, dtype=torch.float64, device=rows.codes.device)
    index = torch.arange(len(given["x"]), device=rows.codes.device)
    if thresholds is not None:
        index = index[oracle.kept(given["x"], thresholds)]
    for some in torch.split(index, oracle.CHUNK):
        weights = rows4.dequantize(rows, torch.float64, some)
        total += given["x"][some].double() @ weights
    return total


def _edges(name: str, plan: Plan, device: torch.device, seed: int) -> Iterator[Check]:
    kernel, bar = _build(name, plan, device), bars.FIDELITY[device.type]
    given = edges.layer(plan, device, seed)
    if device.type == "cpu" and plan.is_int4:
        given |= _for_cpu(plan, given)
    label = f"{plan.inputs} inputs{', 4 bits' if plan.is_int4 else ''}"
    given["thresholds"] = torch.tensor([0.5], device=device)
    for edge, x in edges.activations(plan, device, seed):
        given["x"] = x
        outputs = _called(kernel, given, _room(plan, device))
        exact = {"out": _exact(given, given["thresholds"])}
        yield from errors(f"edge: {edge} ({label})", outputs, exact, bar)
    given["x"] = dict(edges.activations(plan, device, seed))["normal"]
    given["thresholds"] = edges.by_channel(plan, device, seed)
    outputs = _called(kernel, given, _room(plan, device))
    exact = {"out": _exact(given, given["thresholds"])}
    yield from errors(f"edge: a threshold a channel ({label})", outputs, exact, bar)
    given["thresholds"] = torch.tensor([0.5], device=device)
    for edge, x in edges.broken(plan, device):
        given["x"] = x
        outputs = _called(kernel, given, _room(plan, device))
        finite = int(torch.isfinite(outputs["out"]).sum())
        yield Check.none(f"edge: {edge} ({label}): outputs that stay finite", finite)


def _distance(check: Check) -> float:
    """Return how far a check is from its bar; NaN, which never passes, is farthest."""
    share = check.value / check.bar
    return share if share == share else float("inf")


WORKLOAD = Teal()
