"""What the device can do at most, as it was measured on it, and what is faster than that.

A time under the floor is not a good result but a wrong measurement: work that was skipped, a cache
that answered, a clock that was fooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from prototypes.harness.statistics import significant
from prototypes.harness.workload import Work

ALLOWANCE = 0.8
"""Share of the floor that a time may reach before it is refused: a pure read is about a tenth
faster than the copy that the rate was measured with, and a copy's rate has its own noise."""

LOW_PRECISION_FACTOR = 2.5
"""Eight-bit matrix units reach twice the rate of the 16-bit ones."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Measured ceilings; a copy counts bytes read plus bytes written."""

    copy_bytes_per_s: float
    cached_copy_bytes_per_s: float
    """The same for a buffer that stays in a cache: only a bound for cases that fit there."""
    cache_bytes: int
    matmul_flops_per_s: float
    """In the precision that most code computes in: bfloat16 on a GPU, float32 on a CPU."""
    matmul: Mapping[str, float] = field(default_factory=dict)
    """Operations a second by precision (float32, bfloat16, float16, int8, float8)."""
    threads: int | None = None
    """CPU threads that they were measured with."""

    def flops_per_s(self, work: Work) -> float:
        """Return the arithmetic ceiling in the precision that this work is done in."""
        return self.matmul.get(work.precision or "", self.matmul_flops_per_s)

    def floor_us(self, work: Work) -> float:
        """Return the time that moving the bytes, or doing the arithmetic, takes at least."""
        return 1e6 * max(work.bytes / self.copy_bytes_per_s, work.flops / self.flops_per_s(work))

    def impossible_us(self, work: Work, touched_bytes: int) -> float:
        """Return the time under which a measurement is refused.

        `touched_bytes` is what the rotating input sets take together: if they fit in a cache that
        isn't flushed, memory can't bound the time, the cache does. Arithmetic is bounded by the
        fastest unit there is, whatever precision was declared: code may do it in another.
        """
        fits = touched_bytes <= self.cache_bytes
        rate = self.cached_copy_bytes_per_s if fits else self.copy_bytes_per_s
        flops = max(LOW_PRECISION_FACTOR * self.matmul_flops_per_s, *self.matmul.values(), 1.0)
        return ALLOWANCE * 1e6 * max(work.bytes / max(rate, 1.0), work.flops / flops)

    def place(self, work: Work, time_us: float) -> dict[str, Any]:
        """Return where a time stands under this roof: the limit, which one it is, the share."""
        flops_per_s = self.flops_per_s(work)
        by_memory = work.bytes / self.copy_bytes_per_s >= work.flops / flops_per_s
        return {
            "floor_us": significant(self.floor_us(work), 4),
            "bound": "memory" if by_memory else "arithmetic",
            "fraction": significant(self.floor_us(work) / time_us, 3),
            "bytes_per_s": significant(work.bytes / time_us * 1e6, 4),
            "flops_per_s": significant(work.flops / time_us * 1e6, 4),
            "ceiling_bytes_per_s": significant(self.copy_bytes_per_s, 4),
            "ceiling_flops_per_s": significant(flops_per_s, 4),
            "precision": work.precision,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the record in the environment; `Rates(**record)` reads it."""
        record = {k: v for k, v in asdict(self).items() if v is not None}
        return {
            name: {k: significant(v, 4) for k, v in value.items()}
            if isinstance(value, dict)
            else value
            if name == "threads"
            else significant(value, 4)
            for name, value in record.items()
        }
