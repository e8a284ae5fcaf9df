"""A workload out of formulas: what most techniques need, so that their folder is short.

A subclass says how inputs are made, what the exact answer is, what the technique's answer is, and
which code is measured. It is no frame to squeeze into: whoever needs other gates writes them
(`prototypes.harness.workload.Workload`), as sampling does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

if TYPE_CHECKING:
    import torch

    from prototypes.harness.declarations import Case

SEEDS = 3
"""Fresh inputs of the fidelity and the quality gate."""
WORST = 10.0
"""How many times the bar a single element may be off, in units of the answer's root mean square: of
a million errors with a normal distribution none passes five times their own."""


class Formulas(ABC):
    """Gates from two formulas: `emulate` for fidelity, `oracle` for quality.

    Errors are norms relative to the answer's norm; the worst single element is held too.
    """

    fidelity_bar: ClassVar[float]
    """Code against `emulate`: rounding of another order of summation, and no more."""
    quality_bar: ClassVar[float]
    """The technique against `oracle`. Baselines are held to it too."""
    kernels: ClassVar[Mapping[str, Callable[[Case, torch.device], Kernel]]]
    """What sets up each implementation and baseline, by name."""

    @abstractmethod
    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return fresh inputs; the same seed gives the same ones."""

    @abstractmethod
    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return empty outputs."""

    @abstractmethod
    def oracle(self, case: Case, inputs: Tensors) -> Tensors:
        """Return the exact answer in float64: slow, plain, and never a baseline."""

    @abstractmethod
    def emulate(self, case: Case, inputs: Tensors) -> Tensors:
        """Return the technique's own answer in float32: what a right implementation gives."""

    @abstractmethod
    def work(self, case: Case) -> Work:
        """Return the least bytes and operations of one call."""

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Set up the code called `name`; raises `NotRunnableError` where it isn't written."""
        if name not in self.kernels:
            raise NotRunnableError(f"Nothing sets up {name}: give it an entry in `kernels`.")
        return self.kernels[name](case, device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterator[Check]:
        """Hold one call against the oracle, by the bar of the quality gate."""
        yield from errors("oracle", outputs, self.oracle(case, inputs), self.quality_bar)

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the emulation on fresh inputs, and against itself."""
        kernel = self.build(name, case, device)
        for number in range(SEEDS):
            inputs = self.inputs(case, device, seed + 10 + number)
            outputs = self._run(kernel, case, inputs, device)
            yield from errors("emulation", outputs, self.emulate(case, inputs), self.fidelity_bar)
        again = self._run(kernel, case, inputs, device)
        differing = sum(int((again[key] != outputs[key]).sum()) for key in outputs)
        yield Check.none("elements that differ in a second call", differing)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the technique against the oracle on fresh inputs."""
        kernel = self.build(name, case, device)
        for number in range(SEEDS):
            inputs = self.inputs(case, device, seed + 20 + number)
            outputs = self._run(kernel, case, inputs, device)
            yield from errors(
                "full precision", outputs, self.oracle(case, inputs), self.quality_bar
            )

    def _run(self, kernel: Kernel, case: Case, inputs: Tensors, device: torch.device) -> Tensors:
        outputs = self.outputs(case, device)
        for tensor in outputs.values():
            tensor.fill_(0)
        # Techniques that write their inputs get copies: the inputs are used again.
        kernel({key: tensor.clone() for key, tensor in inputs.items()}, outputs)
        return outputs


def errors(against: str, outputs: Tensors, exact: Tensors, bar: float) -> Iterator[Check]:
    """Yield the relative error of each output, and of its worst element."""
    if outputs.keys() != exact.keys():
        yield Check.none(f"outputs that {against} has not", len(outputs.keys() ^ exact.keys()))
        return
    for key, wanted in exact.items():
        got, right = outputs[key].double(), wanted.double()
        if got.shape != right.shape:
            yield Check.none(f"{key}: shape other than that of {against}", 1)
            continue
        difference, norm = got - right, right.norm()
        scale = float(norm) or 1.0
        rms = scale / max(right.numel(), 1) ** 0.5
        yield Check.at_most(
            f"{key}: error against {against}", float(difference.norm()) / scale, bar
        )
        worst = float(difference.abs().max()) / rms if right.numel() else 0.0
        yield Check.at_most(f"{key}: worst element against {against}", worst, WORST * bar)
