"""What carries over to llama.cpp: taking the mean off K before it goes into an 8- or 4-bit cache.

Its formats q8_0 and q4_0: blocks of 32 along the head dimension with an FP16 scale, nothing else.
A constant part of K eats their range. Softmax doesn't notice a vector that is taken off all keys,
so long as it is the same one for all: the prompt's mean is kept, and later keys lose it as well.

llama.cpp caches K after RoPE, which turns a constant part by the position, pair by pair of
channels: only pairs that turn slowly keep a mean. And it can rotate K by a Hadamard matrix, which
spreads what is large in a few channels over all. Both are measured beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

import torch

from prototypes.attention import inputs, oracle
from prototypes.attention.errors import Errors, measure
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure
from prototypes.harness.gates import Check
from prototypes.harness.workload import Kernel, Tensors

BLOCK = 32
L1_BARS = {8: 0.0075, 4: 0.1}
"""By bits: what the formats cost keys that have no constant part. The largest of 32 normal numbers
is about 2.15, so a step is 0.017 (8 bits) or 0.27 (4); an element is off by that over √12, 0.005 or
0.078, and so are scores, weights and outputs, relative to their size. A half more for q8_0, whose
FP16 scale and outputs add to it, a quarter more for q4_0."""
THETA = 500_000.0
"""RoPE's base in Llama 3."""
DRAWS = 8
"""Inputs that a figure is the mean of: which channels are large, and how slowly RoPE turns them,
is drawn."""
CLOSE = 1e-3
"""Relative L2 of the code against the same formula in float64: FP16 outputs are good to 2e-4."""


def bits_of(case: Case) -> int:
    """Return the bits of a case's K cache; 0 where it isn't about one."""
    return int(case.parameters.get("cache_bits", 0))


