"""Coupled Quantization: codebooks, coding, layout and the CPU's step, against slow loops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prototypes.coupled_quant import (
    calibration,
    codebooks,
    emulation,
    figures,
    inputs,
    layout,
    rivals,
    study,
)
from prototypes.coupled_quant.declaration import DECLARATION
from prototypes.coupled_quant.options import Config
from prototypes.coupled_quant.torch_decode import LookupDecode
from prototypes.coupled_quant.workload import WORKLOAD, misplaced, shape_of
from prototypes.decode.inputs import Shape
from tests.prototypes.coupled_quant_inputs import made

SMALL = Config(8, 8)


def slow_step(shape: Shape, given_inputs: dict[str, torch.Tensor], b: int, h: int) -> list[float]:
    """Attention of one query head, the codes read as `layout`'s docstring says, in plain Python."""
    groups = given_inputs["key_codes"].shape[-1]
    channels = shape.head_dim // groups
    kv = h // shape.queries

    def vector(kind: str, n: int) -> list[float]:
        book = given_inputs[f"{kind}_books"][kv].tolist()
        if n == shape.seq - 1:
            new = given_inputs[f"new_{kind[0]}"][b, kv].tolist()
            parts = [new[g * channels : (g + 1) * channels] for g in range(groups)]
            nearest = [
                min(range(len(book)), key=lambda c: (math.dist(book[c][g], parts[g]), c))
                for g in range(groups)
            ]
        else:
            stored = given_inputs[f"{kind}_codes"][b, kv, n].tolist()
            turn = n if kind == "key" else groups // 4 * (n % 4)
            nearest = [0] * groups
            for j, code in enumerate(stored):
                nearest[(j + turn) % groups] = code
        return [x for g in range(groups) for x in book[nearest[g]][g]]

    q = given_inputs["q"][b, h].tolist()
    scores = [
        sum(x * y for x, y in zip(q, vector("key", n), strict=True)) / math.sqrt(len(q))
        for n in range(shape.seq)
    ]
    weights = [math.exp(s - max(scores)) for s in scores]
    values = [vector("value", n) for n in range(shape.seq)]
    return [
        sum(w * v[i] for w, v in zip(weights, values, strict=True)) / sum(weights)
        for i in range(shape.head_dim)
    ]


