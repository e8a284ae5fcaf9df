"""In whose name something is done, where people log in: it goes into the history of scores."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ACTOR: ContextVar[str | None] = ContextVar("actor", default=None)


def actor() -> str | None:
    """Return who acts in this thread, None where nobody logged in."""
    return _ACTOR.get()


def login_name() -> str:
    """Return the name of this process's user, empty where the machine knows none (a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@contextmanager
def acting(name: str | None) -> Iterator[None]:
    """Do what is inside in that person's name."""
    token = _ACTOR.set(name or None)
    try:
        yield
    finally:
        _ACTOR.reset(token)
