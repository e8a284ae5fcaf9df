"""Sets up cycles and what they are compared with: as many tokens, one after another.

A cycle: `drafted` products of one row by the draft, then one product of all rows by the verifier.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from prototypes.harness.workload import Kernel, NotRunnableError, Tensors
from prototypes.qspec.activations import round_rows
from prototypes.qspec.prepared import FOUR_OF_SIXTEEN, PLANE, SIGN_BITS, W4A4, Layer, Shape, layer
from prototypes.weights import baselines
from prototypes.weights.on_cpu import Int8Linear
from prototypes.weights.quantize import GROUP

Pass = Callable[[int, torch.Tensor, torch.Tensor | None], torch.Tensor]
"""From the number of the pass and rows of x (rows, inputs) the rows (rows, outputs): in the tensor
that is given, if there is one and the code can write to it, else in another."""


class Cycle:
    """Drafts with `draft`, verifies with `verify`; keeps what was drafted in the last call."""

    def __init__(self, drafted: int, draft: Pass, verify: Pass) -> None:
        self.drafted, self.draft, self.verify = drafted, draft, verify
        self.drafts: list[torch.Tensor] = []

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        """Fill `out` (tokens, outputs) from `x` (tokens, inputs)."""
        x, out = inputs["x"], outputs["out"]
        self.drafts = [self.draft(i, x[i : i + 1], None) for i in range(self.drafted)]
        made = self.verify(self.drafted, x, out)
        if made is not out:
            out.copy_(made)


class Sequential:
    """One pass a token: what the same tokens cost without speculation."""

    def __init__(self, one: Pass) -> None:
        self.one = one

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        """Fill `out` (tokens, outputs) from `x` (tokens, inputs)."""
        for i, row in enumerate(self.uncopied(inputs)):
            outputs["out"][i].copy_(row[0])

    def uncopied(self, inputs: Tensors) -> list[torch.Tensor]:
        """Return a row of results a token."""
        x = inputs["x"]
        return [self.one(i, x[i : i + 1], None) for i in range(len(x))]


def build(name: str, shape: Shape, device: torch.device) -> Kernel:
    """Return the code of this name; raises `NotRunnableError` where it can't run."""
    made = layer(shape, device.type)
    if name == "gluon_cycle":
        return Cycle(shape.drafted, gpu_draft(made, shape), gpu_verifier(made, shape))
    if name == "eager_cycle":
        return Cycle(shape.drafted, gpu_draft(made, shape), eager(made, shape, shape.tokens))
    if name == "torch_cycle":
        draft = tiny(made) if shape.draft == FOUR_OF_SIXTEEN else cpu_draft(made)
        return Cycle(shape.drafted, draft, wide(made) if "dense" in made.copies else tiny(made))
    if name == "sequential_w4a16":
        return Sequential(one_row(made, shape))
    if name in ("torch_int4pack", "sequential_int4"):
        return Sequential(tiny(made))
    if name == "eager_w4a16":
        return Sequential(eager(made, shape))
    if name == "sequential_planes":
        return Sequential(both_planes(made, shape, 1))
    if name == "sequential_w16":
        return Sequential(wide(made))
    raise NotRunnableError(f"Nothing sets up {name}.")


def _needs_hopper(device: torch.device) -> None:
    if device.type != "cuda" or torch.cuda.get_device_capability(device)[0] != 9:
        raise NotRunnableError("These kernels are written for Hopper (compute capability 9.0).")


def one_row(made: Layer, shape: Shape, rows: int = 1) -> Pass:
    """Return part G's W4A16 product, a result of its own for each pass."""
    device = made.weights.device
    _needs_hopper(device)
    from prototypes.weights.gluon_launch import linear

    product = linear(rows, shape.inputs, shape.outputs, device)
    packed, scales = made.copies["packed"], made.copies["scales"]
    room = _room(shape, rows, device)

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        out = room[number] if out is None else out
        product(x, packed[number], scales[number], out)
        return out

    return run


