"""Waiting for a database server that is away for a moment: it restarts, or another takes over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from db.dialects import POSTGRES
from db.errors import UnreachableError

PATIENCE_S = 60.0
"""How long work that runs by itself waits for the server; a person is told at once."""
PAUSE_S = 0.5

_Result = TypeVar("_Result")


def patiently(
    engine: Engine,
    act: Callable[[], _Result],
    *,
    is_wanted: Callable[[], bool] = lambda: True,
    patience_s: float = PATIENCE_S,
) -> _Result:
    """Return `act()`, which is called again as long as the catalog's server is away.

    A connection that breaks in a commit doesn't say whether it was made: `act` has to bear being
    done twice. Raises `UnreachableError` after `patience_s` seconds, when it is wanted no more,
    and at once for a catalog without a server.
    """
    give_up_at: float | None = None
    while True:
        try:
            return act()
        except UnreachableError:
            now = time.monotonic()
            give_up_at = give_up_at or now + patience_s
            if engine.dialect.name != POSTGRES or now >= give_up_at or not is_wanted():
                raise
            time.sleep(PAUSE_S)
