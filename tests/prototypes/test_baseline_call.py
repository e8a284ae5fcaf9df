"""A baseline that makes its own output is timed without the copy that the checks need."""

import torch

from prototypes.harness.contest import baseline_call
from prototypes.harness.workload import Tensors


class Doubling:
    def __init__(self) -> None:
        self.copies = 0

    def __call__(self, inputs: Tensors, outputs: Tensors) -> None:
        self.copies += 1
        outputs["out"].copy_(self.answer(inputs))

    def answer(self, inputs: Tensors) -> torch.Tensor:
        return inputs["x"] * 2


class Uncopied(Doubling):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def uncopied(self, inputs: Tensors) -> torch.Tensor:
        self.seen.append(float(inputs["x"]))
        return self.answer(inputs)


SETS = [{"x": torch.tensor(1.0)}, {"x": torch.tensor(2.0)}]


def test_what_fills_outputs_is_timed_filling_them() -> None:
    kernel, outputs = Doubling(), {"out": torch.zeros(())}
    baseline_call(kernel, SETS, outputs)(1)
    assert kernel.copies == 1
    assert float(outputs["out"]) == 4.0


def test_what_makes_its_own_output_is_timed_without_the_copy() -> None:
    kernel, outputs = Uncopied(), {"out": torch.zeros(())}
    call = baseline_call(kernel, SETS, outputs)
    call(1)
    call(0)
    assert kernel.seen == [2.0, 1.0]
    assert kernel.copies == 0
    assert float(outputs["out"]) == 0.0
