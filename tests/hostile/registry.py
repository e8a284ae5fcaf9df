"""The bombs by their names: each file has one trick; what is read from it doesn't matter."""

from __future__ import annotations

from collections.abc import Callable

WORDS = b"We present Nothing.\nNothing is 2.0x faster than vLLM on an A100 GPU.\n"
BOMBS: dict[str, Callable[[], bytes]] = {}


def bomb(suffix: str = "pdf") -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register a function that makes a file, named like itself."""

    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        BOMBS[f"{make.__name__}.{suffix}"] = make
        return make

    return keep
