"""Joins the parts of Coupled Quantization for the harness: inputs, kernels, gates, work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from prototypes.attention import errors
from prototypes.coupled_quant import cache, emulation, layout
from prototypes.coupled_quant.options import Config
from prototypes.decode import baselines, oracle
from prototypes.decode.inputs import Shape, dtype_of
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, NotRunnableError, Tensors, Work

if TYPE_CHECKING:
    from prototypes.coupled_quant.triton_decode import Decode

FIDELITY_BAR = 5e-3
"""Relative L2 error against the emulation. The output's 16 bits round by up to 2^-9 (bfloat16), the
score tables' half precision adds about 2^-11 of a score; no step's error is larger."""
ENERGY_LOST = {1.0: 0.10, 2.0: 0.02, 4.0: 0.004}
"""The most of the output's energy that may be lost, by bits a channel. A code that uses no
dependence between channels loses 4^-bits of what it stores (25 %, 6 %, 0.4 %: the rate-distortion
limit of a Gaussian): the bar at 1 and 2 bits is under what such a code can reach."""
WORST = 10.0
"""How many times the bar a single element may be off, in root mean squares of its row."""
NEARLY = 1e-4
"""A code may cost this share more than the nearest: float32 sums in another order."""
EDGES = (1, 97, 2064)
"""Tokens of the short caches that the fidelity gate tries besides: less than any tile, tails."""


class CoupledQuantization:
    """Inputs and names as in `cache.make`. Output: `out` (batch, heads, head_dim), 16 bits."""

    in_place = ("key_codes", "value_codes")
    """The newest token's codes are written into the cache."""

    def inputs(self, case: Case, device: torch.device, seed: int) -> Tensors:
        """Return fresh inputs of the case's family."""
        return cache.make(shape_of(case), config_of(case), family_of(case), device, seed)

    def outputs(self, case: Case, device: torch.device) -> Tensors:
        """Return room for the answer."""
        shape = shape_of(case)
        kind = dtype_of(device)
        size = (shape.batch, shape.heads, shape.head_dim)
        return {"out": torch.empty(size, dtype=kind, device=device)}

    def build(self, name: str, case: Case, device: torch.device) -> Kernel:
        """Set up a step or a baseline; raises `NotRunnableError`."""
        shape, config = shape_of(case), config_of(case)
        if name in ("torch_bmm", "torch_sdpa"):
            return {"torch_bmm": baselines.bmm, "torch_sdpa": baselines.sdpa}[name](shape)
        if name == "split_kv_fp16":
            return baselines.split_kv_fp16(shape, device)
        if name == "torch_lookup":
            from prototypes.coupled_quant.torch_decode import LookupDecode

            step: Callable[[Tensors, torch.Tensor], None] = LookupDecode(shape, config)
        else:
            step = _triton(name, shape, config, device)
        return lambda inputs, outputs: step(inputs, outputs["out"])

    def verify(self, case: Case, inputs: Tensors, outputs: Tensors) -> Iterator[Check]:
        """Hold one call against exact attention over the cache in 16 bits."""
        yield from against("full precision", outputs["out"], _exact(inputs), bar_of(case))

    def fidelity(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the code against the emulation: this case, short caches, peaked and flat scores."""
        yield from self._faithful("this case", name, case, self.inputs(case, device, seed + 10))
        for tokens in EDGES:
            short = _resized(case, tokens)
            inputs = dict(self.inputs(short, device, seed + 11))
            yield from self._faithful(f"{tokens} tokens", name, short, inputs)
        for what, factor in (("flat", 0.0), ("peaked", 4.0)):
            yield from self._faithful(what, name, short, {**inputs, "q": inputs["q"] * factor})
        same = {**inputs, "key_codes": inputs["key_codes"] * 0 + 255}
        yield from self._faithful("one code for all keys", name, short, same)

    def quality(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Check]:
        """Hold the technique against exact attention on other texts than it was calibrated on."""
        for number in range(1 if quick else 2):
            inputs = self.inputs(case, device, seed + 20 + number)
            found = errors.measure(
                self._run(name, case, inputs)[:, :, None], _exact(inputs)[:, :, None]
            )
            energy = ENERGY_LOST[config_of(case).bits_a_channel]
            yield Check.at_most("share of the output's energy lost", found.l2**2, energy)
            yield Check.at_least("cosine", found.cosine, (1 - energy) ** 0.5)
            # A head has one row here: a few of them scatter about the mean of all.
            yield Check.at_least("cosine, worst head", found.worst_head_cosine, 1 - 3 * energy)

    def figures(
        self, name: str, case: Case, device: torch.device, seed: int, quick: bool
    ) -> Iterator[Figure]:
        """Yield memory, capacity, and the tables of quality."""
        from prototypes.coupled_quant import figures

        yield from figures.of_case(self, name, case, device, seed, quick)

    def work(self, case: Case) -> Work:
        """Return one read of all codes, codebooks and the query, one write of the answer.

        A lookup is one addition a code and query head, of keys and of values.
        """
        shape, config = shape_of(case), config_of(case)
        codes = 2 * shape.rows * shape.seq * config.code_bytes(shape.head_dim)
        books = 2 * shape.kv_heads * config.stored.book_bytes(shape.head_dim)
        heads = 2 * shape.batch * shape.heads * shape.head_dim
        flops = 2 * shape.batch * shape.heads * shape.seq * config.groups(shape.head_dim)
        return Work(
            bytes=codes + books + 2 * heads,
            flops=flops,
            reference_bytes=shape.cache_bytes + 2 * heads,
        )

    def _run(self, name: str, case: Case, inputs: Tensors) -> torch.Tensor:
        device = inputs["q"].device
        outputs = self.outputs(case, device)
        outputs["out"].zero_()
        self.build(name, case, device)(inputs, outputs)
        return outputs["out"]

    def _faithful(self, what: str, name: str, case: Case, inputs: Tensors) -> Iterator[Check]:
        copied = {k: v.clone() if k in self.in_place else v for k, v in inputs.items()}
        got = self._run(name, case, copied)
        exact = emulation.attention(shape_of(case), config_of(case), inputs)
        yield from against(f"emulation, {what}", got, exact, FIDELITY_BAR)
        yield Check.none(f"newest token not at its nearest centroid, {what}", misplaced(copied))
        again = {k: v.clone() if k in self.in_place else v for k, v in inputs.items()}
        differing = int((self._run(name, case, again) != got).sum())
        yield Check.none(f"elements that differ in a second call, {what}", differing)


def shape_of(case: Case) -> Shape:
    """Return the layer's shape."""
    return Shape.of(case.parameters)


def config_of(case: Case) -> Config:
    """Return the configuration."""
    return Config.of(str(case.parameters["config"]))


def family_of(case: Case) -> str:
    """Return the family of the inputs."""
    return str(case.parameters["family"])


def bar_of(case: Case) -> float:
    """Return the relative L2 error that the quality gate allows."""
    return float(ENERGY_LOST[config_of(case).bits_a_channel] ** 0.5)


def against(what: str, got: torch.Tensor, exact: torch.Tensor, bar: float) -> Iterator[Check]:
    """Yield the relative L2 error of the whole output, and that of its worst element."""
    found = errors.measure(got[:, :, None], exact[:, :, None])
    yield Check.at_most(f"error against {what}", found.l2, bar)
    yield Check.at_most(f"worst element against {what}", found.worst_element, WORST * bar)


def misplaced(inputs: Tensors) -> int:
    """Return how many codes of the newest token name a centroid that isn't the nearest."""
    count = 0
    for kind in ("key", "value"):
        stored = inputs[f"{kind}_codes"]
        batch, heads, tokens, groups = stored.shape
        token = torch.tensor([tokens - 1], device=stored.device)
        codes = layout.by_group(stored[:, :, -1:], emulation.groups_of(kind, token, groups))
        new = inputs[f"new_{kind[0]}"].double()
        books = inputs[f"{kind}_books"].double()
        distance = (books - new.view(batch, heads, 1, groups, -1)).square().sum(dim=-1)
        chosen = distance.gather(2, codes.long())[:, :, 0]
        least = distance.amin(dim=2)
        count += int((chosen > least * (1 + NEARLY) + 1e-6).sum())
    return count


def _exact(inputs: Tensors) -> torch.Tensor:
    return oracle.attention(inputs["q"], inputs["k"], inputs["v"])


def _triton(name: str, shape: Shape, config: Config, device: torch.device) -> Decode:
    if device.type != "cuda":
        raise NotRunnableError(f"{name} is a Triton kernel: it runs on a GPU.")
    try:
        from prototypes.coupled_quant import triton_decode
    except ImportError:
        raise NotRunnableError("Triton isn't installed: pip install triton.") from None
    return triton_decode.decode(shape, config, device)


def _resized(case: Case, tokens: int) -> Case:
    return Case("resized", {**case.parameters, "batch": 1, "seq": tokens}, seed=0)


WORKLOAD = CoupledQuantization()
