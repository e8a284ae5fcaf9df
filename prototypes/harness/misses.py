"""Tells a technique that misses its bar from code that is wrong, in calls that are checked.

`Workload.verify` may hold a call against full precision. A technique near its bar then misses it on
one draw in many, with code that does what it should: the declaration names these checks
(`technique_checks`). Whether it was the technique is asked of a kernel set up afresh: if it misses
on the very same inputs by as much, the code that was timed did nothing else than the technique
does. If it doesn't, or another check failed as well, the code is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from prototypes.harness.gates import Check

if TYPE_CHECKING:
    import torch

    from prototypes.harness.declarations import Case, Declaration
    from prototypes.harness.workload import Tensors, Workload

ALIKE = 0.05
"""Relative difference of two misses that are the same: sums in another order differ by less."""


def told_apart(
    workload: Workload, declaration: Declaration, name: str, device: torch.device
) -> Workload:
    """Return the workload, its `verify` marking misses of `name` that are the technique's."""
    if not declaration.technique_checks:
        return workload
    return cast("Workload", _ToldApart(workload, declaration, name, device))


class _ToldApart:
    """A workload whose `verify` asks a fresh kernel where only a technique's check failed."""

    def __init__(
        self, workload: Workload, declaration: Declaration, name: str, device: torch.device
    ) -> None:
        self._workload, self._name, self._device = workload, name, device
        self._of_technique = frozenset(declaration.technique_checks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workload, name)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterable[Check]:
        checks = list(self._workload.verify(case, inputs, outputs))
        failed = [check for check in checks if not check.passed]
        if not failed or any(check.name not in self._of_technique for check in failed):
            return checks
        afresh = self._afresh(case, inputs)
        again = {check.name: check for check in self._workload.verify(case, inputs, afresh)}
        return [
            replace(check, of_technique=not check.passed and _alike(check, again.get(check.name)))
            for check in checks
        ]

    def _afresh(self, case: Case, inputs: Tensors) -> Tensors:
        """Return what a kernel that nobody has called yet makes of copies of these inputs."""
        outputs = self._workload.outputs(case, self._device)
        kernel = self._workload.build(self._name, case, self._device)
        kernel({key: tensor.clone() for key, tensor in inputs.items()}, dict(outputs))
        return outputs


def _alike(first: Check, second: Check | None) -> bool:
    return (
        second is not None
        and not second.passed
        and math.isclose(first.value, second.value, rel_tol=ALIKE)
    )
