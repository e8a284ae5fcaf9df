"""What a process that parses hostile bytes may do: so much memory and time, and little else.

Limits on memory, time and files hold on every Unix. On Linux the kernel also takes away the
network, other programs, writing, and reading anything but the paper and Python's own libraries: a
bug in a C parser that lets a PDF run code gives that code nothing to work with. Where the kernel
has no such means, the limits stay.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

MEMORY_BYTES = 1 << 30
"""Address space of a worker; the analysis of a paper takes some 140 MB."""
OPEN_FILES = 128
_PR_SET_PDEATHSIG = 1


def confine(
    parent: int, *, memory_bytes: int = MEMORY_BYTES, output_bytes: int = 0,
    readable: Iterable[Path] = (),
) -> None:  # fmt: skip
    """Tie this process' life to `parent`'s and limit what it may take; there is no way back.

    It may write `output_bytes` into a file that is open already, and open `readable` (files, or
    folders with all that is in them) and Python's own files for reading.
    """
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # a handler written in Python would wait for MuPDF's C code to come back: die at once
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent)
    try:
        import resource
    except ImportError:  # Windows has no such limits; the wall clock stays
        return
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, output_bytes),
    ):
        _, hard = resource.getrlimit(what)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):
            continue
    if sys.platform == "linux":
        from analyzers.sandbox import forbid_files, forbid_system_calls

        forbid_files([*_python_folders(), *readable])
        forbid_system_calls()


def limit_cpu(seconds: float) -> None:
    """Give what comes next its CPU time, on top of what this process used before."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))


def silence(*streams: int) -> None:
    """Send what C libraries print to nowhere: a paper's bytes have no business on a terminal."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(sink, stream)
    os.close(sink)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)


def _python_folders() -> list[Path]:
    """Return where Python's modules and the system's libraries lie, for what is imported late."""
    named = [sys.prefix, sys.base_prefix, *sys.path, Path(__file__).parents[1]]
    libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"]
    return [Path(name) for name in dict.fromkeys(map(str, (*named, *libraries))) if name]