def step(shape: Shape, config: Config, given_inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    out = torch.full((shape.batch, shape.heads, shape.head_dim), torch.nan)
    LookupDecode(shape, config)(given_inputs, out)
    return out


def relative(got: torch.Tensor, exact: torch.Tensor) -> float:
    return float((got - exact).norm() / exact.norm())


@pytest.mark.parametrize(("config", "tokens"), [("8c8b", 7), ("4c8b", 6), ("4c4b", 5)])
def test_the_step_is_that_of_a_slow_loop(config: str, tokens: int) -> None:
    shape = Shape(1, 4, 1, tokens, 32)
    given_inputs = made(shape, Config.of(config))
    slow = torch.tensor([slow_step(shape, given_inputs, 0, h) for h in range(4)])
    assert relative(emulation.attention(shape, Config.of(config), given_inputs)[0], slow) < 1e-5
    assert relative(step(shape, Config.of(config), given_inputs)[0], slow) < 1e-5


@settings(max_examples=12, deadline=None)
@given(
    tokens=st.integers(1, 300),
    factor=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
    config=st.sampled_from(["8c8b", "4c8b", "2c8b"]),
)
def test_the_step_is_that_of_the_emulation(tokens: int, factor: float, config: str) -> None:
    shape = Shape(2, 8, 2, tokens, 32)
    given_inputs = made(shape, Config.of(config), tokens, factor)
    exact = emulation.attention(shape, Config.of(config), given_inputs)
    assert relative(step(shape, Config.of(config), given_inputs), exact) < 1e-4
    assert misplaced(given_inputs) == 0


def test_the_step_takes_more_than_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    from prototypes.coupled_quant import torch_decode

    monkeypatch.setattr(torch_decode, "CHUNK", 64)
    shape = Shape(1, 4, 1, 64 * 3 + 9, 32)
    given_inputs = made(shape, SMALL)
    assert (
        relative(step(shape, SMALL, given_inputs), emulation.attention(shape, SMALL, given_inputs))
        < 1e-4
    )


def test_one_code_for_everything_gives_its_centroid() -> None:
    shape = Shape(1, 4, 1, 50, 32)
    given_inputs = made(shape, SMALL)
    given_inputs["value_codes"].fill_(17)
    given_inputs["new_v"][0, 0] = given_inputs["value_books"][0, 17].flatten()
    out = step(shape, SMALL, given_inputs)
    assert torch.allclose(out[0], given_inputs["value_books"][0, 17].flatten().float(), atol=1e-5)


def test_a_step_says_what_it_can_not_do() -> None:
    with pytest.raises(ValueError, match="Four query heads"):
        LookupDecode(Shape(1, 8, 1, 5, 32), SMALL)
    with pytest.raises(ValueError, match="too many"):
        LookupDecode(Shape(1, 4, 1, (1 << 25) + 1, 32), SMALL)


@given(st.integers(0, 1 << 20), st.sampled_from([16, 32, 64]))
@settings(max_examples=20, deadline=None)
def test_skewing_is_undone(first: int, groups: int) -> None:
    tokens = torch.arange(first, first + 9)
    codes = torch.randint(0, 256, (2, 9, groups), dtype=torch.uint8)
    for groups_of in (layout.key_groups, layout.value_groups):
        which = groups_of(tokens, groups)
        assert torch.equal(layout.by_group(layout.skewed(codes, which), which), codes)


def test_a_byte_lies_where_the_layout_says() -> None:
    codes = torch.arange(16, dtype=torch.uint8).expand(5, 16)  # the code of group g is g
    tokens = torch.arange(5)
    keys = layout.skewed(codes, layout.key_groups(tokens, 16))
    values = layout.skewed(codes, layout.value_groups(tokens, 16))
    assert keys[3].tolist() == [*range(3, 16), 0, 1, 2]
    assert values[3].tolist() == [12, 13, 14, 15, *range(12)]
    assert values[4].tolist() == list(range(16))


def test_lookups_of_neighbours_read_different_banks() -> None:
    """What the fast kernel's layout is for: no two lanes of a phase in one bank."""
    key, value = layout.key_groups, layout.value_groups
    lanes = torch.arange(16)
    for byte in range(16):
        assert len({int(g) for g in key(lanes + 48, 16)[:, byte]}) == 16
    for byte in range(16):
        groups = value(torch.arange(8), 16)[:, byte]
        columns = {(int(g) // 4, lane // 4 % 2) for lane, g in enumerate(groups)}
        assert len(columns) == 8


def test_encoding_takes_the_nearest_and_the_first_of_equals() -> None:
    vectors = torch.randn(1, 2, 11, 16)
    books = torch.randn(2, 256, 4, 4)
    books[:, 200] = books[:, 7]  # never chosen
    codes = codebooks.encode(vectors, books, at_once=1 << 12)
    for h in range(2):
        for n in range(11):
            for g in range(4):
                part = vectors[0, h, n, 4 * g : 4 * g + 4]
                away = (books[h, :, g] - part).square().sum(-1)
                assert away[codes[0, h, n, g].long()] <= away.min() * (1 + 1e-5)
    assert not bool((codes == 200).any())


def test_kmeans_finds_clusters_and_their_weighted_means() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    points = (centres.repeat(50, 1) + 0.1 * torch.randn(200, 2, generator=generator))[None]
    mass = torch.rand(1, 200, generator=generator)
    found = codebooks.kmeans(points, mass, 4, 10, generator)[0]
    nearest = torch.cdist(centres, found).argmin(dim=1)
    assert sorted(nearest.tolist()) == [0, 1, 2, 3]
    for c in range(4):
        own, weight = points[0, c::4], mass[0, c::4, None]
        assert torch.allclose(found[nearest[c]], (own * weight).sum(0) / weight.sum(), atol=1e-4)


def test_kmeans_repairs_centroids_that_nothing_is_nearest_to() -> None:
    points = torch.tensor([[[0.0], [1.0], [5.0], [9.0]]])
    centroids = torch.tensor([[[0.5], [100.0], [7.0], [200.0]]])
    cost = torch.tensor([[0.25, 0.25, 4.0, 3.9]])
    repaired = codebooks._repaired(
        centroids, points, cost, torch.tensor([[False, True, False, True]])
    )
    assert repaired.flatten().tolist() == [0.5, 5.0, 7.0, 9.0]


@pytest.mark.parametrize("spread", [0.0, 1e-20, 1.0, 1e4])
@pytest.mark.parametrize("weight", [0.0, 1e-38, 1e30])
def test_codebooks_of_hostile_samples_are_finite(spread: float, weight: float) -> None:
    samples, weights = torch.randn(1, 40, 8) * spread, torch.rand(1, 40, 8) * weight
    assert bool(torch.isfinite(codebooks.learn(samples, Config(4, 4), weights, 3)).all())


def test_learning_weighs_samples_and_says_when_there_are_too_few() -> None:
    samples = torch.randn(1, 400, 8)
    weights = torch.zeros_like(samples)
    weights[:, :40] = 1.0  # only these count
    plain, weighted = (
        codebooks.learn(samples, Config(4, 4), w, iterations=8) for w in (None, weights)
    )
    counted = samples[:, :40]

    def cost(books: torch.Tensor) -> float:
        stored = codebooks.as_stored(books)
        read = codebooks.decode(codebooks.encode(counted[None], stored)[0], stored).float()
        return float((read - counted).square().sum())

    assert cost(weighted) < 0.7 * cost(plain)
    with pytest.raises(ValueError, match="too few"):
        codebooks.learn(samples[:, :5], Config(4, 4))


def test_a_byte_of_two_codes_names_a_pair_of_centroids() -> None:
    books = torch.randn(1, 16, 4, 4)
    stored = codebooks.as_stored(books)
    assert stored.shape == (1, 256, 2, 8)
    low, high = 5, 11
    pair = torch.cat([books[0, low, 2], books[0, high, 3]])
    assert torch.equal(stored[0, low + 16 * high, 1], pair)
    assert codebooks.as_stored(stored) is stored


def test_configurations() -> None:
    assert Config.of("8c8b") == Config(8, 8)
    assert (Config(8, 8).bits_a_channel, Config(4, 4).bits_a_channel) == (1, 1)
    assert Config(4, 4).stored == Config(8, 8)
    assert (Config(4, 4).code_bytes(128), Config(4, 8).code_bytes(128)) == (16, 32)
    assert Config(8, 8).book_bytes(128) == 65536
    for wrong in ("8c", "c8b", "8c8b8"):
        with pytest.raises(ValueError, match="no configuration"):
            Config.of(wrong)
    with pytest.raises(ValueError, match="don't divide"):
        Config(8, 8).groups(100)


def test_fisher_information_is_that_of_autograd() -> None:
    layer = inputs.layer("ar1", 2, 2, 16, torch.device("cpu"), 3)
    generator = layer.generator(1)
    keys = layer.keys(20, generator).requires_grad_()
    values = layer.values(20, generator).requires_grad_()
    of_keys, of_values = inputs.fisher(layer, keys.detach(), values.detach(), 3, layer.generator(7))
    again = layer.generator(7)
    asked = layer.queries(3, again).flatten(1, 2)
    u = torch.randn(asked.shape, generator=again)
    out = (asked @ keys.transpose(1, 2) / 4).softmax(-1) @ values
    sums = [torch.zeros_like(keys), torch.zeros_like(values)]
    for query in range(asked.shape[1]):
        loss = (out[:, query] * u[:, query]).sum()
        for total, grad in zip(
            sums, torch.autograd.grad(loss, (keys, values), retain_graph=True), strict=True
        ):
            total += grad.square()
    assert torch.allclose(of_keys, sums[0], rtol=1e-3, atol=1e-6)
    assert torch.allclose(of_values, sums[1], rtol=1e-3, atol=1e-6)


def test_rotation_keeps_norms_and_depends_on_distances() -> None:
    x, y = torch.randn(1, 16, dtype=torch.float64), torch.randn(1, 16, dtype=torch.float64)

    def at(vector: torch.Tensor, position: int) -> torch.Tensor:
        return inputs.rotated(vector, torch.tensor([position], dtype=torch.float64))

    assert torch.allclose(at(x, 100).norm(), x.norm())
    assert torch.allclose(at(x, 7) @ at(y, 3).T, at(x, 104) @ at(y, 100).T)
    assert not torch.allclose(at(x, 7) @ at(y, 3).T, x @ y.T)


def test_coupling_pays_where_channels_depend_on_each_other_only() -> None:
    config, alone = Config(4, 4), Config(1, 1)
    lost = {}
    for family in inputs.FAMILIES:
        layer = inputs.layer(family, 1, 4, 32, torch.device("cpu"), 5)
        train, test = layer.keys(1500, layer.generator(1)), layer.keys(500, layer.generator(2))
        for which in (config, alone):
            books = codebooks.as_stored(codebooks.learn(train, which, iterations=8))
            read = study.coded(calibration.Books(books, books))[0](test)
            rest = slice(inputs.SINKS, None)
            lost[family, which] = float(
                (read - test)[:, rest].square().sum() / test[:, rest].square().sum()
            )
    assert lost["ar1", config] < 0.4 * lost["ar1", alone]
    assert lost["independent", config] > 0.25  # the limit of a code without dependence


def test_rivals_read_back_what_they_can() -> None:
    x = torch.randn(2, 70, 64)
    assert float((rivals.int8()[0](x) - x).abs().max()) <= float(x.abs().max()) / 127
    keys, values = rivals.grouped(8)
    for read in (keys, values):
        assert read(x).shape == x.shape
        assert float((read(x) - x).abs().max()) < 0.05
    assert torch.equal(keys(x)[:, 64:], x[:, 64:])  # an unfinished group stays as it is
    assert relative(rivals.fp8()[0](x), x) < 0.05


def test_work_and_capacity_by_hand() -> None:
    case = DECLARATION.case("b8-h32-kv8-s32768-d128-8c8b")
    codes, books, ends = 2 * 64 * 32768 * 16, 2 * 8 * 65536, 4 * 8 * 32 * 128
    assert WORKLOAD.work(case).bytes == codes + books + ends
    told = {f.name: f.value for f in figures.capacity(shape_of(case), SMALL)}
    assert told["cache in FP16 over codes"] == 16
    assert told["cache in FP16 over codes and codebooks"] == pytest.approx(15.75, abs=0.01)
    # A sequence is 32 x 134.2 MB; coded 32 x 8.39 MB, beside 34 MB of codebooks, in 63.94 GB.
    assert told["largest batch in 80 GB, FP16"] == 14
    assert told["largest batch in 80 GB, coded"] == 238


def test_the_quality_gate_knows_the_technique_from_the_truth() -> None:
    case = DECLARATION.case("b1-h32-kv8-s8192-d128-4c8b")
    exact = torch.randn(1, 32, 128)
    wrong = exact + 0.2 * torch.randn(1, 32, 128)
    from prototypes.coupled_quant.workload import against, bar_of

    assert all(c.passed for c in against("x", exact, exact, bar_of(case)))
    assert not all(c.passed for c in against("x", wrong, exact, bar_of(case)))
