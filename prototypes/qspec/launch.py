"""Sets up the Hopper kernels of drafting and verifying: splits, workspaces, launches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from prototypes.weights.packing import ROWS, padded
from prototypes.weights.quantize import GROUP

MOST_ROWS = 8
UPPER, JOINED, BYTES = 0, 1, 2
"""Forms of a step: the draft over the upper plane, the verifier over both planes, the draft in
8-bit products over 4-bit codes."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a step cuts its work.

    blocks: 16 outputs each, of a warp; ways: warps that share outputs and divide the inputs among
    them; stages: places of the ring for x; programs a multiprocessor; early: whether weights are
    read before the launch ahead in the stream is done.
    """

    blocks: int = 4
    ways: int = 4
    stages: int = 3
    warps: int = 8
    programs: int = 2
    early: bool = True

    @property
    def strip(self) -> int:
        """Outputs of a program at a time."""
        return self.warps // self.ways * 16 * self.blocks


BEST = {UPPER: Split(), JOINED: Split(), BYTES: Split()}
"""By form; found by the sweeps in LOG.md."""


def split_for(form: int, groups: int) -> Split:
    """Return the best split whose ways divide the groups of the inputs."""
    best = BEST[form]
    ways = best.ways
    while groups % ways:
        ways //= 2
    return replace(best, ways=ways)


class Step:
    """out (rows, outputs) = x (rows, inputs) W^T for up to 8 rows, in one launch, on Hopper.

    x, out float16, contiguous (form BYTES: x int8 in `activations.ordered`'s order, with row scales
    float32); codes as `planes.pack` or `weights.packing` has them, scales as `pack_scales`. Raises
    `ValueError` for shapes that it isn't written for.
    """

    def __init__(
        self,
        form: int,
        rows: int,
        inputs: int,
        outputs: int,
        device: torch.device,
        split: Split | None = None,
    ) -> None:
        if not 0 < rows <= MOST_ROWS or inputs % GROUP or outputs < 1:
            raise ValueError(f"{rows} rows by {inputs} inputs: takes 1 to 8 by multiples of 128.")
        groups = inputs // GROUP
        split = split or split_for(form, groups)
        if groups % split.ways:
            raise ValueError(f"{split} doesn't fit {groups} groups.")
        self.form, self.rows, self.inputs, self.outputs = form, rows, inputs, outputs
        self.split = split
        self.tiles = padded(outputs) // ROWS
        strips = -(-padded(outputs) // split.strip)
        self.slices = groups // split.ways
        self.units = strips * self.slices
        cores = torch.cuda.get_device_properties(device).multi_processor_count
        self.programs = min(cores * split.programs, self.units)
        self.partial = torch.empty(
            (self.programs, 2, MOST_ROWS, split.strip), dtype=torch.float32, device=device
        )
        self.tickets = torch.zeros(strips, dtype=torch.int32, device=device)

    def __call__(
        self,
        x: torch.Tensor,
        codes: torch.Tensor,
        scales: torch.Tensor,
        out: torch.Tensor,
        lower: torch.Tensor | None = None,
        x_scales: torch.Tensor | None = None,
    ) -> None:
        """Write `out`."""
        from prototypes.qspec import gluon_steps

        split = self.split
        options: dict[str, Any] = {"num_warps": split.warps}
        if split.early:
            options["launch_pdl"] = True
        if split.programs > 1:
            options["maxnreg"] = 65536 // (32 * split.warps * split.programs)
        launch: Any = gluon_steps.step[(self.programs,)]
        launch(
            x.view(torch.int32), self.partial if x_scales is None else x_scales, codes,
            codes if lower is None else lower, scales.view(torch.int32), out, self.partial,
            self.tickets, self.rows, self.inputs // (4 if self.form == BYTES else 2), self.outputs,
            self.tiles, self.slices, self.units, self.programs, FORM=self.form,
            BLOCKS=split.blocks, WAYS=split.ways, STAGES=split.stages, NW=split.warps,
            EARLY=split.early, **options,
        )  # fmt: skip
