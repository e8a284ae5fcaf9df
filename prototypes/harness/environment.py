"""Which machine a document was measured on, as far as a reader needs to judge its numbers.

`probe` runs in a child (it needs torch); `host`, `gpu_state` and `git_state` need none.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATACENTRE = re.compile(
    r"\b(A10|A16|A30|A40|A100|A800|B100|B200|B300|GB200|GB300|GH200|H20|H100|H200|H800|L4|L40S?"
    r"|P100|T4|V100|MI\d{3}\w*)\b"
)
GPU_FIELDS = (
    "uuid",
    "driver_version",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "power.limit",
    "power.draw",
    "temperature.gpu",
    "clocks_throttle_reasons.active",
    "mig.mode.current",
)


def slug(name: str) -> str:
    """Turn a model's name into an id: `NVIDIA H100 80GB HBM3` → `nvidia-h100-80gb-hbm3`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


def device_class(name: str, kind: str) -> str:
    """Return cpu, consumer_gpu or datacentre_gpu."""
    if kind == "cpu":
        return "cpu"
    return "datacentre_gpu" if DATACENTRE.search(name) else "consumer_gpu"


def host() -> dict[str, Any]:
    """Return processor, cores, memory and present load of this machine."""
    load = os.getloadavg()
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load": [round(x, 2) for x in load],
    }


def cpu_name() -> str:
    """Return the processor's model name, or its architecture."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        info = ""
    match = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    return match.group(1).strip() if match else platform.machine() or "unknown"


def gpu_state(index: int = 0) -> dict[str, str] | None:
    """Return clocks, power, temperature and throttle bits of a GPU; None without nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader", f"--id={index}"]
    text = _output([program, *query])
    values = [v.strip() for v in text.split(",")] if text else []
    return dict(zip(GPU_FIELDS, values, strict=True)) if len(values) == len(GPU_FIELDS) else None


def git_state() -> dict[str, Any] | None:
    """Return the commit of this checkout and whether prototypes differ from it; None outside."""
    commit = _output(["git", "-C", str(ROOT), "rev-parse", "HEAD"])
    if not commit:
        return None
    changed = _output(["git", "-C", str(ROOT), "status", "--porcelain", "--", "."])
    return {"commit": commit, "dirty": bool(changed)}


def code_hash(*folders: Path) -> str:
    """Return a hash of all Python files in these folders: the identity of what was measured."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(b"\0")
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def software() -> dict[str, str | None]:
    """Return the versions that matter; imports torch."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    try:
        triton: str | None = version("triton")
    except PackageNotFoundError:
        triton = None
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "triton": triton,
        "cuda": torch.version.cuda,
        "os": platform.platform(terse=True),
    }


def device_record(kind: str) -> dict[str, Any]:
    """Return id, name, class and index of the device; imports torch."""
    if kind == "cpu":
        name = cpu_name()
        return {
            "device_id": slug(name),
            "device_name": name,
            "device_class": "cpu",
            "device": "cpu",
        }
    import torch

    name = torch.cuda.get_device_name(0)
    properties = torch.cuda.get_device_properties(0)
    return {
        "device_id": slug(name),
        "device_name": name,
        "device_class": device_class(name, kind),
        "device": "cuda:0",
        "gpu": {
            "memory_bytes": properties.total_memory,
            "multiprocessors": properties.multi_processor_count,
            "l2_bytes": properties.L2_cache_size,
            "capability": f"{properties.major}.{properties.minor}",
        },
    }


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
