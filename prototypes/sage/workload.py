"""Joins SageAttention's configurations with the machinery of 8-bit attention, and its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from prototypes.attention import inputs
from prototypes.attention.baselines import is_causal
from prototypes.attention.eight_bit import tables
from prototypes.attention.eight_bit.checks import Configuration, against_exact, shape_of
from prototypes.attention.eight_bit.options import (
    SAGE_BLOCK,
    SAGE_FP8,
    SAGE_FP16,
    SAGE_TOKEN,
    Format,
    Options,
    Scale,
)
from prototypes.attention.eight_bit.workload import EightBitAttention
from prototypes.attention.errors import Errors
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors
from prototypes.sage import key_cache
from prototypes.sage.declaration import CURVE

FP16_BAR, FP8_BAR = 0.021, 0.064
"""Relative L1 error: what Table 9 prints for scales a block with P·V in FP16, and for P·V in INT8
with scales a token, which FP8 must not be worse than."""

FAMILIES = ("normal", "uniform", "outlier", "kbias", "qkbias", "heavy")


def _int8_weights(options: Options) -> Options:
    """Return a variant with P·V in INT8: P as 127ths, V with a scale a channel."""
    return replace(options, weights=Format.INT8, values=Format.INT8, value_scale=Scale.CHANNEL,
                   weight_scale=127.0, half_sums=False)  # fmt: skip


VARIANTS = {
    "T (scales a token)": SAGE_TOKEN,
    "B (scales a block)": SAGE_BLOCK,
    "vT (a token, INT8 P·V)": _int8_weights(SAGE_TOKEN),
    "vB (a block, INT8 P·V)": _int8_weights(SAGE_BLOCK),
}
TABLE_9 = {
    "T (scales a token)": (100.0, 0.019, 6.8e-4),
    "B (scales a block)": (100.0, 0.021, 7.3e-4),
    "vT (a token, INT8 P·V)": (99.9, 0.064, 0.065),
    "vB (a block, INT8 P·V)": (98.9, 0.138, 0.067),
}


def _product(scores: Format, second: Format) -> Options:
    """Return Q and K in one format with scales a token, P and V in another."""
    if second is Format.FLOAT16:
        return replace(SAGE_TOKEN, scores=scores)
    scale = {Format.E4M3: 448.0, Format.E5M2: 57344.0, Format.INT8: 127.0}[second]
    return replace(SAGE_TOKEN, scores=scores, weights=second, values=second,
                   value_scale=Scale.CHANNEL, weight_scale=scale, half_sums=False)  # fmt: skip


FORMATS = (Format.E4M3, Format.E5M2, Format.INT8)
TABLE_2 = {
    (Format.INT8, Format.E4M3): 99.94,
    (Format.INT8, Format.E5M2): 99.81,
    (Format.INT8, Format.INT8): 99.70,
    (Format.E4M3, Format.E4M3): 99.81,
    (Format.E4M3, Format.E5M2): 99.68,
    (Format.E4M3, Format.INT8): 99.58,
    (Format.E5M2, Format.E4M3): 99.37,
    (Format.E5M2, Format.E5M2): 99.22,
    (Format.E5M2, Format.INT8): 99.13,
}
"""Cosine in percent, average over a model's layers, by format of Q, K and of P, V."""
TABLE_3 = {Format.E4M3: 76.36, Format.E5M2: 78.98, Format.INT8: 56.40, Format.FLOAT16: 99.99}
"""Cosine in percent in the worst layer, Q and K in INT8, by format of P, V."""
TABLES_LENGTH = 4096
RIVALS = ("sdpa_cudnn", "sdpa_flash", "sageattention")


class Sage(EightBitAttention):
    """INT8 scores with K smoothed; P·V in FP16 as in the paper, or in FP8 as in its successor."""

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Return an implementation or a baseline; raises `NotRunnableError`."""
        if key_cache.bits_of(case) and name in self.configurations:
            return key_cache.kernel(case)
        return super().build(name, case, device)

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterator[Check]:
        """Hold an output against exact attention, by the widest bar that the case knows."""
        if key_cache.bits_of(case):
            yield from key_cache.quality(against_exact(case, inputs, outputs["out"]), case)
        else:
            yield from super().verify(case, inputs, outputs)

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the technique's emulation, or against llama.cpp's formats."""
        if not key_cache.bits_of(case):
            yield from super().fidelity(name, case, device, seed, quick)
            return
        given = self.inputs(case, device, seed + 10)
        out = self._called(self.build(name, case, device), case, given, device)
        yield from key_cache.fidelity(given, out, case)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the technique against exact attention, by this configuration's bar."""
        if not key_cache.bits_of(case):
            yield from super().quality(name, case, device, seed, quick)
            return
        given = self.inputs(case, device, seed + 30)
        out = self._called(self.build(name, case, device), case, given, device)
        yield from key_cache.quality(against_exact(case, given, out), case)

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Figure]:
        """Yield this implementation's errors; in one case the paper's tables besides."""
        if key_cache.bits_of(case):
            yield from key_cache.figures(case, seed + 44)
            return
        kernel = self.build(name, case, device)

        def errors_of(family: str) -> Errors:
            changed = replace(case, parameters={**case.parameters, "family": family})
            given = inputs.make(changed.parameters, device, seed + 40)
            return against_exact(changed, given, self._called(kernel, changed, given, device))

        yield from tables.by_family(errors_of, FAMILIES[:1] if quick else FAMILIES)
        if case.id == CURVE and name == "triton_fp8pv" and not quick:
            yield from self.speeds(name, device, seed + 43, RIVALS, {})
        shape = shape_of(case)
        if shape.dim == 64 and shape.seq == TABLES_LENGTH and not is_causal(case) and not quick:
            drawn = {
                family: tables.sample(family, shape.seq, shape.dim, device, seed + 41)
                for family in FAMILIES
            }
            yield from _table_9(drawn["normal"])
            yield from _smoothing(drawn)
            yield from _formats(drawn)
            yield from _sums(drawn)
            yield from _weight_scales(drawn["heavy"])
            yield from _read_once(drawn)


