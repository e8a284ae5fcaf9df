"""Speculative decoding: the law, trees, acceptance that keeps the target's distribution, models."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.speculation import acceptance, law, lossless, training, tree
from prototypes.speculation.model import Size, SmallModel, shortened
from prototypes.speculation.text import corpus

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("alpha", "drafted", "tokens"), [(0.7, 2, 2.19), (0.8, 5, 3.69), (0.9, 7, 5.70), (1.0, 3, 4.0)]
)
def test_the_law_is_that_of_the_literature(alpha: float, drafted: int, tokens: float) -> None:
    assert law.tokens_per_cycle(alpha, drafted) == pytest.approx(tokens, abs=5e-3)
    assert law.acceptance_rate(law.tokens_per_cycle(alpha, drafted), drafted) == pytest.approx(
        alpha
    )


def test_costs_and_gains() -> None:
    assert law.speedup(6.13, 8, 0.28 / 5.35, 1.0) == pytest.approx(4.32, abs=5e-3)
    even = law.break_even_draft(3.44, 3, 1.2)
    assert law.speedup(3.44, 3, even, 1.2) == pytest.approx(1)
    flat, steep = [(n, 1.0) for n in range(9)], [(n, 1.0 + n) for n in range(9)]
    assert law.best_length(0.8, 0.05, flat)[0] > law.best_length(0.5, 0.05, flat)[0]
    assert law.best_length(0.8, 0.05, steep) == (0, 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        law.tokens_per_cycle(1.1, 2)
    with pytest.raises(ValueError, match="can't emit"):
        law.acceptance_rate(4.5, 3)


def slow_tree(
    told: dict[tuple[int, ...], list[float]], depth: int, width: int, nodes: int
) -> list[tuple[int, ...]]:
    """Build the dynamic tree out of paths: what stays, in the order of making."""
    made: list[tuple[float, tuple[int, ...]]] = []
    level: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(depth):
        new = []
        for score, path in level:
            best = sorted(range(len(told[path])), key=lambda t: (-told[path][t], t))[:width]
            new += [(score + told[path][t], (*path, t)) for t in best]
        made += new
        chosen = sorted(range(len(new)), key=lambda i: (-new[i][0], i))[:width]
        level = [new[i] for i in sorted(chosen)]
    kept = sorted(range(len(made)), key=lambda i: (-made[i][0], i))[:nodes]
    return [made[i][1] for i in sorted(kept)]


@settings(max_examples=20, deadline=None)
@given(
    depth=st.integers(1, 3),
    width=st.integers(1, 3),
    share=st.floats(0.1, 1),
    steps=st.sampled_from([1, 2, 1000]),
    seed=st.integers(0, 999),
)
def test_dynamic_trees_are_what_a_slow_loop_builds(
    depth: int, width: int, share: float, steps: int, seed: int
) -> None:
    made = width + (depth - 1) * width * width
    nodes = max(1, int(share * made))
    generator = torch.Generator().manual_seed(seed)
    # Halves and whole numbers: sums are exact, and ties are many.
    rows = -(torch.rand((400, 4), generator=generator, dtype=torch.float64) * steps).round() / 2
    told: dict[tuple[int, ...], list[float]] = {}

    def of(path: tuple[int, ...]) -> list[float]:
        return told.setdefault(path, rows[hash(path) % 400].tolist())

    for _ in range(depth):
        for path in list(told) or [()]:
            of(path)
            for token in range(4):
                of((*path, token))
    frontier: list[tuple[int, ...]] = [()]

    def children(path: tuple[int, ...]) -> list[tuple[int, ...]]:
        best = sorted(range(4), key=lambda t: (-of(path)[t], t))[:width]
        return [(*path, t) for t in best]

    def follow(tokens: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        nonlocal frontier
        everyone = [child for path in frontier for child in children(path)]
        frontier = [everyone[i] for i in chosen[0].tolist()]
        assert [path[-1] for path in frontier] == tokens[0].tolist()
        return torch.tensor([[of(path) for path in frontier]])

    found = tree.dynamic(torch.tensor([9]), torch.tensor([of(())]), follow, depth, width, nodes)
    tokens, parents = found.tokens[0].tolist(), found.parents[0].tolist()
    built = [()]
    for node in range(1, len(tokens)):
        built.append((*built[parents[node]], tokens[node]))
    for path in built:
        of(path)
    assert built[1:] == slow_tree(told, depth, width, nodes)
    assert found.depths[0].tolist() == [len(path) for path in built]
    for node, path in enumerate(built):
        mine = [i for i, other in enumerate(built) if path[: len(other)] == other]
        bits = int(found.masks[0, node])
        assert [i for i in range(len(built)) if bits >> i & 1] == mine


def test_masks_hold_up_to_64_nodes() -> None:
    chain = tree.chain(torch.zeros((1, 64), dtype=torch.int64))
    assert int(chain.masks[0, 63]) == -1
    assert chain.depths[0].tolist() == list(range(64))
    with pytest.raises(ValueError, match="64 bits"):
        _ = tree.chain(torch.zeros((1, 65), dtype=torch.int64)).masks
    with pytest.raises(ValueError, match="5 nodes, not 6"):
        tree.dynamic(torch.zeros(1), torch.zeros((1, 9)), lambda *_: torch.zeros(()), 1, 5, 6)


def test_greedy_acceptance_stops_at_the_first_other_token() -> None:
    drafted = torch.tensor([[5, 6, 7], [5, 6, 7], [5, 6, 7]])
    choices = torch.tensor([[5, 6, 7, 8], [5, 9, 7, 8], [1, 6, 7, 8]])
    found = acceptance.greedy_chain(drafted, choices)
    assert found.counts.tolist() == [3, 1, 0]
    assert found.tokens.tolist() == [[5, 6, 7, 8], [5, 9, -1, -1], [1, -1, -1, -1]]
    assert found.path.tolist() == [[0, 1, 2, 3], [0, 1, -1, -1], [0, -1, -1, -1]]
    branches = tree.Tree(torch.tensor([[0, 5, 6, 7, 8]]), torch.tensor([[-1, 0, 0, 2, 2]]))
    found = acceptance.greedy_tree(branches, torch.tensor([[6, 1, 8, 1, 3]]))
    assert found.path.tolist() == [[0, 2, 4]]
    assert found.tokens.tolist() == [[6, 8, 3]]


@pytest.mark.parametrize("drawn", [True, False])
def test_several_rounds_leave_the_target_as_it_is(drawn: bool) -> None:
    draws = 40_000
    p = torch.tensor([0.5, 0.2, 0.2, 0.1, 0.0], dtype=torch.float64)
    q = torch.tensor([0.1, 0.5, 0.2, 0.1, 0.1], dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    if drawn:
        offered = torch.multinomial(q.expand(draws, 5), 3, True, generator=generator)
        told = q.expand(draws, 3, 5)
    else:
        offered, told = torch.tensor([4, 1, 0]).expand(draws, 3), None
    passed, emitted = acceptance.several_rounds(p.expand(draws, 5), offered, told, generator)
    seen = torch.bincount(emitted, minlength=5).double()
    assert lossless.chi_square(seen, p * draws) > 1e-6
    assert set(passed.tolist()) == ({-1, 0, 1, 2} if drawn else {-1, 1, 2})
    # Accepting by the first chances throughout, without the residual, is noticed.
    chance = torch.rand(offered.shape, generator=generator, dtype=torch.float64)
    fits = chance * (1 if told is None else q[offered]) < p[offered]
    own = torch.multinomial(p.expand(draws, 5), 1, generator=generator)[:, 0]
    first = fits.long().argmax(1, keepdim=True)
    wrong = torch.where(fits.any(1), offered.gather(1, first)[:, 0], own)
    seen = torch.bincount(wrong, minlength=5).double()
    assert lossless.chi_square(seen, p * draws) < 1e-6


@pytest.mark.parametrize("count", [lossless.of_trees, lossless.of_chains])
def test_emitted_pairs_follow_the_target(count: object) -> None:
    assert callable(count)
    near, far = count(30_000, 0.1, 5, CPU), count(30_000, 2.0, 5, CPU)
    assert near.p_value > 1e-6
    assert far.p_value > 1e-6
    assert near.accepted > far.accepted
    assert far.variation < 0.02


def test_a_sampler_of_the_draft_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        lossless, "sampled_tree", lambda t, p, g: acceptance.sampled_tree(t, p.roll(1, -1), g)
    )
    assert lossless.of_trees(5_000, 0.5, 5, CPU).p_value < 1e-6


def test_a_residual_without_anything_is_the_target() -> None:
    p = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    assert acceptance.residual(p, p).tolist() == p.tolist()
    assert acceptance.residual(p[1:], p[:1]).tolist() == [[1.0, 0.0]]


@pytest.fixture(scope="module")
def model() -> SmallModel:
    torch.manual_seed(1)
    return SmallModel(Size(width=32, heads=2, hidden=48)).requires_grad_(False)


def test_a_tree_is_verified_as_each_of_its_paths(model: SmallModel) -> None:
    text = training.prompts(1, 12, 2, CPU)
    logits, features, past = model(text)
    assert len(features) == model.size.layers
    drafted = tree.Tree(torch.tensor([[7, 8, 9, 10]]), torch.tensor([[-1, 0, 0, 2]]))
    nodes = torch.arange(4)
    bits = (drafted.masks[0, :, None] >> nodes & 1).bool()
    mask = torch.cat([torch.ones(4, 12, dtype=torch.bool), bits], 1)
    told, _, _ = model(drafted.tokens, past, 12 + drafted.depths, mask)
    for path in ([0, 1], [0, 2, 3]):
        whole, _, _ = model(torch.cat([text, drafted.tokens[:, path]], 1))
        assert torch.allclose(told[0, path[-1]], whole[0, -1], atol=1e-5)
    again, _, _ = model(text[:, 9:], shortened(past, 9))
    assert torch.allclose(again[0, -1], logits[0, -1], atol=1e-5)


def test_training_learns_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, held_out = corpus()
    assert max(seen) < 128
    assert held_out[:3000] not in seen
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    monkeypatch.setattr(training, "BATCH", 2)
    first = training.target(CPU, steps=2)
    (kept,) = (tmp_path / "speculation").iterdir()
    assert kept.suffix == ".pt"
    monkeypatch.setattr(training, "_train", lambda *_: pytest.fail("trained twice"))
    second = training.target(CPU, steps=2)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    text = next(training.batches(1, 3, CPU, 4, 32))

    def loss(model: SmallModel) -> torch.Tensor:
        logits, _, _ = model(text[:, :-1])
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())

    made = SmallModel(Size(width=32, heads=2, hidden=48, layers=2))
    before = float(loss(made).detach())
    training.optimized(made, (loss(made) for _ in range(12)), 12, 1e-2)
    assert float(loss(made).detach()) < before - 0.3
