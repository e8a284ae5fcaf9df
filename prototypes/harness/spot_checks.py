"""Checks in the midst of the timing: the calls that are timed are the calls that are checked.

Outputs are poisoned before every sample and looked at after it. In rounds that are drawn anew for
each run, and after any number of calls, the outputs are also held against the oracle: code can't
know which of its calls will be.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prototypes.harness.calls import in_place, overwrite, synchronize
from prototypes.harness.declarations import Case
from prototypes.harness.gates import Check
from prototypes.harness.handed import Handed, changed_check, poison, raw, unwritten
from prototypes.harness.precision import dropped
from prototypes.harness.timing import Call, Timer
from prototypes.harness.tricks import Trick
from prototypes.harness.watch import Watch
from prototypes.harness.workload import Kernel, Tensors, Workload

if TYPE_CHECKING:
    import torch

SURE = 2
"""Rounds among the first that are certainly checked."""
CHANCE = 0.08
"""Of any other round."""
PHASE = "while timed"

Sampler = Callable[[int], float]

_processor_ns = time.process_time_ns
"""Held from the start, as the timers' clocks are."""


class SpotChecks:
    """Wraps what is timed; `checks` is what was seen, merged by the caller."""

    def __init__(
        self,
        workload: Workload,
        case: Case,
        sets: Sequence[Tensors],
        outputs: Tensors,
        device: torch.device,
        watch: Watch,
        least_rounds: int,
    ) -> None:
        self.checks: list[Check] = []
        self._workload, self._case, self._device = workload, case, device
        self._sets, self._outputs, self._watch = sets, outputs, watch
        self._draw = secrets.SystemRandom()
        self._chosen = set(self._draw.sample(range(least_rounds), min(SURE, least_rounds)))
        # One makes as many calls as are timed: code that idles after the first is always seen.
        self._whole = self._draw.choice(sorted(self._chosen))
        self._fixed = in_place(workload, sets[0])
        self._handed: list[Handed] = []
        self._prints = [self._print(inputs) for inputs in sets]
        self._originals = {
            (i, key): inputs[key].clone() for i, inputs in enumerate(sets) for key in self._fixed
        }

    def call(self, kernel: Kernel) -> Call:
        """Return the call that is timed: the kernel on one set, tensors in dicts of their own.

        The dicts are made here, once: handing over costs nothing in the timed region.
        """
        given = [Handed(inputs) for inputs in self._sets]
        filled = Handed(self._outputs)
        self._handed += [*given, filled]

        def call(index: int) -> None:
            kernel(given[index].given, filled.given)

        return call

    def around(
        self, call: Call, timer: Timer, indices: Callable[[int], list[int]], *, checked: bool
    ) -> Sampler:
        """Return a sampler of this call; it takes the round's number.

        The candidate's checks as it goes. A baseline's only poisons as well, so that both find
        their outputs in the same state.
        """
        self._timer = timer
        before = self.restore if self._fixed else None

        def plain(number: int) -> float:
            self._poison()
            return timer.sample(call, indices(number), before)

        def sample(number: int) -> float:
            order = indices(number)
            poisons = self._poison()
            with self._watch.inside():
                time_us = timer.sample(call, order, before)
            self._look(poisons)
            if number in self._chosen or self._draw.random() < CHANCE:
                # Of its own, untimed, through the very same code: how many calls is drawn too.
                fewest = len(order) if number == self._whole else 1
                some = order[: self._draw.randint(fewest, len(order))]
                poisons = self._poison()
                with self._watch.inside():
                    timer.sample(call, some, before)
                self._look(poisons)
                self._verify(some[-1])
            return time_us

        return sample if checked else plain

    def afterwards(self, kernel: Kernel, rivals: Sequence[Kernel], time_us: float) -> list[Check]:
        """Return what can only be told once there is a time; overwrites the input sets."""
        call = self.call(kernel)
        workload, case, sets, device = self._workload, self._case, self._sets, self._device
        with self._watch.inside():
            return [
                *dropped(workload, kernel, rivals, case, sets[0], device),
                *remembered(workload, call, case, sets, device, self._timer),
                *left_behind(call, device, time_us),
            ]

    def finish(self) -> list[Check]:
        """Return all checks, the inputs' and the watch's among them."""
        changed = sum(a != self._print(b) for a, b in zip(self._prints, self._sets, strict=True))
        self.checks.append(Check.none("input sets changed", changed, Trick.WROTE_INPUTS))
        self.checks += [changed_check(handed, "tensors") for handed in self._handed]
        return [
            *(c.during(PHASE, Trick.WRONG_WHEN_TIMED) for c in self.checks),
            *self._watch.checks(),
        ]

    def restore(self, index: int) -> None:
        """Put back what the technique writes in place in this set; before each call, untimed."""
        for key in self._fixed:
            self._sets[index][key].copy_(self._originals[index, key])

    def _poison(self) -> dict[str, float]:
        return {key: poison(tensor) for key, tensor in self._outputs.items()}

    def _look(self, poisons: dict[str, float]) -> None:
        synchronize(self._device)
        missing = sum(unwritten(self._outputs[key], value) for key, value in poisons.items())
        self.checks.append(Check.none("outputs not written", missing, Trick.NOT_WRITTEN))

    def _verify(self, index: int) -> None:
        # What is written in place is judged as the call left it.
        inputs = dict(self._sets[index])
        copies = {key: tensor.clone() for key, tensor in self._outputs.items()}
        self.checks += self._workload.verify(self._case, inputs, copies)

    def _print(self, inputs: Tensors) -> tuple[int, ...]:
        """Return sums over the bytes that any change of a value changes."""
        return tuple(
            int(part.sum(dtype=_int64()))
            for key, tensor in sorted(inputs.items())
            if key not in self._fixed
            for part in (raw(tensor).flatten(), raw(tensor).flatten()[::3])
        )


