"""Joins the parts of FlatQuant for the harness: inputs, kernels, gates, roofline, figures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

import torch

from prototypes.flatquant import bars, baselines, checks, prepared, reference
from prototypes.flatquant.edges import hostile
from prototypes.flatquant.layout import Factors, stored_order
from prototypes.flatquant.prepared import Layer, Shape, Weights
from prototypes.flatquant.reference import Quantized
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

SEEDS = 2
"""Fresh tokens of the fidelity and the quality gate."""


class FlatQuant:
    """Two tasks: `transform`, tokens to rounded ones; `linear`, tokens to outputs through 8 bits.

    transform: x (t, n) bfloat16 to values (t, n) 8 bits, held as int64 (t, n/8), and scales (t,);
    linear: the same x, with weights in several forms (`prepared.Weights`), to out (t, m) bfloat16.
    """

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return fresh tokens of the case's layer, and its weights in memory of their own."""
        shape, layer = Shape.of(case.parameters), _layer(case, device)
        given = {"x": layer.tokens(shape.tokens, seed)}
        if _transforms(case):
            return given
        made = prepared.weights(shape.width, shape.outputs, str(device))
        given["weights"] = made.full.clone()
        if device.type == "cpu":  # a CPU's 8-bit weights are packed when it is set up
            return given
        for name in ("flat", "flat4", "plain", "small"):
            form = getattr(made, name)
            given[name] = form.values.clone()
            given[f"{name}_scales"] = _triton().with_room(form.scales)
        return given

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the rounded tokens, or for the layer's outputs."""
        return _room(Shape.of(case.parameters), _transforms(case), device)

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or baseline; raises `NotRunnableError`."""
        shape, layer = Shape.of(case.parameters), _layer(case, device)
        if _transforms(case):
            if name == "torch_eager":
                return baselines.eager_transform(shape, layer)
            return transforming(name, layer)
        made = prepared.weights(shape.width, shape.outputs, str(device))
        if name in baselines.LINEAR:
            if name in ("int8_plain", "fp8_rows") or name.startswith("triton"):
                _triton()
            return baselines.LINEAR[name](shape, made)
        return multiplying(name, shape, layer, made)

    def kernel_alone(
        self, name: str, case: Case, device: torch.device
    ) -> Callable[[Tensors, Tensors], Callable[[], None]] | None:
        """Return what transforms the tokens and gives a call of the product by itself."""
        if _transforms(case) or device.type != "cuda":
            return None
        shape, layer = Shape.of(case.parameters), _layer(case, device)
        turn, product = steps(name, shape, layer)

        def prepare(inputs: Tensors, outputs: Tensors) -> Callable[[], None]:
            turn(inputs, outputs)
            return lambda: product(inputs, outputs)

        return prepare

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterator[Check]:
        """Hold one call against exact: any 8-bit way passes, in stored order or in plain one."""
        if not _transforms(case):
            exact = reference.linear(inputs["x"], inputs["weights"])
            yield from checks.by_token("exact", outputs["out"], exact, bars.ANY)
            return
        layer = _layer(case, inputs["x"].device)
        orders = (stored_order(layer.factors), torch.arange(layer.factors.width))
        either = [
            list(checks.off(inputs["x"], layer, checks.meant_by(outputs, order), bars.ANY))
            for order in orders
        ]
        yield from min(either, key=lambda found: _distance(found[0]))

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the emulation: this case's tokens, then hostile ones."""
        shape, layer = Shape.of(case.parameters), _layer(case, device)
        kernel = self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 10 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            yield from self._against_emulation("tokens", name, case, given["x"], outputs)
        again = _called(kernel, given, self.outputs(case, device))
        differing = sum(int((again[key] != outputs[key]).sum()) for key in outputs)
        yield Check.none("elements that differ in a second call", differing)
        for edge, x in hostile(layer, device, seed):
            few = Shape(len(x), shape.width, shape.outputs)
            if _transforms(case):
                call = transforming(name, layer)
            else:
                made = prepared.weights(shape.width, shape.outputs, str(device))
                call = multiplying(name, few, layer, made)
            outputs = _called(call, {**given, "x": x}, _room(few, _transforms(case), device))
            yield from self._against_emulation(f"edge: {edge}", name, case, x, outputs)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the technique against exact arithmetic on fresh tokens."""
        layer, kernel = _layer(case, device), self.build(name, case, device)
        for number in range(1 if quick else SEEDS):
            given = self.inputs(case, device, seed + 20 + number)
            outputs = _called(kernel, given, self.outputs(case, device))
            if _transforms(case):
                meant = checks.meant_by(outputs, checks.order_on(layer, device))
                yield from checks.off(given["x"], layer, meant, bars.TRANSFORMED)
            else:
                exact = reference.linear(given["x"], given["weights"])
                yield from checks.by_token("exact", outputs["out"], exact, bars.LAYER[name])

    def work(self, case: Case) -> Work:
        """Return the bytes and operations of a call: weights of 8 bits read once."""
        shape = Shape.of(case.parameters)
        tokens, width, outputs = shape.tokens, shape.width, shape.outputs
        if _transforms(case):
            factors = Factors.of(width)
            return Work(
                bytes=3 * tokens * width + 4 * tokens,
                flops=2 * tokens * width * (factors.n1 + factors.n2),
            )
        ends = 2 * tokens * (width + outputs)
        return Work(
            bytes=ends + width * outputs,
            flops=2 * tokens * width * outputs,
            precision="int8",
            reference_bytes=ends + 2 * width * outputs,
        )

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Figure]:
        """Return error ladders and what the transform costs, beside what the paper prints."""
        from prototypes.flatquant import figures

        return figures.of(case, device, seed, quick)

    def _against_emulation(
        self, told: str, name: str, case: Case, x: torch.Tensor, outputs: Tensors
    ) -> Iterator[Check]:
        shape, layer = Shape.of(case.parameters), _layer(case, x.device)
        right = checks.emulated(x, layer)
        if "out" in outputs:
            made = prepared.weights(shape.width, shape.outputs, str(x.device))
            order = stored_order(layer.factors).to(x.device)
            stored = Quantized(right.values[:, order], right.scales)
            exact = reference.product(stored, made.integers(_form(name)))
            finite = torch.isfinite(right.scales)
            wrong = int((torch.isfinite(outputs["out"]).all(1) != finite).sum())
            yield Check.none(f"{told}: tokens finite where they shouldn't be, or not", wrong)
            kept = outputs["out"][finite]
            yield from checks.by_token(f"{told}, emulation", kept, exact[finite], bars.LINEAR)
            return
        yield from checks.integers(told, right, outputs, checks.order_on(layer, x.device))


def transforming(name: str, layer: Layer) -> Kernel:
    """Return the implementation of this name for the transform of a layer."""
    device = layer.left.device
    if name == "torch_w8a8":
        from prototypes.flatquant import torch_cpu

        def on_cpu(inputs: Tensors, outputs: Tensors) -> None:
            codes, scales = outputs["values"].view(torch.uint8), outputs["scales"][:, None]
            torch_cpu.transform_into(inputs["x"], layer, codes, scales)

        return on_cpu
    launch = _triton()
    transform = launch.transform(layer.factors, layer.left, layer.right)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        values = outputs["values"].view(checks.BYTES[device.type])
        transform(inputs["x"], values, outputs["scales"], 127.0, layer.token_clip)

    return run


def multiplying(name: str, shape: Shape, layer: Layer, weights: Weights) -> Kernel:
    """Return the implementation of this name for a linear layer, transform included."""
    if name == "torch_w8a8":
        from prototypes.flatquant import torch_cpu

        on_cpu = torch_cpu.FlatLinear(layer, weights.flat)
        return lambda inputs, outputs: on_cpu(inputs["x"], outputs["out"])
    turn, product = steps(name, shape, layer)

    def run(inputs: Tensors, outputs: Tensors) -> None:
        turn(inputs, outputs)
        product(inputs, outputs)

    return run


def steps(name: str, shape: Shape, layer: Layer) -> tuple[Kernel, Kernel]:
    """Return both steps of an implementation on a GPU: rounding with the transform, the product."""
    launch, device, form = _triton(), layer.left.device, _form(name)
    transform = launch.transform(layer.factors, layer.left, layer.right)
    made = launch.linear4 if form == "flat4" else launch.linear
    multiply = made(shape.width, shape.outputs, device)
    tokens = torch.empty(shape.tokens, shape.width, dtype=torch.int8, device=device)
    scales = launch.room_for_scales(shape.tokens, device)

    def turn(inputs: Tensors, outputs: Tensors) -> None:
        transform(inputs["x"], tokens, scales, 127.0, layer.token_clip)

    def product(inputs: Tensors, outputs: Tensors) -> None:
        multiply(tokens, inputs[form], scales, inputs[f"{form}_scales"], outputs["out"])

    return turn, product


def _form(name: str) -> str:
    """Return which weights an implementation multiplies by (`prepared.Weights`)."""
    return "flat4" if name.endswith("w4a8") else "flat"


def _layer(case: Case, device: torch.device) -> Layer:
    return prepared.layer(Shape.of(case.parameters).width, str(device))


def _transforms(case: Case) -> bool:
    return case.parameters["task"] == "transform"


def _triton() -> ModuleType:
    try:
        return importlib.import_module("prototypes.flatquant.triton_launch")
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None


def _room(shape: Shape, transforms: bool, device: torch.device) -> dict[str, torch.Tensor]:
    if transforms:
        # As words of eight: no byte is a value that no right answer has.
        words = torch.empty(shape.tokens, shape.width // 8, dtype=torch.int64, device=device)
        return {"values": words, "scales": torch.empty(shape.tokens, device=device)}
    size = (shape.tokens, shape.outputs)
    return {"out": torch.empty(size, dtype=torch.bfloat16, device=device)}


def _called(kernel: Kernel, given: Tensors, outputs: Tensors) -> Tensors:
    for tensor in outputs.values():
        tensor.fill_(99)
    kernel(given, outputs)
    return outputs


def _distance(check: Check) -> float:
    """Return how far a check is from its bar; NaN, which never passes, is farthest."""
    return check.value if check.value == check.value else float("inf")


WORKLOAD = FlatQuant()
