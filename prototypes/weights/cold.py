"""Weights that no cache holds: as many copies as it takes, used in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from prototypes.harness.ceilings import last_level_cache_bytes

if TYPE_CHECKING:
    import torch

FACTOR = 5
"""Copies together are so many times the last-level cache."""

Made = TypeVar("Made")


def cache_bytes(device: torch.device) -> int:
    """Return the size of the device's last-level cache."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    return last_level_cache_bytes()


def copies(bytes_each: int, cache: int) -> int:
    """Return how many copies of a layer are used in turn: at least two."""
    return max(2, -(-FACTOR * cache // max(bytes_each, 1)))


def in_turn(make: Callable[[int], Made], bytes_each: int, device: torch.device) -> list[Made]:
    """Return the copies: `make` of 0, 1, …; copy i is used in call i modulo their number."""
    return [make(number) for number in range(copies(bytes_each, cache_bytes(device)))]