def _int64() -> torch.dtype:
    import torch

    return torch.int64


def remembered(
    workload: Workload,
    call: Call,
    case: Case,
    sets: Sequence[Tensors],
    device: torch.device,
    timer: Timer,
) -> list[Check]:
    """Is it slower on inputs that nobody has seen? Then it knew the others.

    Each round times the same buffers with the declared values (seen in the timing, and foreseeable
    from the case's seed) and with values from a seed drawn at that moment, both written just
    before. An answer that is looked up costs less than one that is worked out: the ratio tells,
    whatever the key of the table is.
    """
    slowdowns: list[float] = []
    while len(slowdowns) < ATTEMPTS and all(s > SLOWER for s in slowdowns):
        slowdowns.append(_slowdown(workload, call, case, sets, device, timer))
    name = "times slower on inputs it has never seen"
    return [Check.at_most(name, min(slowdowns), SLOWER, Trick.REMEMBERED)]


SLOWER = 1.3
"""Fresh inputs may take so much longer: rejection loops and branches depend on values."""
ROUNDS = 7
ATTEMPTS = 3
"""All of them must show it: a busy machine, or luck with the values, doesn't do so every time."""
WIDTH = 3
"""Sets timed together: what depends on luck evens out."""


def _slowdown(
    workload: Workload,
    call: Call,
    case: Case,
    sets: Sequence[Tensors],
    device: torch.device,
    timer: Timer,
) -> float:
    chosen = list(range(min(WIDTH, len(sets))))

    def timed(seeds: list[int]) -> float:
        for index, seed in zip(chosen, seeds, strict=True):
            overwrite(sets[index], workload.inputs(case, device, seed))
        synchronize(device)
        if device.type == "cuda":
            return timer.sample(call, chosen)
        # The processor's time, not the wall's: others on the machine don't count.
        start = _processor_ns()
        for index in chosen:
            call(index)
        return (_processor_ns() - start) / 1e3

    times: dict[str, list[float]] = {"declared": [], "fresh": []}
    for number in range(ROUNDS):
        for arm in list(times)[:: 1 if number % 2 == 0 else -1]:
            declared = [case.seed + index for index in chosen]
            fresh = [secrets.randbits(31) for _ in chosen]
            times[arm].append(timed(declared if arm == "declared" else fresh))
    # The least of each: noise only adds, and luck with fresh values speaks for the code.
    return min(times["fresh"]) / max(min(times["declared"]), 1e-9)


def left_behind(call: Call, device: torch.device, time_us: float) -> list[Check]:
    """Is the device still at work when the call's own stream is idle? Then it works elsewhere."""
    if device.type != "cuda":
        return []
    from prototypes.harness.ordering import ordering_of

    count = max(4, min(64, int(2000 / max(time_us, 1.0))))
    left = ordering_of(device).left_behind_us(lambda: call(0), count)
    bar = max(200.0, 0.25 * count * time_us)
    return [Check.at_most("µs of work left when its stream was idle", left, bar, Trick.LATE)]
