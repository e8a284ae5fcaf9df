"""A 4-bit linear layer on any GPU: the Hopper kernels where they are written for it."""

from __future__ import annotations

import torch

from prototypes.weights.quantize import GROUP


class Int4Linear:
    """out (rows, outputs) = x (rows, inputs) W^T: x and out float16, contiguous.

    packed, scales: `packing`'s. Raises `ImportError` without Triton, `ValueError` where inputs
    aren't multiples of 64 and of the group.
    """

    def __init__(
        self, rows: int, inputs: int, outputs: int, device: torch.device, group: int = GROUP
    ) -> None:
        from prototypes.weights import gluon_launch, triton_portable

        self._linear: gluon_launch.Small | gluon_launch.Large | triton_portable.Portable | None = (
            None
        )
        hopper = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 9
        if hopper and group == GROUP:
            try:
                self._linear = gluon_launch.linear(rows, inputs, outputs, device)
            except ValueError:
                self._linear = None  # not a shape that it is written for
        if self._linear is None:
            self._linear = triton_portable.Portable(rows, inputs, outputs, group)

    def __call__(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write `out`."""
        assert self._linear is not None
        self._linear(x, packed, scales, out)