def gpu_draft(made: Layer, shape: Shape) -> Pass:
    """Return the draft's pass over one row."""
    device = made.weights.device
    _needs_hopper(device)
    if shape.draft == FOUR_OF_SIXTEEN:
        return one_row(made, shape)
    from prototypes.qspec import launch, triton_round

    room = _room(shape, 1, device)
    if shape.draft == PLANE:
        step = launch.Step(launch.UPPER, 1, shape.inputs, shape.outputs, device)
        upper, upper_scales = made.copies["upper"], made.copies["upper_scales"]

        def read_half(number: int, x: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            step(x, upper[number], upper_scales[number], room[number])
            return room[number]

        return read_half
    step = launch.Step(launch.BYTES, 1, shape.inputs, shape.outputs, device)
    packed, scales = made.copies["packed"], made.copies["scales"]
    codes = torch.empty((1, shape.inputs), dtype=torch.int8, device=device)
    row_scale = torch.empty(1, device=device)

    def read_bytes(number: int, x: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
        triton_round.round_rows(x, codes, row_scale)
        step(codes, packed[number], scales[number], room[number], x_scales=row_scale)
        return room[number]

    return read_bytes


def gpu_verifier(made: Layer, shape: Shape) -> Pass:
    """Return the verifier's pass over all rows: part G's product, or both planes."""
    if shape.draft == FOUR_OF_SIXTEEN:
        return wide(made)
    if shape.draft != PLANE:
        return one_row(made, shape, shape.tokens)
    return both_planes(made, shape, shape.tokens)


def both_planes(made: Layer, shape: Shape, rows: int) -> Pass:
    """Return W4A16 over both planes."""
    device = made.weights.device
    _needs_hopper(device)
    from prototypes.qspec import launch

    step = launch.Step(launch.JOINED, rows, shape.inputs, shape.outputs, device)
    upper, lower, scales = (made.copies[key] for key in ("upper", "lower", "scales"))
    room = _room(shape, rows, device)

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        out = room[number] if out is None else out
        step(x, upper[number], scales[number], out, lower=lower[number])
        return out

    return run


def tiny(made: Layer) -> Pass:
    """Return torch's own 4-bit product."""
    copies = made.copies["tiny"]

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        codes, scales = copies[number]
        return baselines.tinygemm(x.bfloat16(), codes, scales, GROUP)

    return run


def wide(made: Layer) -> Pass:
    """Return torch's product with 16-bit weights."""
    copies = made.copies["dense"]

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        return torch.mm(x.to(copies[number].dtype), copies[number].t())

    return run


def eager(made: Layer, shape: Shape, rows: int = 1) -> Pass:
    """Return W4A16 as the authors' code has it: all codes are turned first, in every call.

    Three times the bytes: codes read, written, and read again.
    """
    turned = made.copies["turned"]
    if made.weights.device.type == "cpu":

        def run_tiny(number: int, x: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            codes = turned[number] ^ SIGN_BITS
            return baselines.tinygemm(x, codes, made.copies["tiny"][number][1], GROUP)

        return run_tiny
    from prototypes.weights.gluon_launch import linear

    product = linear(rows, shape.inputs, shape.outputs, made.weights.device)
    room = _room(shape, rows, made.weights.device)

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        codes = (turned[number] ^ SIGN_BITS).view(torch.int32)
        out = room[number] if out is None else out
        product(x, codes, made.copies["scales"][number], out)
        return out

    return run


def cpu_draft(made: Layer) -> Pass:
    """Return W4A4 on a CPU: 4-bit codes of weights and activations in 8-bit products."""
    copies = made.copies["eight"]

    def run(number: int, x: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
        return bytes_product(copies[number], x)

    return run


def bytes_product(weights: Int8Linear, x: torch.Tensor) -> torch.Tensor:
    """Return x, rounded to 4 bits a row, by codes of weights in oneDNN's 8-bit product."""
    codes, scales = round_rows(x)
    product = weights.multiply((codes.short() + 128).to(torch.uint8))
    return product.mul_(scales[:, None]).to(x.dtype)


def _room(shape: Shape, rows: int, device: torch.device) -> list[torch.Tensor]:
    size = (rows, shape.outputs)
    return [torch.empty(size, dtype=torch.float16, device=device) for _ in range(shape.tokens)]


DRAFTS = (W4A4, PLANE, FOUR_OF_SIXTEEN)
