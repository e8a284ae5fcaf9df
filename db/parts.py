"""Files that bear another name until they are whole, and what killed processes left of such."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

_LEFT = re.compile(
    r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-\w+\.part(?:-wal|-shm|-journal)?"
)


def new_part(target: Path) -> Path:
    """Make an empty file beside `target`, to be given its name when it is whole; return it.

    What processes of this machine that are no more left in the folder is deleted: one that is
    killed can't tidy up. Raises `OSError`.
    """
    machine = _machine()
    with suppress(OSError):  # a folder whose names can't be read may still be written to
        for file in target.parent.iterdir():
            found = _LEFT.fullmatch(file.name)
            if found and found["machine"] == machine and not _is_alive(int(found["process"])):
                file.unlink(missing_ok=True)
    own = f".{target.name}.{machine}-{os.getpid()}-"
    handle, name = mkstemp(prefix=own, suffix=".part", dir=target.parent)
    os.close(handle)
    return Path(name)


def _machine() -> str:
    """Return what tells this machine from others that share the folder."""
    return hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # there the question would be an order
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
