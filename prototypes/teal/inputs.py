"""One linear layer with one token's activations, its weights in every order that code wants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch

from prototypes.harness.declarations import Parameter
from prototypes.teal import families, rows4
from prototypes.teal.calibration import Histogram
from prototypes.weights import baselines, packing
from prototypes.weights.quantize import GROUP

CALIBRATION_TOKENS = 64
CALIBRATION_SEED = 20240826
SPREAD = 2.5
"""Standard deviation of the codes, which reach 7: what rounding 128 normal weights gives."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A case: y (outputs,) = x (inputs,) W (inputs, outputs)."""

    inputs: int
    outputs: int
    sparsity: float
    """Share of the inputs that the threshold drops in calibration."""
    is_int4: bool
    family: str

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter]) -> Plan:
        """Read a case's parameters."""
        return cls(
            int(parameters["inputs"]),
            int(parameters["outputs"]),
            float(parameters["sparsity"]) / 100,
            parameters["weights"] == "int4",
            str(parameters["family"]),
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights, scales among them."""
        elements = self.inputs * self.outputs
        return elements // 2 + 2 * elements // GROUP if self.is_int4 else 2 * elements


def layer_inputs(plan: Plan, device: torch.device, seed: int) -> dict[str, torch.Tensor]:
    """Return x (inputs,) float16, thresholds (1,) float32, and the weights by the names below.

    16 bits: weights (inputs, outputs) float16, dense (outputs, inputs) the same. 4 bits: codes and
    scales as `rows4` has them; tiny, tiny_scales for torch's product; on a GPU packed,
    packed_scales for our dense product, and dense float16. All hold the same numbers.
    """
    generator = torch.Generator(device=device).manual_seed(seed)
    x = families.drawn(plan.family, (1, plan.inputs), device, generator)[0].half()
    given = {"x": x, "thresholds": torch.tensor([threshold_of(plan)], device=device)}
    size = (plan.inputs, plan.outputs)
    if not plan.is_int4:
        weights = torch.randn(size, dtype=torch.float16, device=device, generator=generator)
        weights /= math.sqrt(plan.inputs)
        return given | {"weights": weights, "dense": weights.t().contiguous()}
    noise = torch.randn(size, dtype=torch.float16, device=device, generator=generator)
    codes = noise.mul_(SPREAD).round_().clamp_(-8, 7).add_(8).to(torch.uint8)
    del noise
    # One scale a block, so that groups along the inputs and along the outputs hold the same.
    blocks = (plan.inputs // GROUP, plan.outputs // GROUP)
    drawn = torch.rand(blocks, device=device, generator=generator) * 0.5 + 0.75
    scales = (drawn / (SPREAD * math.sqrt(plan.inputs))).half()
    rows, by_output = rows4.from_blocks(codes, scales, GROUP)
    del codes
    given |= {"codes": rows.codes, "scales": rows.scales}
    given["tiny"], given["tiny_scales"] = baselines.for_tinygemm(by_output)
    if device.type == "cuda":
        given["packed"] = packing.pack(by_output.codes)
        given["packed_scales"] = packing.pack_scales(by_output.scales)
        given["dense"] = baselines.dense(by_output, torch.float16)
    return given


def threshold_of(plan: Plan) -> float:
    """Return the threshold from a calibration sample of the case's family; under 0 for no sparsity.

    A threshold of 0 drops zeros, which is free; none at all shows what a dense call costs.
    """
    if plan.sparsity <= 0:
        return -1.0
    return calibrated(plan.family, plan.inputs).threshold(plan.sparsity)


@lru_cache(maxsize=16)
def calibrated(family: str, channels: int) -> Histogram:
    """Return the histogram of a calibration sample."""
    generator = torch.Generator().manual_seed(CALIBRATION_SEED)
    shape = (CALIBRATION_TOKENS, channels)
    return Histogram.of(families.drawn(family, shape, torch.device("cpu"), generator))
