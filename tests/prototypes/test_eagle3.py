"""EAGLE-3: attention of a tree, its building and commit, acceptance; Triton interpreted."""

import pytest
import torch

from prototypes.eagle3 import acceptance, costs, edges, figures, inputs, oracle
from prototypes.eagle3.declaration import DECLARATION
from prototypes.eagle3.workload import WORKLOAD, build
from prototypes.harness import check
from prototypes.harness.figures import collect
from prototypes.speculation import draft as drafts
from prototypes.speculation import training
from prototypes.speculation.model import Size, SmallModel
from prototypes.speculation.tree import Tree
from tests.prototypes.fresh import Fresh
from tests.prototypes.interpreter import why_not

CPU = torch.device("cpu")
CASE = DECLARATION.case("b1-h32-kv8-s8192-d128-t61")


def test_a_node_sees_the_prefix_and_its_path() -> None:
    one = torch.tensor([[-1, 0, 0, 1]])
    seen = oracle.visible(2, Tree(one, one).masks[0])
    assert seen.int().tolist() == [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 1, 1, 0, 1],
    ]


def test_attention_under_the_mask_is_plain_decoding_along_each_path() -> None:
    small = edges.changed(CASE, heads=4, kv_heads=2, head_dim=16, seq=9, nodes=20)
    given = inputs.attend(small, CPU, 3)
    told = (given["q"], given["k"], given["v"], given["lengths"], given["masks"])
    assert torch.allclose(oracle.attention(*told), oracle.along_paths(*told))


def test_every_way_attends_alike() -> None:
    small = edges.changed(CASE, batch=2, heads=4, kv_heads=2, head_dim=16, seq=1100, nodes=12)
    given = inputs.attend(small, CPU, 4)
    for name in ("torch_tree", "sdpa_mask", "sdpa_grouped_mask", "two_parts"):
        out = inputs.room(small, CPU)
        build(name, small, CPU)(given, out)
        assert [c.name for c in WORKLOAD.verify(small, given, out) if not c.passed] == []


def test_a_wrong_mask_is_noticed() -> None:
    small = edges.changed(CASE, heads=4, kv_heads=2, head_dim=16, seq=40, nodes=20)
    given = inputs.attend(small, CPU, 5)
    out = inputs.room(small, CPU)
    everything = torch.full_like(given["masks"], (1 << 20) - 1)
    build("torch_tree", small, CPU)({**given, "masks": everything}, out)
    assert not all(c.passed for c in WORKLOAD.verify(small, given, out))


def test_eager_building_and_commit_are_what_the_oracle_has() -> None:
    for name, changes in (
        ("build-b1-v32000-l8-k10-t61", {"vocabulary": 500, "batch": 2}),
        ("compact-b1-l32-kv8-s512-d128-t61", {"layers": 2, "head_dim": 4, "batch": 2}),
    ):
        small = edges.changed(DECLARATION.case(name), **changes)
        given = inputs.make(small, CPU, 6)
        out = inputs.room(small, CPU)
        build("torch_eager", small, CPU)(given, out)
        assert [c.name for c in WORKLOAD.verify(small, given, out) if not c.passed] == []
        for tensor in out.values():
            tensor.flatten()[-1] += 1
        assert not all(c.passed for c in WORKLOAD.verify(small, given, out))


@pytest.fixture(scope="module")
def small() -> tuple[SmallModel, list[drafts.Draft]]:
    """A target and drafts as they come out of nothing: what is tested holds for any weights."""
    torch.manual_seed(2)
    target = SmallModel(Size(width=32, heads=2, hidden=48)).requires_grad_(False)
    ids = drafts.frequent(40, CPU)
    return target, [drafts.Draft(target, kind, ids).eval() for kind in drafts.KINDS]


def slow_chain(draft: drafts.Draft, text: torch.Tensor, begin: int, steps: int) -> list[int]:
    """Draft greedily after text[begin], a token and a head at a time."""
    _, layers, _ = draft.shared[0](text[None])
    g = draft.features([layer[:, :begin] for layer in layers])[0]
    keys: list[torch.Tensor] = []
    values: list[torch.Tensor] = []
    drafted: list[int] = []
    token, feature, position = text[begin], g[0], 0
    while len(drafted) < steps:
        real = position < begin
        now, read = (g[position], text[position + 1]) if real else (feature, token)
        q, k, v = draft.keys(
            draft.read(now[None, None], read[None, None]), torch.tensor([position])
        )
        keys.append(k[0, :, 0])
        values.append(v[0, :, 0])
        heads = []
        for h in range(q.shape[1]):
            scores = torch.stack([k[h] @ q[0, h, 0] for k in keys]) * q.shape[-1] ** -0.5
            heads.append(sum(s * v[h] for s, v in zip(scores.softmax(0), values, strict=True)))
        feature = draft.finish(now[None, None], torch.cat(heads)[None, None])[0, 0]
        if position >= begin - 1:
            token = draft.ids[draft.logits(feature).argmax()]
            drafted.append(int(token))
        position += 1
    return drafted


