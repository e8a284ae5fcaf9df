"""Clocks, power and reasons for throttling while a GPU is at work; looked at, never touched."""

from __future__ import annotations

from typing import Any

from prototypes.harness import environment

WHEN = "timing"
"""Progress messages that begin so are sent between rounds: the device is under load."""

THROTTLED = {
    # nvml.h, nvmlClocksEventReasons; idle (1), application clocks (2) and sync boost (16) are none.
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}


class GpuWatch:
    """Asks for the state before, once in the midst of each process's timing, and after."""

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._before = environment.gpu_state() if is_on else None
        self._during: list[dict[str, str]] = []
        self._was_timing = False

    def look(self, message: str) -> None:
        """Take a progress message; asks at the second message of each stretch of timing."""
        is_timing = message.startswith(WHEN)
        if self._is_on and is_timing and not self._was_timing:
            state = environment.gpu_state()
            if state is not None:
                self._during.append(state)
        self._was_timing = is_timing

    def to_json(self) -> dict[str, Any] | None:
        """Return the states and the reasons for throttling seen in any; None on a CPU."""
        if not self._is_on:
            return None
        after = environment.gpu_state()
        seen = [s for s in (self._before, *self._during, after) if s]
        return {
            "before": self._before,
            "during": self._during,
            "after": after,
            "throttled": list(dict.fromkeys(r for s in seen for r in reasons(s))),
        }


def reasons(state: dict[str, str]) -> list[str]:
    """Return why a card's clocks were held down, in words."""
    try:
        bits = int(state.get("clocks_throttle_reasons.active", "0"), 16)
    except ValueError:  # "[N/A]" where the driver doesn't tell
        return []
    return [words for bit, words in THROTTLED.items() if bits & bit]