def encode(x: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codes and FP16 scales of `x` (…, dim) as q8_0 or q4_0: (…, dim / 32, 32) int8 and
    (…, dim / 32, 1).

    q8_0: the scale is the largest magnitude over 127. q4_0: minus an eighth of the value with the
    largest magnitude, whose sign thereby gets the longer side of -8…7.
    """
    parts = x.float().view(*x.shape[:-1], -1, BLOCK)
    if bits == 8:
        scale = parts.abs().amax(dim=-1, keepdim=True) / 127
    else:
        where = parts.abs().argmax(dim=-1, keepdim=True)
        scale = parts.gather(-1, where) / -8
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    if bits == 8:
        # Halves go away from zero, as C's roundf has it.
        codes = (parts * inverse).abs().add(0.5).floor() * parts.sign() * inverse.sign()
    else:
        codes = (parts * inverse + 8.5).floor().clamp(max=15) - 8
    return codes.to(torch.int8), scale.half()


def decode(codes: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return the values (…, dim) in float32 that `encode` left."""
    return (codes.float() * scales.float()).flatten(-2)


def cached(key: torch.Tensor, bits: int, mean: torch.Tensor | None) -> torch.Tensor:
    """Return keys (batch, kv heads, keys, dim) as they come out of the cache, less `mean`."""
    return decode(*encode(key.float() if mean is None else key.float() - mean, bits))


def kernel(case: Case) -> Kernel:
    """Return attention with K in a cache of the case's bits, the mean of all keys taken off."""
    bits, causal = bits_of(case), bool(case.parameters["causal"])

    def run(given: Tensors, outputs: Tensors) -> None:
        query, key, value = inputs.parts(given)
        mean = key.float().mean(dim=2, keepdim=True)
        stored = cached(key, bits, mean)
        answer = oracle.attention(query, stored, value, causal=causal, dtype=torch.float32)
        outputs["out"].copy_(answer)

    return run


def fidelity(given: Tensors, out: torch.Tensor, case: Case) -> Iterator[Check]:
    """Hold the code against the formats worked out one block at a time in float64."""
    query, key, value = inputs.parts(given)
    smooth = key.double() - key.double().mean(dim=2, keepdim=True)
    stored = torch.empty_like(smooth)
    for start in range(0, key.shape[-1], BLOCK):
        here = slice(start, start + BLOCK)
        stored[..., here] = _block(smooth[..., here], bits_of(case))
    right = oracle.attention(query, stored, value, causal=bool(case.parameters["causal"]))
    yield Check.at_most("error against the formats in float64", measure(out, right).l2, CLOSE)


def _block(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Return one block (…, 32) after a round trip, float64."""
    low, high = x.amin(dim=-1, keepdim=True), x.amax(dim=-1, keepdim=True)
    if bits == 8:
        unit = torch.maximum(-low, high) / 127
        return torch.round(x / unit) * unit.half().double()
    unit = torch.where(-low >= high, low, high) / -8
    return torch.clamp(torch.floor(x / unit + 0.5), max=7) * unit.half().double()


def quality(found: Errors, case: Case) -> Iterator[Check]:
    """Yield the one bar: with the mean off, a constant part of K costs nothing."""
    bits = bits_of(case)
    yield Check.at_most(f"relative L1 error, K in {bits} bits", found.l1, L1_BARS[bits])


def turned(key: torch.Tensor) -> torch.Tensor:
    """Return keys (…, keys, dim) after RoPE at positions 0, 1, …: pairs are channels i and
    i + dim / 2."""
    keys, dim = key.shape[-2:]
    speed = THETA ** (-torch.arange(0, dim, 2, device=key.device).float() / dim)
    angle = torch.arange(keys, device=key.device).float()[:, None] * speed
    first, second = key.float().chunk(2, dim=-1)
    return torch.cat(
        [
            first * angle.cos() - second * angle.sin(),
            second * angle.cos() + first * angle.sin(),
        ],
        dim=-1,
    )


def figures(case: Case, seed: int) -> Iterator[Figure]:
    """Yield errors with and without the mean, of means that are fixed early, and the cost."""
    bits = bits_of(case)
    drawn = [inputs.make(case.parameters, torch.device("cpu"), seed + i) for i in range(DRAWS)]
    yield from _with_and_without("keys as they are drawn", drawn, bits)
    after = [{**given, "key": turned(given["key"])} for given in drawn]
    yield from _with_and_without("their constant part before RoPE", after, bits)
    yield from _growing(drawn, bits)
    yield from _cost(bits)


def hadamard(size: int) -> torch.Tensor:
    """Return the orthogonal Hadamard matrix of a power of two, (size, size) float32."""
    matrix = torch.ones((1, 1))
    while matrix.shape[0] < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    orthogonal: torch.Tensor = matrix / size**0.5
    return orthogonal


def _error(given: Tensors, bits: int, mean: torch.Tensor | None, rotate: bool = False) -> float:
    """Return the relative L1 error of the last queries' outputs, which see all keys before them."""
    query, key, value = inputs.parts(given)
    exact = oracle.attention(query, key, value, causal=True)
    if not rotate:
        stored = cached(key, bits, mean)
    else:
        matrix = hadamard(key.shape[-1])
        turn = None if mean is None else mean @ matrix
        # Queries would be rotated too; turning the keys back is the same.
        stored = cached(key.float() @ matrix, bits, turn) @ matrix.mT
    return measure(oracle.attention(query, stored, value, causal=True), exact).l1


def _mean_error(name: str, errors: Iterable[float], note: str = "") -> Figure:
    seen = [100 * error for error in errors]
    drawn = f"mean of {len(seen)} draws, from {min(seen):.3g} to {max(seen):.3g}"
    return Figure(
        f"{name}: relative L1 error",
        sum(seen) / len(seen),
        "%",
        note=f"{drawn}; {note}" if note else drawn,
    )


def _mean_of(given: Tensors, tokens: int | None = None) -> torch.Tensor:
    return given["key"][:, :, :tokens].float().mean(dim=2, keepdim=True)


def _with_and_without(label: str, drawn: Sequence[Tensors], bits: int) -> Iterator[Figure]:
    for how, smooth, rotate in (
        ("as it is", False, False),
        ("mean taken off", True, False),
        ("rotated", False, True),
        ("both", True, True),
    ):
        yield _mean_error(
            f"{label}, K in {bits} bits, {how}",
            (_error(given, bits, _mean_of(given) if smooth else None, rotate) for given in drawn),
        )


def _growing(drawn: Sequence[Tensors], bits: int) -> Iterator[Figure]:
    """Yield errors at the full length with the mean of the first tokens, where K's constant part
    stays, and where it drifts by half of itself from the first token to the last."""
    keys = drawn[0]["key"].shape[2]
    drift = torch.linspace(0, 0.5, keys)[:, None]
    drifting = [{**given, "key": given["key"].float() + drift * _mean_of(given)} for given in drawn]
    for label, moved in (("stays", drawn), ("drifts", drifting)):
        for prompt in (keys // 32, keys // 4, keys):
            yield _mean_error(
                f"K's constant part {label}, {bits} bits, mean of the first {prompt} of {keys} "
                "tokens",
                (_error(given, bits, _mean_of(given, prompt)) for given in moved),
            )
    yield _mean_error(
        f"{bits} bits, each key less the mean of those before it",
        (_error(given, bits, _running_mean(given["key"].float())) for given in drawn),
        "wrong on purpose: not the same vector for all keys",
    )


def _running_mean(key: torch.Tensor) -> torch.Tensor:
    count = torch.arange(1, key.shape[2] + 1, device=key.device)[:, None]
    return key.cumsum(dim=2) / count


def _cost(bits: int) -> Iterator[Figure]:
    """Yield microseconds of putting one token, and a prompt, into one layer's K cache."""
    note = "torch on this CPU, one layer of 8 kv heads of 128, median of 200"
    generator = torch.Generator().manual_seed(bits)
    mean = torch.randn((8, 1, 128), generator=generator)
    for label, tokens, repeats in (("one token", 1, 200), ("a prompt of 2048 tokens", 2048, 9)):
        key = torch.randn((8, tokens, 128), generator=generator)

        def plain(key: torch.Tensor = key) -> object:
            return encode(key, bits)

        def smooth(key: torch.Tensor = key, tokens: int = tokens) -> object:
            return encode(key - (mean if tokens == 1 else key.mean(dim=1, keepdim=True)), bits)

        times: dict[str, list[float]] = {"as it is": [], "mean taken off": []}
        for _ in range(repeats):
            for name, call in (("as it is", plain), ("mean taken off", smooth)):
                start = time.perf_counter_ns()
                call()
                times[name].append((time.perf_counter_ns() - start) / 1e3)
        for name, seen in times.items():
            yield Figure(
                f"{label} into the {bits}-bit cache, K {name}",
                median(seen),
                "µs",
                note=note.replace("200", str(repeats)),
            )
