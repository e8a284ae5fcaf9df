"""Linux' own means of confinement: Landlock for files and seccomp for system calls.

Both are asked for through the C library and need no privilege. A kernel without them (or a
container that forbids them) leaves the process as it was: each function returns whether it took
hold. Sources: the kernel's documentation, userspace-api/landlock and userspace-api/seccomp_filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from pathlib import Path

from analyzers.system_calls import (
    CLONE,
    CLONE3,
    MACHINES,
    PRCTL,
    PRLIMIT,
    TGKILL,
    refused_on,
)

_PR_SET_NO_NEW_PRIVS = 38

# The system calls' numbers are the same on all architectures since 424.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many access rights for files each version of Landlock knows; later ones know 16."""

_SIGNALS_SINCE = 6

_SECCOMP_SET_FILTER, _ALL_THREADS = 1, 1
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_REFUSE, _UNKNOWN = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
_OTHER_ABI = 0x40000000  # x32 calls carry this bit
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where these lie in what a filter is shown of a call."""
_CLONE_THREAD = 0x10000
_PR_SET_PDEATHSIG = 1

_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""The audit architecture, and seccomp's number."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def forbid_files(readable: Iterable[Path]) -> bool:
    """Take away all files but `readable`, those for reading only; open ones stay open.

    Return whether the kernel does it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return False
    handled = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=Q", handled)
    if version >= _SIGNALS_SINCE:  # nor may it signal processes, or talk to them by abstract names
        attributes = struct.pack("=QQQ", handled, 0, 3)
    rules = libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(libc, rules, path)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path) -> None:
    try:
        opened = os.open(path, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    except OSError:  # it isn't there: nothing to allow
        return
    try:
        rights = _READ_FILE | _READ_FOLDER if path.is_dir() else _READ_FILE
        rule = struct.pack("=Qi", rights, opened)
        libc.syscall(_LANDLOCK_ADD, rules, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(opened)


def forbid_system_calls() -> bool:
    """Refuse what a reader has no use for (`analyzers.system_calls`): the network, processes, other
    files' modes and owners, memory that outlives it; return whether it took hold.

    It may still make threads, signal itself, and lower its own limits.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        return False
    architecture, seccomp = _MACHINES[machine]
    code = _filter(machine, architecture, os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program = _Program(len(code) // 8, code)
    done = libc.syscall(seccomp, _SECCOMP_SET_FILTER, _ALL_THREADS, ctypes.byref(program))
    return bool(done == 0)


_Step = tuple[int, int, int, int]
"""An instruction of 8 bytes: (code, steps to skip if true, if false, value)."""


def _filter(machine: str, architecture: int, own: int) -> bytes:
    """Return the filter for a process whose number is `own`."""
    place = MACHINES[machine]
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _REFUSE),
        *_only(CLONE[place], (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD)),
        *_only(TGKILL[place], (_JUMP_EQUAL, 0, 1, own)),
        *_only(PRLIMIT[place], (_JUMP_EQUAL, 0, 1, 0)),  # 0 is the process itself
        *_only(PRCTL[place], (_JUMP_EQUAL, 1, 0, _PR_SET_PDEATHSIG)),
        # What it asks for lies in memory, where no filter looks: the C library falls back to clone.
        (_JUMP_EQUAL, 0, 1, CLONE3[place]),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    refused = refused_on(machine)
    count = len(refused)
    steps += [(_JUMP_EQUAL, count - at, 0, call) for at, call in enumerate(refused)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _only(call: int, test: _Step) -> list[_Step]:
    """Return the steps that allow a call where `test` of its first argument skips nothing."""
    return [
        (_JUMP_EQUAL, 0, 4, call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
