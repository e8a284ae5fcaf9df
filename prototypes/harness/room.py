"""Is there memory enough for a case? Told before anything of it is allocated.

What is needed is a lower bound: the sets that rotate and the copies that the checks make, each of
the bytes that one call reads and writes, and what the case itself declares for its workspaces.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prototypes.harness.status import Status

if TYPE_CHECKING:
    import torch

    from prototypes.harness.declarations import Case
    from prototypes.harness.workload import Workload

COPIES = 4
"""Two input sets at least, fresh values to write into them, and the inputs before a call."""
UNBOUNDED = 1 << 60


def needed_bytes(workload: Workload, case: Case) -> int:
    """Return the least that a measurement of this case takes on its device."""
    return COPIES * workload.work(case).bytes + case.memory_bytes


def lacking(workload: Workload, case: Case, device: torch.device) -> dict[str, Any] | None:
    """Return the record of a run that can't be made for want of memory; None if there is enough."""
    needed, available = needed_bytes(workload, case), available_bytes(device)
    if needed <= available:
        return None
    message = (
        f"Needs at least {_told(needed)} of memory, and {_told(available)} are available on "
        f"{device.type}."
    )
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if device.type == "cpu" and limit != resource.RLIM_INFINITY:
        message += f" The limit of --memory is {_told(limit)}."
    return {
        "status": str(Status.NOT_RUNNABLE),
        "error": {
            "kind": str(Status.NOT_RUNNABLE),
            "message": message,
            "needed_bytes": needed,
            "available_bytes": available,
        },
    }


def available_bytes(device: torch.device) -> int:
    """Return what may still be allocated on the device, by the narrowest of its limits."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    own = _status("/proc/self/status")
    address_space = resource.getrlimit(resource.RLIMIT_AS)[0]
    rooms = [
        _status("/proc/meminfo").get("MemAvailable", UNBOUNDED),
        _control_group(),
    ]
    if address_space != resource.RLIM_INFINITY:
        rooms.append(address_space - own.get("VmSize", 0))
    return max(min(rooms), 0)


def _status(path: str) -> dict[str, int]:
    """Return the sizes in a file of /proc, in bytes."""
    sizes = {}
    with suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if value.endswith(" kB"):
                sizes[name] = int(value.removesuffix("kB")) << 10
    return sizes


def _control_group() -> int:
    """Return what a container still allows (cgroup v2)."""
    with suppress(OSError, ValueError):
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")
        return int(limit) - int(used)
    return UNBOUNDED


def _told(size: int) -> str:
    if size < 1 << 30:
        return f"{size / (1 << 20):.3g} MB"
    return f"{size / (1 << 30):.3g} GB"
