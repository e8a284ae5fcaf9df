"""Watches what measured code does beside computing: looks around, patches, changes settings.

Python's audit hooks see the stack, the garbage collector and trace hooks being used; they can't be
removed. Only what the prototype's own code does counts: torch and triton look at stacks for reasons
of their own.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prototypes.harness.gates import Check
from prototypes.harness.seal import Seal
from prototypes.harness.tricks import Trick

LOOKING = frozenset(
    {"sys._getframe", "sys._current_frames", "sys._current_exceptions", "sys.settrace"}
    | {"sys.setprofile", "gc.get_objects", "gc.get_referrers", "gc.get_referents"}
)
FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
"""Attributes that lead from an exception or a generator into the stack."""

LIBRARIES = tuple(
    str(Path(sysconfig.get_paths()[kind]).resolve()) for kind in ("stdlib", "purelib", "platlib")
)
HARNESS = str(Path(__file__).resolve().parent)
GO_BETWEENS = ("inspect.py", "traceback.py")

_watching: Watch | None = None
_is_hooked = False


class Watch:
    """Collects what one prototype's code does while it is built and called."""

    def __init__(self, seal: Seal | None = None) -> None:
        # Bound now: what replaces the method later isn't what is asked.
        self._mend = (seal or Seal()).mend
        self._settings = settings()
        self._looks: list[str] = []
        self._patched: list[str] = []
        self._changed: list[str] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Watch the prototype's code while this block runs, then compare what it may not touch."""
        global _watching
        _hook()
        before, _watching = _watching, self
        try:
            yield
        finally:
            _watching = before
            self.look()

    def look(self) -> None:
        """Compare seal and settings with what they were; a broken seal is mended."""
        for label in self._mend():
            if label not in self._patched:
                self._patched.append(label)
        now = settings()
        for name, value in self._settings.items():
            if now[name] != value and name not in self._changed:
                self._changed.append(name)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take one audit event; for the hook."""
        if event == "object.__getattr__":
            if len(arguments) < 2 or arguments[1] not in FRAMES:
                return
            event = f"{arguments[1]} of {type(arguments[0]).__name__}"
        elif event not in LOOKING:
            return
        if event not in self._looks and _is_own_code():
            self._looks.append(event)

    def checks(self) -> list[Check]:
        """Return what was seen so far as checks, named after it."""
        seen = (
            ("replaced", self._patched, Trick.PATCHED),
            ("looked at the harness", self._looks, Trick.LOOKED),
            ("changed settings", self._changed, Trick.SETTINGS),
        )
        return [Check.none(_named(what, found), len(found), t) for what, found, t in seen]


def settings() -> dict[str, Any]:
    """Return the settings of the process that change what is measured; imports torch."""
    import torch

    return {
        "torch.get_num_threads": torch.get_num_threads(),
        "torch.get_num_interop_threads": torch.get_num_interop_threads(),
        "torch.get_default_dtype": torch.get_default_dtype(),
        "torch.get_float32_matmul_precision": torch.get_float32_matmul_precision(),
        "torch.backends.cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "torch.are_deterministic_algorithms_enabled": (
            torch.are_deterministic_algorithms_enabled()
        ),
        "sys.gettrace": sys.gettrace(),
        "sys.getprofile": sys.getprofile(),
        "torch function modes": torch._C._len_torch_function_stack(),
        "torch dispatch modes": torch._C._len_torch_dispatch_stack(),
    }


def _named(what: str, found: list[str]) -> str:
    return f"{what}: {', '.join(found[:4])}" if found else what


def _hook() -> None:
    global _is_hooked
    if _is_hooked:
        return
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        watch = _watching
        if watch is None or busy:
            return
        busy = True
        try:
            watch.note(event, arguments)
        finally:
            busy = False

    sys.addaudithook(hook)
    _is_hooked = True


def _is_own_code() -> bool:
    """Whether a prototype's code did what is being audited, itself or through inspect."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        is_between = file.endswith(GO_BETWEENS) and file.startswith(LIBRARIES)
        # `contextmanager` and the hook itself stand between the code and the harness.
        if not file.startswith(HARNESS) and not is_between:
            return not file.startswith((*LIBRARIES, "<frozen")) and "-packages/" not in file
        frame = frame.f_back
    return False
