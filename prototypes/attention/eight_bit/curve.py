"""How the speed-up goes with length, head dimension and mask: figures beside one case's run.

Cases are measured with all that the harness does; there are too many shapes for that. These are
three interleaved samples each, by the harness's own timer, in one process, without intervals. What
matters most comes first: shapes that the time isn't enough for are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import TYPE_CHECKING

from prototypes.attention import baselines, inputs
from prototypes.attention.eight_bit.declared import case
from prototypes.harness.figures import Figure
from prototypes.harness.timing import timer_for
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors

if TYPE_CHECKING:
    import torch

    from prototypes.harness.declarations import Case

LENGTHS = (1024, 2048, 4096, 8192, 16384)
SHAPES = tuple(
    case(4, 32, seq, dim, causal=causal)
    for dim, causal in ((128, False), (64, False), (128, True), (64, True))
    for seq in LENGTHS
)
SAMPLES = 3
SECONDS = 15.0
"""No shape is begun after this: compiling for a new kind of shape takes seconds."""
OWN = "own"
NOTE = f"device time, median of {SAMPLES} interleaved samples, quantization counted"

Build = Callable[["Case"], Kernel]
Alone = Callable[["Case"], Callable[[Tensors, Tensors], Callable[[], None]]]


def figures(
    device: torch.device,
    seed: int,
    build: Build,
    alone: Alone,
    rivals: Mapping[str, Build],
    printed: Mapping[tuple[str, str], float],
) -> Iterator[Figure]:
    """Yield operations a second and speed-ups against each rival for all shapes.

    `printed` has what the paper prints for a case's id and a rival.
    """
    start = time.monotonic()
    for shape in SHAPES:
        if time.monotonic() - start > SECONDS:
            return
        times = _times(shape, device, seed, build, alone, rivals)
        own = times.pop(OWN)
        yield Figure(f"{shape.id}: speed", _operations(shape) / own / 1e6, "TOPS", note=NOTE)
        for name, time_us in times.items():
            if name == "kernel alone":
                yield Figure(f"{shape.id}: call over kernel alone", own / time_us, "x", note=NOTE)
                continue
            paper = printed.get((shape.id, name))
            note = f"{NOTE}; the paper's is of another card, quantization not counted"
            yield Figure(
                f"{shape.id}: times as fast as {name}",
                time_us / own,
                "x",
                paper,
                note if paper else NOTE,
            )


def _operations(shape: Case) -> float:
    """Return the operations of both products; half of them where there is a mask."""
    batch, heads, seq, dim = (
        int(shape.parameters[n]) for n in ("batch", "heads", "seq", "head_dim")
    )
    return 4 * batch * heads * seq * seq * dim / (2 if baselines.is_causal(shape) else 1)


def _times(
    shape: Case,
    device: torch.device,
    seed: int,
    build: Build,
    alone: Alone,
    rivals: Mapping[str, Build],
) -> dict[str, float]:
    """Return the median microseconds of each contestant."""
    import torch

    given = inputs.make(shape.parameters, device, seed)
    outputs = {"out": torch.empty_like(given["query"])}
    kernel = build(shape)
    prepared = alone(shape)(given, outputs)
    calls: dict[str, Callable[[int], object]] = {
        OWN: lambda _: kernel(given, outputs),
        "kernel alone": lambda _: prepared(),
    }
    for name, set_up in rivals.items():
        try:
            calls[name] = _call(set_up(shape), given, outputs)
        except NotRunnableError:
            continue
    timer = timer_for(device)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call(0)
    for number in range(SAMPLES):
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            samples[name].append(timer.sample(calls[name], [0]))  # type: ignore[arg-type]
    return {name: median(times) for name, times in samples.items()}


def _call(kernel: Kernel, given: Tensors, outputs: Tensors) -> Callable[[int], object]:
    """Return a rival's call, without the copy of its output into ours."""
    uncopied = getattr(kernel, "uncopied", None)
    if uncopied is not None:
        return lambda _: uncopied(given)
    return lambda _: kernel(given, outputs)
