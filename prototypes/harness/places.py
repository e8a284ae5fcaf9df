"""Where the processes of a session run: cores, threads, and what each may take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from prototypes.harness import cpu
from prototypes.harness.declarations import Device
from prototypes.harness.isolation import Child, Limits
from prototypes.harness.plans import Settings
from prototypes.harness.several import Plan as Processes
from prototypes.harness.timing import PROCESSES

PRELOAD = ("torch",)
"""What is heavy, loaded before a process has its turn; never the prototype's own code."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the processes of a session run."""

    settings: Settings
    mark: str
    lock: str
    cores: tuple[int, ...] | None = field(init=False)
    all_cores: tuple[int, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        on_cpu = self.settings.device is Device.CPU
        everyone = tuple(sorted(os.sched_getaffinity(0)))
        more = on_cpu and not self.settings.quick and len(everyone) > self.settings.threads
        cores = cpu.idlest(self.settings.threads) if on_cpu else None
        object.__setattr__(self, "cores", cores)
        object.__setattr__(self, "all_cores", everyone if more else None)

    def child(self, limits: Limits, preload: Sequence[str], with_all: bool = False) -> Child:
        """Start a process on the cores of a measurement, or on all that there are."""
        cores = self.all_cores if with_all else self.cores
        threads = len(cores or ()) if with_all else self.threads
        return Child(limits, preload, cores, threads, self.mark, self.lock)

    @property
    def threads(self) -> int | None:
        """CPU threads of a process; None on a GPU."""
        return self.settings.threads if self.settings.device is Device.CPU else None

    def processes(self) -> Processes:
        """Return how the processes of one measurement are started."""
        return Processes(
            limits=limits_of(self.settings),
            processes=PROCESSES["quick" if self.settings.quick else "full"],
            preload=PRELOAD,
            cores=self.cores,
            threads=self.threads,
            mark=self.mark,
            lock=self.lock,
            all_cores=self.all_cores,
        )


def limits_of(settings: Settings) -> Limits:
    """Return the time and memory that one of its processes may take."""
    if settings.device is Device.CPU:
        return Limits(settings.seconds, settings.memory_bytes)
    # A CUDA process maps gigabytes of libraries alone: this only keeps the machine alive.
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Limits(
        settings.seconds, None, resident_bytes=max(settings.memory_bytes, machine * 3 // 4)
    )
