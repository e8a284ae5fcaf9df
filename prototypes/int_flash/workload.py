"""Joins INT-FlashAttention with the machinery of 8-bit attention, and makes its error tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from prototypes.attention import inputs
from prototypes.attention.baselines import is_causal
from prototypes.attention.eight_bit import tables
from prototypes.attention.eight_bit.checks import Configuration, against_exact, shape_of
from prototypes.attention.eight_bit.options import (
    INT_FLASH_BLOCKS,
    INT_FLASH_FULL,
    INT_FLASH_HALF,
    Format,
    Options,
    Scale,
)
from prototypes.attention.eight_bit.workload import EightBitAttention
from prototypes.attention.errors import Errors
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.int_flash import on_cpu
from prototypes.int_flash.declaration import CURVE

FULL_BAR, HALF_BAR = 0.064, 0.021
"""Relative L1 error: what SageAttention's Table 9 prints for INT8 P·V with scales a token, and for
INT8 scores with P·V in FP16. A competitor's figures, since this paper prints only means of relative
errors, which hang on the outputs that happen to be nearly zero."""

E5M2 = Options(scores=Format.E5M2, query_scale=Scale.NONE, key_scale=Scale.NONE,
               weights=Format.E5M2, values=Format.E5M2)  # fmt: skip
"""The FP8 attention that the paper compares with: plain casts, no scales."""
E4M3 = Options(scores=Format.E4M3, query_scale=Scale.HEAD, key_scale=Scale.HEAD,
               weights=Format.E4M3, values=Format.E4M3, value_scale=Scale.HEAD,
               weight_scale=448.0)  # fmt: skip
"""A fair one: the format with more bits, each tensor scaled to its range."""

# Tables 1 and 2, mean relative error in percent by length: FP8, half INT8, full INT8.
NORMAL = {
    1024: (7.46, 0.890, 4.05),
    2048: (7.50, 0.802, 4.18),
    4096: (7.66, 0.843, 4.21),
    8192: (7.51, 0.932, 4.38),
    16384: (7.57, 0.775, 4.52),
}
UNIFORM = {
    1024: (8.94, 0.317, 1.69),
    2048: (9.15, 0.300, 1.62),
    4096: (8.89, 0.280, 1.65),
    8192: (9.02, 0.299, 1.85),
    16384: (8.97, 0.296, 1.82),
}
TABLES = (("normal", NORMAL, "Table 1"), ("uniform", UNIFORM, "Table 2"))
RIVALS = ("sdpa_cudnn", "sdpa_flash", "triton_fp16")
FIGURE_2 = {
    (f"b4-h32-s{seq}-d64", "triton_fp16"): times
    for seq, times in ((1024, 1.31), (2048, 1.52), (4096, 1.66), (8192, 1.72), (16384, 1.73))
}
"""How many times as fast as the authors' FP16 kernel in Triton."""
LAST = 4
LAST_SEEDS = 50
FAMILIES = ("normal", "uniform", "unit", "outlier", "kbias", "heavy")


class IntFlash(EightBitAttention):
    """Full INT8 as in the paper's Algorithm 1, and its half (P and V in FP16)."""

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Figure]:
        """Yield this implementation's errors; in the paper's own cases its tables besides."""
        kernel = self.build(name, case, device)

        def errors_of(family: str) -> Errors:
            changed = replace(case, parameters={**case.parameters, "family": family})
            given = inputs.make(changed.parameters, device, seed + 40)
            return against_exact(changed, given, self._called(kernel, changed, given, device))

        yield from tables.by_family(errors_of, FAMILIES[:2] if quick else FAMILIES)
        if case.id == CURVE and name == "triton_int8" and not quick:
            yield from self.speeds(name, device, seed + 43, RIVALS, FIGURE_2)
        shape = shape_of(case)
        if shape.dim == 64 and shape.seq in NORMAL and not is_causal(case):
            yield from _tables(shape.seq, device, seed + 41)
            if device.type == "cpu" and shape.queries == shape.seq and not quick:
                yield from on_cpu.figures(shape.seq, shape.dim, seed + 45)
            if shape.seq == 1024 and not quick:
                yield from _last_elements(shape.seq, device, seed + 42)


def _tables(seq: int, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield the papers' rows for one length: mean relative error, and an error that can be trusted.

    Uniform inputs with a softmax scale of 1, since then the relative L1 errors are near what is
    printed; with 1/√dim all of them are a third of that and less.
    """
    variants = {"FP8 (E5M2, no scales)": E5M2, "half INT8": INT_FLASH_HALF,
                "full INT8": INT_FLASH_FULL, "FP8 (E4M3, a scale a head)": E4M3}  # fmt: skip
    for family, printed, where in TABLES:
        scale = 1.0 if family == "uniform" else None
        drawn = tables.sample(family, seq, 64, device, seed, softmax_scale=scale)
        fp8, half, full = printed[seq]
        found = {label: drawn.errors(options) for label, options in variants.items()}
        for label, paper in zip(variants, (fp8, half, full, None), strict=True):
            error = found[label]
            named = f"{where}: mean relative error" if paper else ""
            meant = f"{where}, which agrees with this rather" if paper else ""
            yield tables.percent(
                f"{family}, {label}: mean relative error", error.mean_relative, paper, named
            )
            yield tables.percent(f"{family}, {label}: relative L1 error", error.l1, paper, meant)
        own = found["full INT8"]
        for label, ratio in (
            ("FP8 (E5M2, no scales)", round(fp8 / full, 3)),
            ("FP8 (E4M3, a scale a head)", None),
        ):
            yield Figure(
                f"{family}, {label}: times the relative L1 error of full INT8",
                found[label].l1 / own.l1,
                "x",
                ratio,
                where if ratio else "a fair FP8: more bits, each tensor scaled",
            )


def _last_elements(seq: int, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield what the public script prints, the mean over the last four outputs, for many seeds."""
    parameters: dict[str, int | str] = {"batch": 1, "heads": 1, "seq": seq, "head_dim": 64}
    seen = []
    for number in range(LAST_SEEDS):
        given = inputs.make(parameters, device, seed + number)
        seen.append(_last_error(given))
    note = f"normal inputs, full INT8, {LAST_SEEDS} seeds"
    name = "mean relative error over the last four elements"
    yield tables.percent(f"{name}: smallest", min(seen), note=note)
    yield tables.percent(f"{name}: median", sorted(seen)[len(seen) // 2], note=note)
    yield tables.percent(f"{name}: largest", max(seen), note=note)


def _last_error(given: dict[str, torch.Tensor]) -> float:
    from prototypes.attention import oracle
    from prototypes.attention.eight_bit import emulation

    last = torch.tensor([given["query"].shape[2] - 1], device=given["query"].device)
    exact = oracle.attention(*inputs.parts(given), rows=last).flatten()[-LAST:].double()
    got = emulation.attention(*inputs.parts(given), options=INT_FLASH_FULL, rows=last).flatten()[
        -LAST:
    ]
    return float(((got.double() - exact).abs() / exact.abs()).mean())


WORKLOAD = IntFlash(
    {
        "triton_int8": Configuration(INT_FLASH_BLOCKS, FULL_BAR),
        "triton_half": Configuration(INT_FLASH_HALF, HALF_BAR),
        "torch_emulation": Configuration(INT_FLASH_FULL, FULL_BAR),
    }
)
