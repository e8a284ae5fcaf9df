"""Sets up the Hopper kernels of drafting and verifying for one shape: cuts, launches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from prototypes.weights.packing import padded
from prototypes.weights.quantize import GROUP

MOST_ROWS = 8
UPPER, JOINED, BYTES = 0, 1, 2
"""Forms of a step: the draft over the upper plane, the verifier over both planes, the draft in
8-bit products over 4-bit codes."""
HALF, ALL = 112 << 10, 226 << 10
"""Bytes of shared memory of two programs a multiprocessor, and of one."""
KEPT = 32 << 10
"""Bytes that rows of x may take to stay for all passes."""
MOST_STAGES = 10


@dataclass(frozen=True, slots=True)
class Cut:
    """How a step is cut up.

    blocks: most blocks of 16 outputs that a warp has at a time; warps: of a program, which divide
    the inputs; stages: most places of a warp's ring; early: whether weights are read before the
    launch ahead in the stream is done.
    """

    blocks: int = 3
    warps: int = 8
    stages: int = MOST_STAGES
    early: bool = True


FEW, WIDE = Cut(), Cut(blocks=7)


def best(form: int, rows: int) -> Cut:
    """Return the best cut, found by the sweeps in LOG.md."""
    return WIDE if form == UPPER and rows == 1 else FEW


def shared(each: int, most: int) -> tuple[int, int]:
    """Return blocks at a time and passes for so many blocks a program: the least left over."""
    if each <= most:
        return each, 1
    return min(
        ((blocks, -(-each // blocks)) for blocks in range(2, most + 1)),
        key=lambda pair: (pair[0] * pair[1], pair[1]),
    )


def registers(warps: int) -> int:
    """Return what a thread may take so that two programs fit."""
    return min(65536 // (64 * warps), 240)


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
        cut: Cut | None = None,
    ) -> None:
        if not 0 < rows <= MOST_ROWS or inputs % GROUP or outputs < 1:
            raise ValueError(f"{rows} rows by {inputs} inputs: takes 1 to 8 by multiples of 128.")
        self.form, self.rows, self.inputs, self.outputs = form, rows, inputs, outputs
        self.cut = cut = cut or best(form, rows)
        self.room = 1 if rows == 1 else 4 if rows <= 4 else 8
        self.groups = inputs // GROUP
        self.turns = -(-self.groups // cut.warps)
        self.all_blocks = padded(outputs) // 16
        cores = torch.cuda.get_device_properties(device).multi_processor_count
        each = -(-self.all_blocks // min(cores, self.all_blocks))
        self.blocks, self.passes = shared(each, max(cut.blocks, 2))
        self.programs = min(cores, self.all_blocks)
        self.x_place = self.room * (GROUP if form == BYTES else 2 * GROUP)
        kept = self.turns * cut.warps * self.x_place
        self.keeps = self.passes > 1 and kept <= KEPT
        total = self.passes * self.turns
        most = min(max(cut.stages, 2), total)
        fits = [n for n in range(1 if total == 1 else 2, most + 1) if self.bytes_of(n) <= HALF]
        self.stages = max(fits, default=min(2, total))
        self.refills = total > self.stages
        if self.bytes_of(self.stages) > ALL:
            raise ValueError(f"{cut} takes more shared memory than there is.")

    def bytes_of(self, stages: int) -> int:
        """Return the shared memory of a program with so many stages."""
        place = self.blocks * (512 if self.form == UPPER else 1024) + -(-self.blocks // 4) * 128
        mine = stages * place + (self.turns if self.keeps else stages) * self.x_place
        buffers = self.passes if self.room == 1 or self.passes == 1 else 2
        left = self.room * (16 * self.blocks + 4) * 4
        return self.cut.warps * (mine + buffers * left) + 1023 & ~1023

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

        warps = self.cut.warps
        options: dict[str, Any] = {"num_warps": warps, "maxnreg": registers(warps)}
        if self.cut.early:
            options["launch_pdl"] = True
        launch: Any = gluon_steps.step[(self.programs,)]
        words = x.view(torch.int32)
        launch(
            words, words.view(torch.float32) if x_scales is None else x_scales, codes,
            codes if lower is None else lower, scales.view(torch.int32), out, self.rows,
            self.inputs // (4 if self.form == BYTES else 2), self.outputs, self.all_blocks,
            self.groups, self.turns, self.programs, FORM=self.form, BLOCKS=self.blocks,
            PASSES=self.passes, KEEPS=self.keeps,
            X_PLACES=self.turns if self.keeps else self.stages, ROOM=self.room,
            STAGES=self.stages, REFILLS=self.refills, NW=warps, EARLY=self.cut.early, **options,
        )  # fmt: skip
