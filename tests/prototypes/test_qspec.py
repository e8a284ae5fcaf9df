"""QSpec's cycle: the target's own text and distribution, the overwritten cache, versions."""

from functools import cache

import pytest
import torch

from prototypes.harness import check
from prototypes.harness.figures import collect
from prototypes.qspec import costs, figures, on_cpu, versions
from prototypes.qspec.cycle import Slots, generate
from prototypes.qspec.declaration import DECLARATION
from prototypes.qspec.prepared import W4A4, Shape
from prototypes.qspec.workload import WORKLOAD
from prototypes.speculation.model import Size, SmallModel

CPU = torch.device("cpu")
SIZE = Size(vocabulary=12, width=128, heads=2, layers=2, hidden=128)


@cache
def model() -> SmallModel:
    """Untrained, with weights so large that what comes next depends on what was before."""
    torch.manual_seed(3)
    made = SmallModel(SIZE)
    for _, _, linear in versions.layers(made):
        linear.weight.data *= 4
    made.head.weight.data *= 4
    return made.eval().requires_grad_(False)


@cache
def version(which: versions.Version) -> SmallModel:
    return versions.made(model(), which, prompts(4, 32, seed=9))


def prompts(count: int, length: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, SIZE.vocabulary, (count, length), generator=generator)


def test_greedy_text_is_the_targets_own_whatever_drafts() -> None:
    target = version(versions.TARGET)
    given = prompts(5, 7)
    plain = generate(target, None, given, 20, 0)
    assert plain.tokens_per_cycle == 1
    for draft in (versions.UPPER, versions.PLAIN_W4A4, versions.TEAL_50):
        for drafted in (1, 4):
            for is_shared in (True, False):
                made = generate(target, version(draft), given, 20, drafted, is_shared=is_shared)
                assert torch.equal(made.tokens, plain.tokens)
                assert 0 <= made.acceptance <= 1
                assert 1 <= made.tokens_per_cycle <= drafted + 1
    rough = generate(target, version(versions.UPPER), given, 20, 3)
    assert 0 < rough.acceptance < 1, "this test should see both outcomes"


def test_plain_text_is_that_of_a_loop_without_a_cache() -> None:
    target, given = version(versions.TARGET), prompts(3, 6)
    text = given
    for _ in range(10):
        logits, _, _ = target(text)
        text = torch.cat([text, logits[:, -1:].argmax(-1)], 1)
    assert torch.equal(generate(target, None, given, 10, 0).tokens, text[:, 6:])


def test_a_draft_that_is_the_target_is_always_accepted() -> None:
    target = version(versions.TARGET)
    for temperature in (0.0, 1.0):
        generator = torch.Generator().manual_seed(2)
        made = generate(
            target, target, prompts(6, 5), 12, 3, temperature=temperature, generator=generator
        )
        assert made.acceptance == pytest.approx(1.0, abs=0.02)


def test_after_every_cycle_the_cache_is_that_of_the_verifier_alone() -> None:
    target, given = version(versions.TARGET), prompts(4, 6)
    made = generate(target, version(versions.UPPER), given, 15, 3)
    whole = torch.cat([given, made.tokens], 1)
    alone = Slots.empty(target, 4, made.cache.layers[0][0].shape[2])
    alone.run(target, whole, torch.zeros(4, dtype=torch.int64))
    shortest = min(int(made.length.min()), whole.shape[1])
    assert shortest > given.shape[1] + 10
    for mine, wanted in zip(_flat(made.cache), _flat(alone), strict=True):
        assert torch.allclose(mine[:, :, :shortest], wanted[:, :, :shortest], atol=1e-4)


def _flat(slots: Slots) -> list[torch.Tensor]:
    return [x for layer in slots.layers for x in layer]


def test_a_drafts_keys_differ_from_those_that_overwrite_them() -> None:
    cache = Slots.empty(model(), 2, 8)
    given, zero = prompts(2, 4), torch.zeros(2, dtype=torch.int64)
    cache.run(version(versions.UPPER), given, zero)
    rough = _flat(cache)[2].clone()
    cache.run(version(versions.TARGET), given, zero)
    assert not torch.allclose(rough[:, :, :4], _flat(cache)[2][:, :, :4], atol=1e-3)
    assert not _flat(cache)[2][:, :, 4:].any()


def test_sampled_text_has_the_targets_distribution() -> None:
    """Pearson's statistic over pairs of first tokens, against the exact distribution."""
    target, draft, copies = version(versions.TARGET), version(versions.UPPER), 3000
    given = prompts(1, 6).expand(copies, -1)
    generator = torch.Generator().manual_seed(11)
    made = generate(target, draft, given, 2, 2, temperature=1.0, generator=generator)
    assert 0.1 < made.acceptance < 0.99
    first = target(given[:1])[0][0, -1].softmax(-1).double()
    longer = torch.cat(
        [given[:1].expand(SIZE.vocabulary, -1), torch.arange(SIZE.vocabulary)[:, None]], 1
    )
    second = target(longer)[0][:, -1].softmax(-1).double()
    expected = (first[:, None] * second).flatten() * copies
    seen = torch.bincount(
        made.tokens[:, 0] * SIZE.vocabulary + made.tokens[:, 1], minlength=SIZE.vocabulary**2
    ).double()
    large = expected >= 5
    cells = torch.cat([expected[large], expected[~large].sum()[None].clamp_min(1e-9)])
    counts = torch.cat([seen[large], seen[~large].sum()[None]])
    statistic = float(((counts - cells).square() / cells).sum())
    freedom = len(cells) - 1
    # Five standard deviations: of a million sound runs one fails.
    assert statistic < freedom + 5 * (2 * freedom) ** 0.5
    # What the draft alone would emit isn't this distribution: the test can tell.
    rough = draft(given[:1])[0][0, -1].softmax(-1).double()
    off = ((rough - first).square() / first).sum() * copies
    assert float(off) > freedom + 5 * (2 * freedom) ** 0.5