@torch.no_grad()
def test_trees_for_all_places_are_what_a_slow_loop_drafts(
    small: tuple[SmallModel, list[drafts.Draft]],
) -> None:
    target, made = small
    text = training.prompts(2, 14, 3, CPU)
    begin = torch.tensor([4, 9])
    _, layers, _ = target(text)
    for draft in made:
        tree = acceptance.drafted(draft, layers, text, begin, acceptance.Plan(3, 1, 3))
        right = [slow_chain(draft, t, int(b), 3) for t in text for b in begin]
        assert tree.tokens[:, 1:].tolist() == right
        wide = acceptance.drafted(draft, layers, text, begin, acceptance.Plan(3, 4, 12))
        assert set(wide.depths.amax(1).tolist()) <= {2, 3}
        for nodes, chain in zip(wide.tokens.tolist(), right, strict=True):
            assert chain[0] in nodes[1:]


def test_cycles_walk_along_the_text() -> None:
    lengths = torch.tensor([[2, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 5]])
    # 3 tokens, then 2, then 1; one at a time, and 6 at last.
    assert acceptance.per_cycle(lengths) == pytest.approx((3 + 2 + 1 + 5 + 6) / (3 + 6))
    assert acceptance.by_step(torch.tensor([[0, 1, 2, 2]]), 2) == pytest.approx([0.75, 2 / 3])


@torch.no_grad()
def test_a_draft_that_is_the_target_is_accepted(
    small: tuple[SmallModel, list[drafts.Draft]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, made = small
    text = acceptance.written(target, 2, True, 1)
    told = target(text)[0][:, :-1].log_softmax(-1)

    def knowing(_: object, __: object, ___: object, begin: torch.Tensor, ____: object) -> Tree:
        tokens = [torch.cat([text[t, b : b + 1], told[t, b : b + 3].argmax(-1)])
                  for t in range(2) for b in begin]  # fmt: skip
        from prototypes.speculation.tree import chain

        return chain(torch.stack(tokens))

    monkeypatch.setattr(acceptance, "drafted", knowing)
    lengths = acceptance.accepted(target, made[0], text, acceptance.Plan(3, 1, 3))
    assert set(lengths.flatten().tolist()) == {3}


def test_figures_of_acceptance_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "TEXTS", 1)
    monkeypatch.setattr(training, "STEPS", 1)
    monkeypatch.setattr(drafts, "BATCH", 2)
    monkeypatch.setattr(training, "BATCH", 2)
    monkeypatch.delenv("ASSAY_HOME", raising=False)
    assert list(figures.acceptance(CPU, 1)) == []
    monkeypatch.setattr(training, "are_kept", lambda _: True)
    target = training.target(CPU, steps=1)
    monkeypatch.setattr(training, "target", lambda _: target)
    trained = drafts.trained
    monkeypatch.setattr(drafts, "trained", lambda target, kind: trained(target, kind, steps=1))
    found = {f.name: f for f in collect(figures.acceptance(CPU, 1))}
    assert len(found) == 43
    assert all(1 <= f.value <= 8 for f in found.values() if f.unit == "tokens")
    assert found["tokens a cycle, eagle3, greedy, tree of 60, 7 levels"].paper == 6.13


def test_a_chain_pays_on_a_cpu_where_rows_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = dict.fromkeys(costs.ROWS, 10.0)
    steep = {rows: 10.0 * rows for rows in costs.ROWS}
    monkeypatch.setattr(costs, "linears_on_cpu", lambda: {"flat": flat, "steep": steep})
    found = {f.name: f.value for f in collect(figures.on_cpu())}
    assert found["modelled: chain of 3, 2.79 tokens a cycle, flat"] == pytest.approx(2.79 / 1.3)
    assert found["modelled: chain of 3, 2.79 tokens a cycle, steep"] < 1
    assert found["fewest tokens a cycle that pay, chain of 7, steep"] == pytest.approx(8.7)


def test_nothing_is_missing() -> None:
    """What `python -m prototypes check` asks for; it runs both gates on the quick case."""
    lines, complete = check.report("eagle3")
    assert complete, "\n".join(lines)


@pytest.fixture(scope="module")
def interpreted(fresh: Fresh) -> dict[str, float]:
    """What the kernels did under the interpreter, in a process of its own."""
    found: dict[str, float] = fresh.told("tests.prototypes.interpreted_tree", TRITON_INTERPRET="1")
    return found


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.xdist_group("interpreter")
def test_the_kernels_are_right(interpreted: dict[str, float]) -> None:
    attended = {n: e for n, e in interpreted.items() if n.startswith("attend")}
    assert len(attended) == 6
    assert {n: e for n, e in attended.items() if e > 2e-3} == {}
    exact = {n: e for n, e in interpreted.items() if n not in attended}
    assert len(exact) == 9
    assert {n: e for n, e in exact.items() if e > 0} == {}
