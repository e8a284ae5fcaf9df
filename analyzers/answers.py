"""What a child that reads hostile bytes sends back: plain data, whatever it sends.

Processes talk by pickle, and unpickling does what the bytes say: code that a file smuggled into its
reader would leave the reader's confinement (`analyzers.confinement`) by an answer. So an answer is
JSON inside of the few records that the pool itself sends, and nothing else is made out of it.
"""

from __future__ import annotations

import builtins
import io
import json
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

MOST_BYTES = 256 << 20
"""Of one answer. The largest that a file within the limits gives has some 30 MB."""

_RECORDS = {
    ("pebble.pool.process", "TaskResult"),
    ("pebble.pool.process", "TaskProblem"),
    ("pebble.pool.process", "Acknowledgement"),
    ("pebble.common.types", "Result"),
}
_AS_TBLIB_SENDS: dict[str, Callable[..., Any]] = {
    "unpickle_exception_with_attrs": lambda kind, attrs, *_: kind(*attrs.get("args", ())),
    "unpickle_exception": lambda kind, args, *_: kind(*args),
    "unpickle_traceback": lambda *_: None,
}
"""How exceptions are sent where `distributed` was imported, as on hosts: it has tblib pickle them,
with their tracebacks. Of these nothing is made but the exception."""


def packed(answer: Any) -> str:
    """Return what a child answers as it is sent; the other side calls `unpacked`."""
    return json.dumps(answer)


def unpacked(sent: Any) -> Any:
    """Return what a child answered; raises `ValueError` for anything that `packed` didn't make."""
    if not isinstance(sent, str):
        raise ValueError("a child's answer is no text")
    try:
        return json.loads(sent)
    except RecursionError as error:
        raise ValueError("a child's answer is nested too deep") from error


class ChildContext(SpawnContext):
    """Starts children afresh, and reads what comes from them with care."""

    def Pipe(self, duplex: bool = True) -> Any:  # noqa: N802 - multiprocessing calls it so
        """Return a pipe's ends; the one that reads here makes nothing but plain data.

        A child that gets an end makes an ordinary one of it: it trusts its parent.
        """
        reader, writer = super().Pipe(duplex)
        vars(reader)["recv"] = _careful(reader)
        return reader, writer


def _careful(reader: Connection[Any, Any]) -> Callable[[], Any]:
    return lambda: read(reader.recv_bytes(MOST_BYTES))


def read(sent: bytes) -> Any:
    """Return one message of a pool's child; raises `pickle.PicklingError`, which ends the pool."""
    try:
        return _Unpickler(io.BytesIO(sent)).load()
    except pickle.PicklingError:
        raise
    except Exception as error:  # bytes can go wrong in every way
        raise pickle.PicklingError("a child sent what is no message") from error


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what makes a record that pools send, or an exception.

        Never the class itself: a pickle may also set attributes of what it names.
        """
        if (module, name) in _RECORDS:
            found = super().find_class(module, name)
            return type(name, (found,), {})
        if (module, name) == ("pebble.common.types", "ResultStatus"):
            status = super().find_class(module, name)
            return lambda number: status(number)
        if (module, name) == ("pebble.common.types", "RemoteException.rebuild_exception"):
            return lambda error, told: error
        if module == "tblib.pickling_support" and name in _AS_TBLIB_SENDS:
            return _AS_TBLIB_SENDS[name]
        if module == "tblib" and name in ("Traceback", "Frame", "Code"):
            return type(name, (), {"__setstate__": lambda self, state: None})
        kind = getattr(builtins, name, None) if module == "builtins" else None
        if isinstance(kind, type) and issubclass(kind, Exception):
            return type(name, (kind,), {})
        raise pickle.PicklingError(f"a child sent {module[:40]}.{name[:40]}")
