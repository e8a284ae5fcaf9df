"""Knows whether the clocks, torch functions and harness functions are the ones it started with.

Measured code runs in the process that judges it, so it could replace what judges it. The seal is
taken before any of its code is imported, holds the objects themselves, and is looked at after each
call: a replacement that puts the original back when it is used is still there at that moment,
because the timers hold the originals and never use it.
"""

from __future__ import annotations

import builtins
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

TENSOR_METHODS = (
    *("clone", "copy_", "eq", "ne", "sum", "view", "contiguous", "double", "norm", "item", "fill_"),
    *("any", "all", "to", "numel", "element_size", "data_ptr", "untyped_storage", "reshape"),
    *("is_floating_point", "__eq__", "__ne__", "__sub__", "__float__", "__int__", "__bool__"),
)
TORCH_FUNCTIONS = (
    *("isfinite", "equal", "allclose", "empty", "full", "rand", "randn", "randint", "where"),
    *("Generator", "empty_like", "zeros_like", "ones_like", "inference_mode", "manual_seed"),
)
CUDA_FUNCTIONS = (
    *("Event", "Stream", "current_stream", "default_stream", "stream", "synchronize", "_sleep"),
    *("get_device_properties", "mem_get_info", "is_available"),
)


@dataclass(frozen=True, slots=True)
class _Part:
    label: str
    owner: Any
    name: str
    value: Any
    code: Any
    """A function's code: it can be replaced in place."""

    def is_whole(self) -> bool:
        found = _get(self.owner, self.name)
        return found is self.value and getattr(found, "__code__", None) is self.code

    def restore(self) -> None:
        if self.code is not None:
            self.value.__code__ = self.code
        if _get(self.owner, self.name) is not self.value:
            setattr(self.owner, self.name, self.value)


class Seal:
    """What was there at one moment. `mend()` names what is another object now."""

    def __init__(self, *more: ModuleType) -> None:
        parts = {(id(p.owner), p.name): p for p in _everything(more)}
        self._parts = tuple(parts.values())

    def mend(self) -> list[str]:
        """Put back what was replaced or removed since, and return its names.

        Put back first of all: what judges the code next must be the harness's own.
        """
        broken = [part for part in self._parts if not part.is_whole()]
        for part in broken:
            part.restore()
        return [part.label for part in broken]


def _everything(more: tuple[ModuleType, ...]) -> Iterator[_Part]:
    harness = [m for n, m in list(sys.modules.items()) if n.startswith("prototypes.harness.") and m]
    for module in (time, builtins, math, statistics, *harness, *more):
        yield from _members(module)
    torch = importlib.import_module("torch")
    yield from _named("torch", torch, TORCH_FUNCTIONS)
    yield from _named("torch.Tensor", torch.Tensor, TENSOR_METHODS)
    yield from _named("torch.cuda", torch.cuda, CUDA_FUNCTIONS)
    yield from _named("torch.cuda.Event", torch.cuda.Event, ("record", "elapsed_time", "wait"))
    yield from _named("torch.cuda.Event", torch.cuda.Event, ("synchronize", "query"))


def _members(module: ModuleType) -> Iterator[_Part]:
    """Yield a module's functions and classes, and the functions of its own classes."""
    for name, value in list(vars(module).items()):
        if not isinstance(value, (FunctionType, BuiltinFunctionType, type)):
            continue
        label = f"{module.__name__}.{name}"
        yield _part(label, module, name)
        if isinstance(value, type) and value.__module__ == module.__name__ != "builtins":
            for inner, member in list(vars(value).items()):
                if isinstance(member, (FunctionType, property, classmethod, staticmethod)):
                    yield _part(f"{label}.{inner}", value, inner)


def _named(label: str, owner: Any, names: tuple[str, ...]) -> Iterator[_Part]:
    for name in names:
        if _get(owner, name) is not None:
            yield _part(f"{label}.{name}", owner, name)


def _part(label: str, owner: Any, name: str) -> _Part:
    value = _get(owner, name)
    return _Part(label, owner, name, value, getattr(value, "__code__", None))


def _get(owner: Any, name: str, default: Callable[[], Any] | None = None) -> Any:
    # A class's own entry first: `getattr` would bind a classmethod anew each time.
    own = vars(owner).get(name)
    return own if own is not None else getattr(owner, name, default)
