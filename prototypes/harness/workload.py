"""What the code of a prototype gives the harness: inputs, kernels, an oracle's checks, and work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from prototypes.harness.declarations import Case
    from prototypes.harness.gates import Check

Tensors = Mapping[str, "torch.Tensor"]
Kernel = Callable[[Tensors, Tensors], None]
"""Reads the inputs, fills the outputs; keeps neither. Everything it needs besides was set up by
`Workload.build`."""


class NotRunnableError(Exception):
    """This code can't run here (a library is missing, say); the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Work:
    """The least that a case must do, for the roofline: inputs read once, outputs written once."""

    bytes: int
    flops: int
    precision: str | None = None
    """What the arithmetic is done in, if matrix units do it: float32, bfloat16, float16, int8 or
    float8. None takes the device's usual ceiling."""
    reference_bytes: int | None = None
    """The same for the format that the technique replaces (FP16 weights, say): where memory is
    the limit, no more than `reference_bytes / bytes` can be gained."""


class Workload(Protocol):
    """One prototype's code. The harness allocates, poisons and compares; this only computes.

    `name` is always that of an implementation or a baseline of the declaration.
    """

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return fresh inputs; the same seed gives the same inputs on the same device."""
        ...

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return empty outputs; the harness poisons them before each checked call."""
        ...

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Set up the code called `name` for this case; raises `NotRunnableError`."""
        ...

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        """Hold one call's outputs against the oracle: cheap, and made on every fresh input.

        Inputs named in `in_place` are as the call left them, all others as they were before.
        """
        ...

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Check]:
        """Hold the code against the technique's own emulation, edge cases included."""
        ...

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterable[Check]:
        """Hold the technique against full precision (or the exact distribution)."""
        ...

    def work(self, case: Case) -> Work:
        """Return the least bytes and operations of one call."""
        ...
