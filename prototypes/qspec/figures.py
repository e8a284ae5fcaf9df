"""Figures beside QSpec's times: costs by rows, acceptance by draft length, speedups (modelled).

Measured: passes over Llama 3 8B's linear layers and head, acceptance on the small trained model.
Modelled, and called so: every speedup of decoding, by the law from these two.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from prototypes.harness.figures import Figure
from prototypes.qspec import costs, versions
from prototypes.qspec.prepared import FOUR_OF_SIXTEEN, W4A4, Shape
from prototypes.qspec.versions import Version
from prototypes.speculation.law import break_even_draft, speedup, tokens_per_cycle

LENGTHS = (1, 2, 3, 4, 6)
STEPS = 400
"""Of the small model's training."""
PROMPTS, BEGIN, NEW = 24, 48, 40
"""Texts that go on from what the model wasn't trained on."""
ALPHAS = (0.8, 0.9, 0.956)
PAPER_ACCEPTANCE = {2: 90.0, 3: 95.8, 6: 74.0}
"""At 2 and 6 second-hand; at 3 the middle of the README's 95.5 to 96.1."""
README, PAPER_TOKENS = "README: A100, 4 sequences", 3.77


@dataclass(frozen=True, slots=True)
class Pair:
    """A draft and its target, on the small model and among the costs.

    tokens: a cycle, greedy, by draft length: 64 texts of 64 characters on a CPU. A GPU's runs
    take them from here, since training the model would take most of their time; a CPU's runs
    measure acceptance anew.
    """

    target: Version
    draft: Version
    target_cost: str
    draft_cost: str
    tokens: Mapping[int, float]

    @property
    def told(self) -> str:
        """What figures call it."""
        return f"{self.draft.name} under {self.target.name}"


def _by_length(*tokens: float) -> dict[int, float]:
    return dict(zip(LENGTHS, tokens, strict=True))


QSPEC = Pair(
    versions.ROTATED_TARGET,
    versions.W4A4,
    "W4A16",
    "W4A4",
    _by_length(1.969, 2.903, 3.817, 4.677, 6.320),
)
UPPER = Pair(
    versions.TARGET,
    versions.UPPER,
    "W4A16",
    "2-bit plane",
    _by_length(1.922, 2.738, 3.434, 3.990, 5.005),
)
TEAL = Pair(
    versions.TARGET,
    versions.TEAL_50,
    "W4A16",
    "TEAL, 50 %",
    _by_length(1.942, 2.824, 3.677, 4.414, 5.741),
)
NARROW = Pair(
    versions.WIDE,
    versions.TARGET,
    "16 bits",
    "W4A16",
    _by_length(1.973, 2.904, 3.854, 4.699, 6.471),
)
PAIRS = (QSPEC, UPPER, TEAL, NARROW)
ON_CPU = {(W4A4, 1024): (QSPEC, UPPER), (W4A4, 14336): (TEAL,), (FOUR_OF_SIXTEEN, 14336): (NARROW,)}
"""Whose acceptance is measured in which of the CPU's cases, by draft and outputs."""


def of(name: str, shape: Shape, device: torch.device, seed: int, quick: bool) -> Iterator[Figure]:
    """Yield the figures of a case; a quick run has none, they take long."""
    if quick or name == "eager_cycle":
        return
    if device.type == "cpu":
        if shape.draft == W4A4 and shape.outputs > shape.inputs:
            from prototypes.qspec import on_cpu

            yield from on_cpu.figures(shape)
        # A CPU trains the small model for minutes: only where it is kept, and so trained once.
        kept = bool(os.environ.get("ASSAY_HOME"))
        for pair in ON_CPU.get((shape.draft, shape.outputs), ()) if kept else ():
            yield from acceptance(pair, device, seed)
    elif shape.draft == W4A4 and shape.outputs > shape.inputs:
        times = Times(device)
        yield from passes(times)
        yield from bound(times)
        yield from with_turned_codes(times)
        for pair in PAIRS:
            yield from gains(pair, times)


class Times:
    """Microseconds of a pass over one decoder layer, each measured once."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._kinds = device, costs.kinds()
        self._seen: dict[tuple[str, int], float] = {}
        self._heads: dict[tuple[int, int], float] = {}

    def __call__(self, name: str, rows: int = 1) -> float:
        """Return the time of a pass of this kind over so many rows; infinite: it didn't run."""
        key = (name, rows)
        if key not in self._seen:
            try:
                self._seen[key] = costs.passed(self._kinds[name], rows, self._device)
            except Exception:  # one way that doesn't run shall not cost the figures of the others
                self._seen[key] = math.inf
        return self._seen[key]

    def target(self, name: str, rows: int = 1) -> float:
        """Return the time of a target's pass: of W4A16 the fastest kernel here.

        A draft must not look good beside a kernel that could be faster.
        """
        if name != "W4A16":
            return self(name, rows)
        return min(self(kind, rows) for kind in costs.TARGETS)

    def head(self, rows: int, vocabulary: int) -> float:
        """Return the time of the head."""
        key = (rows, vocabulary)
        if key not in self._heads:
            self._heads[key] = costs.head(rows, vocabulary, self._device)
        return self._heads[key]

    def whole(self, layer_us: float, rows: int = 1, vocabulary: int = costs.VOCABULARY) -> float:
        """Return microseconds of 32 layers' linears and the head: attention isn't in it."""
        return costs.LAYERS_OF_MODEL * layer_us + self.head(rows, vocabulary)