def test_rotation_changes_no_answer_in_16_bits() -> None:
    rotated = versions.made(model(), versions.Version("", weights="w16", is_rotated=True))
    given = prompts(2, 9)
    assert torch.allclose(rotated(given)[0], model()(given)[0], atol=1e-3)
    turn = versions.hadamard(128)
    assert torch.allclose(turn @ turn.t(), torch.eye(128), atol=1e-5)


def test_teal_leaves_out_the_share_that_was_asked_for() -> None:
    text = prompts(6, 32)
    thresholds = versions.learned(model(), 0.5, text)
    assert len(thresholds) == 4 * SIZE.layers
    assert all(value > 0 for value in thresholds.values())
    with pytest.raises(ValueError, match="learned on text"):
        versions.made(model(), versions.TEAL_50)
    made = version(versions.TEAL_50)
    kept = [float(getattr(b, n).threshold) for b in made.blocks for n in versions.LINEARS]
    assert len(set(kept)) == 4 * SIZE.layers


def test_parts_that_a_version_leaves_alone_are_the_targets() -> None:
    mixed = version(versions.UPPER_WIDE)
    target, rough = version(versions.TARGET), version(versions.UPPER)
    for name, like in (("qkv", target), ("out", target), ("down", rough), ("gate_up", rough)):
        mine = getattr(mixed.blocks[1], name).get_buffer("weights")
        assert torch.equal(mine, getattr(like.blocks[1], name).get_buffer("weights"))


def test_check_is_content() -> None:
    lines, fine = check.report("qspec")
    assert fine, "\n".join(lines)


def test_work_counts_each_pass_once() -> None:
    for case in DECLARATION.cases:
        work = WORKLOAD.work(case)
        assert work.reference_bytes is not None
        passes = int(case.parameters["drafted"]) + 1
        weights = int(case.parameters["inputs"]) * int(case.parameters["outputs"])
        least = {"w4a4": 4 * 0.5, "plane2": 3 * 0.25 + 0.5, "w4": 3 * 0.5 + 2}
        assert work.bytes >= weights * least[str(case.parameters["draft"])]
        assert work.reference_bytes >= weights * passes * 0.5


def test_figures_of_a_cpu_say_what_is_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def flat(_: Shape) -> dict[tuple[str, int], float]:
        cost = {on_cpu.INT4: 1.0, on_cpu.BYTES: 1.0, on_cpu.EIGHT: 2.0, on_cpu.WIDE: 4.0}
        return {(name, rows): value for rows in on_cpu.ROWS for name, value in cost.items()}

    monkeypatch.setattr(on_cpu, "measured", flat)
    monkeypatch.setattr(figures, "ON_CPU", {})
    shape = Shape(W4A4, 3, 4096, 14336)
    found = {f.name: f for f in collect(figures.of("torch_cycle", shape, CPU, 1, quick=False))}
    same = found["modelled: the paper's pair, each accepted at 0.956, 3 drafted"]
    assert same.value == pytest.approx((1 - 0.956**4) / (1 - 0.956) / 4)
    assert same.value < 1
    pays = found["modelled: 4-bit draft of a 16-bit target, each accepted at 0.9, 3 drafted"]
    assert pays.value == pytest.approx(3.439 / (3 / 4 + 1))
    assert not list(figures.of("torch_cycle", shape, CPU, 1, quick=True))
    assert all("modelled" in f.note for name, f in found.items() if name.startswith("modelled"))


def test_costs_know_every_kind_that_figures_ask_for() -> None:
    names = set(costs.kinds())
    for pair in figures.PAIRS:
        assert {pair.target_cost, pair.draft_cost} <= names
        assert all(1 < tokens < length + 1 for length, tokens in pair.tokens.items())
    assert set(costs.TARGETS) <= names
    measured = [pair.told for pairs in figures.ON_CPU.values() for pair in pairs]
    assert sorted(measured) == sorted(pair.told for pair in figures.PAIRS)


def test_figures_of_a_gpu_stay_within_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every pass as dear as every other, speculation never pays by more than its bound."""
    monkeypatch.setattr(costs, "passed", lambda kind, rows, device: 10.0)
    monkeypatch.setattr(costs, "head", lambda rows, vocabulary, device: 50.0)
    shape, gpu = Shape(W4A4, 3, 4096, 28672), torch.device("cuda")
    found = collect(figures.of("gluon_cycle", shape, gpu, 1, quick=False))
    modelled = [f for f in found if f.name.startswith("modelled")]
    assert len(modelled) > 50
    assert all("modelled" in f.note for f in modelled)
    assert all(f.value <= 1.0 + 1e-9 for f in modelled if "linear layers" in f.name)