def _table_9(normal: tables.Sample) -> Iterator[Figure]:
    """Yield Table 9: four variants on normal inputs; the paper gives neither shape nor variance."""
    for label, options in VARIANTS.items():
        yield from tables.three(label, normal.errors(options), TABLE_9[label], "Table 9")


def _smoothing(drawn: dict[str, tables.Sample]) -> Iterator[Figure]:
    """Yield what taking K's mean off is worth, by where scales are taken: the ablation of Table 1,
    which prints metrics of whole models."""
    granularities = {
        "a token": SAGE_TOKEN,
        "a block": SAGE_BLOCK,
        "a head": replace(SAGE_BLOCK, query_scale=Scale.HEAD, key_scale=Scale.HEAD),
    }
    for family in ("normal", "kbias", "qkbias"):
        for label, options in granularities.items():
            for smooth in (True, False):
                found = drawn[family].errors(replace(options, smooth_keys=smooth))
                yield tables.percent(
                    f"{family}, scales {label}, K {'smoothed' if smooth else 'as it is'}: "
                    "relative L1 error",
                    found.l1,
                )


def _formats(drawn: dict[str, tables.Sample]) -> Iterator[Figure]:
    """Yield Tables 2 and 3 on our inputs: the normal ones for an average layer, the worst family
    for the worst layer."""
    for scores in (Format.INT8, Format.E4M3, Format.E5M2):
        for second in (*FORMATS, Format.FLOAT16) if scores is Format.INT8 else FORMATS:
            options = _product(scores, second)
            label = f"QK {scores}, PV {second}"
            found = {family: s.errors(options) for family, s in drawn.items()}
            printed = TABLE_2.get((scores, second))
            note = "Table 2, average over layers of a model" if printed else ""
            yield tables.percent(
                f"{label}: cosine, normal inputs", found["normal"].cosine, printed, note
            )
            if scores is Format.INT8:
                worst = min(found, key=lambda family: found[family].worst_head_cosine)
                yield tables.percent(
                    f"{label}: cosine, worst head of all kinds of inputs",
                    found[worst].worst_head_cosine,
                    TABLE_3[second],
                    f"{worst} inputs; Table 3: the worst layer of a model",
                )


def _sums(drawn: dict[str, tables.Sample]) -> Iterator[Figure]:
    """Yield Tables 4 and 5: P·V added up in FP16 or in FP32."""
    for half in (True, False):
        label = f"P·V added up in {'FP16' if half else 'FP32'}"
        normal = drawn["normal"].errors(replace(SAGE_TOKEN, half_sums=half))
        yield tables.percent(f"{label}: cosine", normal.cosine, 99.98, "Table 4, average layer")
        yield Figure(f"{label}: relative L1 error", normal.l1, "", 0.0156, "Table 4, average layer")
        worst = min(
            drawn[f].errors(replace(SAGE_TOKEN, half_sums=half)).worst_head_cosine for f in drawn
        )
        yield tables.percent(f"{label}: cosine, worst", worst, 99.84, "Table 5, worst layer")


def _weight_scales(heavy: tables.Sample) -> Iterator[Figure]:
    """Yield what the scale of FP8 weights is worth where sinks take most of the weight."""
    for scale in (448.0, 256.0, 1.0):
        found = heavy.errors(replace(SAGE_FP8, weight_scale=scale))
        yield tables.percent(
            f"heavy inputs, FP8 weights scaled to {scale:g}: relative L1 error", found.l1
        )


def _read_once(drawn: dict[str, tables.Sample]) -> Iterator[Figure]:
    """Yield what it costs that K and V are rounded before all of them has been read."""
    whole = replace(SAGE_FP8, mean_keys=0, value_scale=Scale.CHANNEL)
    for family in ("normal", "kbias", "outlier"):
        for label, options in (("read once", SAGE_FP8), ("read twice", whole)):
            found = drawn[family].errors(options)
            yield tables.percent(
                f"{family} inputs, FP8, K and V {label}: relative L1 error",
                found.l1,
                note="mean of 256 keys, V scaled by 128 keys"
                if options is SAGE_FP8
                else "mean of all keys, V scaled by channel",
            )


WORKLOAD = Sage(
    {
        "triton_fp8pv": Configuration(SAGE_FP8, FP8_BAR, ("normal", "kbias")),
        "triton_fp16pv": Configuration(SAGE_FP16, FP16_BAR, ("normal", "kbias")),
        "torch_emulation": Configuration(SAGE_BLOCK, FP16_BAR, ("normal", "kbias")),
    }
)
