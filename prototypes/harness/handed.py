"""Outputs as they are handed to measured code, and what it may have made of them.

The harness keeps the tensors that it allocated and reads those: what the code puts in their place,
or returns, is never read.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prototypes.harness.gates import Check
from prototypes.harness.tricks import Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a tensor is, apart from its values."""

    kind: type
    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    address: int
    bytes: int

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _Shape:
        import torch

        # A subclass answers questions about itself as it likes: its class is asked, not it.
        if type(tensor) is not torch.Tensor:
            return cls(type(tensor), torch.bool, (), (), 0, 0)
        return cls(
            type(tensor),
            tensor.dtype,
            tuple(tensor.shape),
            tensor.stride(),
            tensor.data_ptr(),
            tensor.untyped_storage().nbytes(),
        )


class Handed:
    """Tensors that code gets in a dict of its own; `changed` says what became of them."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._kept = dict(tensors)
        self._shapes = {key: _Shape.of(tensor) for key, tensor in tensors.items()}
        self.given = dict(tensors)

    def changed(self) -> list[str]:
        """Return which tensors were exchanged for others or made into something else, and how."""
        found = []
        for key, tensor in self._kept.items():
            given = self.given.get(key)
            if given is not tensor:
                found.append(f"{key} is another {type(given).__name__}")
            elif _Shape.of(tensor) != self._shapes[key]:
                found.append(f"{key} is no longer the {_told(self._shapes[key])} it was")
        found += [f"{key} is new" for key in self.given.keys() - self._kept.keys()]
        return found


def _told(shape: _Shape) -> str:
    return f"{shape.kind.__name__} of {tuple(shape.shape)} {str(shape.dtype).rpartition('.')[2]}"


def changed_check(handed: Handed, what: str) -> Check:
    """Return the check that tensors are still the ones that were handed in."""
    found = handed.changed()
    name = f"{what} replaced" + (f": {'; '.join(found[:2])}" if found else "")
    return Check.none(name, len(found), Trick.REPLACED)


def returned_check(value: Any) -> Check:
    """Return the check that the call came back with nothing that would still have to run."""
    import torch

    kind = type(value)
    is_later = (
        inspect.isgenerator(value)
        or inspect.isawaitable(value)
        or inspect.isasyncgen(value)
        or any(hasattr(kind, name) for name in ("__next__", "result", "wait", "__await__"))
        or (isinstance(value, torch.Tensor) and kind is not torch.Tensor)
    )
    if inspect.iscoroutine(value):
        value.close()
    name = "returned something that has yet to run" + (f": {kind.__name__}" if is_later else "")
    return Check.none(name, int(is_later), Trick.RETURNED)


def poison(tensor: torch.Tensor) -> float:
    """Fill with a value that no right answer has; return it."""
    import torch

    if tensor.dtype is torch.bool:
        # Two values leave no room for poison: what isn't written shows as a wrong answer.
        tensor.fill_(True)
        return 2.0
    if tensor.is_floating_point():
        wide = tensor.dtype in (torch.float32, torch.float64, torch.bfloat16)
        tensor.fill_(-1.2345e30 if wide else _narrow(tensor.dtype))
        return float(tensor.reshape(-1)[0].float()) if tensor.numel() else 0.0
    value = torch.iinfo(tensor.dtype).max
    tensor.fill_(value)
    return value


def _narrow(dtype: torch.dtype) -> float:
    import torch

    return -12345.0 if dtype is torch.float16 else float(torch.finfo(dtype).min)


def unwritten(tensor: torch.Tensor, value: float) -> int:
    """Return how many elements still hold this poison."""
    return int((raw_values(tensor) == value).sum())


def raw_values(tensor: torch.Tensor) -> torch.Tensor:
    """Return values that can be compared: 8-bit floats have no comparison of their own."""
    small = tensor.is_floating_point() and tensor.element_size() == 1
    return tensor.float() if small else tensor


def raw(tensor: torch.Tensor) -> torch.Tensor:
    """Return the bytes: compared so, NaN equals NaN, and -0 isn't 0."""
    import torch

    return tensor.contiguous().view(torch.uint8)