def passes(times: Times) -> Iterator[Figure]:
    """Yield what each kind of pass costs, in microseconds and relative to W4A16 at one row."""
    one = times.target("W4A16")
    note = "measured: four linear layers of Llama 3 8B in a CUDA graph, cold weights"
    for name, kind in costs.kinds().items():
        for rows in (1, 2, 4, 8) if name in costs.TARGETS else (1, 4):
            if rows > kind.most_rows:
                continue
            value = times(name, rows)
            yield Figure(f"{name}, {rows} rows", value, "µs", note=note)
            yield Figure(f"{name}, {rows} rows: relative to W4A16 at one", value / one, "x")


def bound(times: Times) -> Iterator[Figure]:
    """Yield QSpec's speedup where draft and verifier are as fast as memory, modelled."""
    yield Figure(
        "modelled: 3.77 tokens a cycle, draft and verifier at the speed of memory",
        speedup(PAPER_TOKENS, 3, 1.0, 1.0),
        "x",
        note="modelled: c = v = 1: same bytes; tokens a cycle as in the README",
    )
    one = times.target("W4A16")
    draft, verify = times("W4A4") / one, times.target("W4A16", 4) / one
    yield Figure(
        "modelled: 3.77 tokens a cycle, costs measured here",
        speedup(PAPER_TOKENS, 3, draft, verify),
        "x",
        1.27,
        f"modelled; the paper's number is end to end, {README}",
    )
    yield Figure(
        "dearest draft that still pays at 3.77 tokens a cycle, relative to W4A16",
        break_even_draft(PAPER_TOKENS, 3, verify),
        "x",
        note="modelled",
    )


def with_turned_codes(times: Times) -> Iterator[Figure]:
    """Yield the same over the authors' kind of W4A16, which turns all codes in every call."""
    one = times("W4A16, codes turned first")
    draft, verify = times("W4A4") / one, times("W4A16, codes turned first", 4) / one
    yield Figure("W4A16 that turns its codes first, over W4A16", one / times("W4A16"), "x")
    for paper, told in ((1.64, "the abstract: up to"), (1.27, README)):
        yield Figure(
            f"modelled: 3.77 tokens a cycle, over W4A16 that turns its codes first ({told})",
            speedup(PAPER_TOKENS, 3, draft, verify),
            "x",
            paper,
            "modelled from costs measured here; without the gaps of eager launches",
        )


def acceptance(pair: Pair, device: torch.device, seed: int) -> Iterator[Figure]:
    """Yield acceptance by draft length, with the cache overwritten and not, greedy and sampled."""
    from prototypes.qspec.cycle import generate
    from prototypes.speculation import training

    model = training.target(device, STEPS)
    text = training.prompts(8, training.CONTEXT, seed + 1, device)
    prompts = training.prompts(PROMPTS, BEGIN, seed, device)
    target, draft = (versions.made(model, v, text) for v in (pair.target, pair.draft))
    told = pair.told
    with torch.no_grad():
        plain = generate(target, None, prompts, NEW, 0)
        for length in LENGTHS:
            made = generate(target, draft, prompts, NEW, length)
            yield Figure(
                f"{told}, greedy, {length} drafted: accepted",
                100 * made.acceptance,
                "%",
                PAPER_ACCEPTANCE.get(length) if pair is QSPEC else None,
                "measured on a small trained model; the paper's on Llama",
            )
            name = f"{told}, greedy, {length} drafted: tokens a cycle"
            paper = PAPER_TOKENS if pair is QSPEC and length == 3 else None
            yield Figure(name, made.tokens_per_cycle, "tokens", paper, README if paper else "")
            if length == 3:
                wrong = int((made.tokens != plain.tokens).sum())
                name = f"{told}, greedy: tokens that the target alone wouldn't emit"
                yield Figure(name, wrong, note=f"of {plain.tokens.numel()}")
        own = generate(target, draft, prompts, NEW, 3, is_shared=False)
        name = f"{told}, greedy, 3 drafted, cache not overwritten: accepted"
        yield Figure(name, 100 * own.acceptance, "%")
        generator = torch.Generator(device=device).manual_seed(seed)
        drawn = generate(target, draft, prompts, NEW, 3, temperature=1.0, generator=generator)
        name = f"{told}, temperature 1, 3 drafted: accepted"
        yield Figure(name, 100 * drawn.acceptance, "%")


def gains(pair: Pair, times: Times) -> Iterator[Figure]:
    """Yield speedups over the target alone by draft length, modelled from both measurements."""
    told = pair.told
    one, draft = times.target(pair.target_cost), times(pair.draft_cost)
    yield Figure(
        f"{told}: cost of a draft's pass", draft / one, "x", note="measured, linear layers"
    )
    plain = times.whole(one)
    best: dict[str, float] = {}
    for length, emitted in pair.tokens.items():
        rows = length + 1
        verify = times.target(pair.target_cost, rows)
        verify_all = times.whole(verify, rows) / plain
        short = times.whole(draft, 1, costs.SHORT_VOCABULARY) / plain
        for scope, gain in {
            "linear layers": speedup(emitted, length, draft / one, verify / one),
            "with the head": speedup(emitted, length, times.whole(draft) / plain, verify_all),
            "with a head of 32k for the draft": speedup(emitted, length, short, verify_all),
        }.items():
            name = f"modelled: {told}, {length} drafted, {scope}"
            note = "modelled: greedy acceptance of the small model, costs of Llama 3 8B's layers"
            yield Figure(name, gain, "x", note=note)
            best[scope] = max(best.get(scope, 0.0), gain)
    for scope, gain in best.items():
        yield Figure(f"modelled: {told}, best length, {scope}", gain, "x", note="modelled")
    verify = times.target(pair.target_cost, 4) / one
    for alpha in ALPHAS:
        gain = speedup(tokens_per_cycle(alpha, 3), 3, draft / one, verify)
        name = f"modelled: {told}, 3 drafted, each accepted at {alpha}, linear layers"
        yield Figure(name, gain, "x", note="modelled")
