"""How often something may be done: so many times within an hour, for each who does it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

HOUR_S = 3600.0


class Rates:
    """Counts what was done within the last hour; for threads of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[Hashable, deque[tuple[float, int]]] = {}

    def wait_s(self, key: Hashable, limit: int, cost: int = 1) -> float:
        """Count one more; 0 if that is within the limit, else how long to wait, uncounted."""
        now = self._clock()
        with self._lock:
            spent = self._spent.setdefault(key, deque())
            while spent and spent[0][0] <= now - HOUR_S:
                spent.popleft()
            held = sum(amount for _, amount in spent)
            if held + cost <= limit:
                spent.append((now, cost))
                return 0.0
            for at, amount in spent:
                held -= amount
                if held + cost <= limit:
                    return at + HOUR_S - now
            return HOUR_S
