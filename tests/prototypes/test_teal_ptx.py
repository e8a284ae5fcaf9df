"""The PTX of the sparse 4-bit product, run for a warp by a small emulation of what it uses."""

import re

import numpy as np

from prototypes.teal import ptx

Lanes = dict[str, np.ndarray]


def halves(words: np.ndarray) -> np.ndarray:
    return words.astype(np.uint32).view(np.float16).reshape(32, 2).astype(np.float64)


def packed(pairs: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pairs.astype(np.float16)).view(np.uint32).reshape(32)


def permuted(a: np.ndarray, b: np.ndarray, selector: int) -> np.ndarray:
    eight = np.concatenate([a.view(np.uint8).reshape(32, 4), b.view(np.uint8).reshape(32, 4)], 1)
    chosen = [(selector >> (4 * i)) & 7 for i in range(4)]
    return np.ascontiguousarray(eight[:, chosen]).view(np.uint32).reshape(32)


def product(a: list[np.ndarray], b: list[np.ndarray], c: list[np.ndarray]) -> list[np.ndarray]:
    """mma.m16n8k16, fragments as the PTX manual has them: g = lane / 4, t = lane % 4."""
    left, right, sums = np.zeros((16, 16)), np.zeros((16, 8)), np.zeros((16, 8))
    for lane in range(32):
        g, t = divmod(lane, 4)
        for i in range(4):
            row, column = g + 8 * (i % 2), 2 * t + 8 * (i // 2)
            left[row, column : column + 2] = halves(a[i])[lane]
            sums[g + 8 * (i // 2), 2 * t + i % 2] = c[i][lane]
        for i in range(2):
            right[2 * t + 8 * i : 2 * t + 8 * i + 2, g] = halves(b[i])[lane]
    out = left @ right + sums
    lanes = np.arange(32)
    return [out[lanes // 4 + 8 * (i // 2), 2 * (lanes % 4) + i % 2] for i in range(4)]


def cut(values: np.ndarray) -> np.ndarray:
    """Float32 to half, towards zero, as bits."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float16)
    over = np.abs(near.astype(np.float64)) > np.abs(values.astype(np.float64))
    return (
        np.where(over, np.nextafter(near, np.float16(0)), near).astype(np.float16).view(np.uint16)
    )


def operation(name: str, given: list[np.ndarray]) -> np.ndarray:
    """What an instruction gives; fails on one that isn't known."""
    if name == "shr.u32":
        return given[0] >> given[1]
    if name == "prmt.b32":
        return permuted(given[0], given[1], int(given[2][0]))
    if name == "lop3.b32":
        assert int(given[3][0]) == 0xEA  # (a & b) | c
        return (given[0] & given[1]) | given[2]
    if name == "sub.f16x2":
        return packed(halves(given[0]) - halves(given[1]))
    if name == "popc.b32":
        return np.array([int(x).bit_count() for x in given[0]], dtype=np.uint32)
    if name == "cvt.rz.f16.f32":
        return cut(given[0])
    integers = {"and.b32": np.bitwise_and, "or.b32": np.bitwise_or}
    integers |= {"add.s32": np.add, "sub.s32": np.subtract, "setp.ge.s32": np.greater_equal}
    if name in integers:
        return np.asarray(integers[name](given[0].astype(np.int64), given[1].astype(np.int64)))
    raise AssertionError(f"no emulation of {name}")


def run(text: str, registers: Lanes) -> None:
    """Execute a warp's instructions; fails on one that it doesn't know."""

    def value(name: str) -> np.ndarray:
        if name in registers:
            return registers[name]
        return np.full(32, int(name, 0), dtype=np.uint32)

    def put(name: str, made: np.ndarray, where: str | None) -> None:
        if where is not None:
            made = np.where(registers[where], made, registers[name])
        whole = made.dtype.kind in "iu" and made.dtype.itemsize > 2
        registers[name] = made.astype(np.uint32) if whole else made

    for line in re.split(r";\s*", text.strip(" {}\n")):
        if not line or line.startswith(".reg"):
            continue
        where = None
        if line.startswith("@"):
            where, _, line = line[1:].partition(" ")
        name, _, rest = line.partition(" ")
        out, *given = re.findall(r"\{[^}]*\}|[^,\s{}]+", rest)
        groups = [re.findall(r"[$\w]+", group) for group in (out, *given)]
        if name.startswith("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"):
            made = product(*([value(n) for n in group] for group in groups[1:]))
            registers.update(zip(groups[0], made, strict=True))
        elif name == "setp.gtu.f16x2":
            a, b = halves(value(given[0])), halves(value(given[1]))
            registers |= dict(zip(groups[0], (~(a <= b)).T, strict=True))
        elif name == "mov.b32" and len(groups[1]) == 2:
            both = np.stack([value(n) for n in groups[1]], axis=1)
            registers[out] = np.ascontiguousarray(both).view(np.uint32).reshape(32)
        elif name == "mov.b32":
            registers[out] = value(given[0])
        else:
            put(out, operation(name, [value(n) for n in given]), where)


def test_bits_say_which_of_32_halves_are_above_a_threshold() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(32, 32)).astype(np.float16)
    x[:, :8] = [0, -0.0, np.inf, -np.inf, np.nan, 6e-8, 0.5, -0.5]
    x[:, 8] = np.float16(0.3)  # above the float32 0.3 if rounded up, at or under it if down
    borders = np.tile(np.array([-1, 0, 0.5, 0.3, 1e-7, 65504, 1e9, np.inf], dtype=np.float32), 4)
    registers: Lanes = {f"${1 + i}": packed(x[:, 2 * i : 2 * i + 2]) for i in range(16)}
    registers["$17"] = borders
    run(ptx.mask_of_halves(), registers)
    active = ~(np.abs(x.astype(np.float32)) <= borders[:, None])
    right = (active * (1 << np.arange(32, dtype=np.uint64))).sum(1)
    assert registers["$0"].tolist() == right.tolist()


def test_the_nth_bit_is_found() -> None:
    rng = np.random.default_rng(3)
    masks = rng.integers(1, 1 << 32, 32, dtype=np.uint64).astype(np.uint32)
    masks[:3] = [1, 1 << 31, (1 << 32) - 1]
    places = [[i for i in range(32) if int(mask) >> i & 1] for mask in masks]
    numbers = np.array([rng.integers(len(own)) for own in places], dtype=np.uint32)
    registers: Lanes = {"$1": masks, "$2": numbers}
    run(ptx.nth_bit(), registers)
    assert registers["$0"].tolist() == [
        own[n] for own, n in zip(places, numbers.tolist(), strict=True)
    ]


def test_a_lane_gets_its_eight_outputs_of_its_groups_sixteen_inputs() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 16, (32, 4, 8))  # lane, input, output
    words = (codes << (4 * np.arange(8))).sum(-1).astype(np.uint32)
    factors = rng.normal(size=(8, 16)).astype(np.float16)  # the outputs' group, input
    registers: Lanes = {f"${16 + i}": words[:, i].copy() for i in range(4)}
    lanes = np.arange(32)
    own = factors[lanes // 4].reshape(32, 4, 4)[lanes, lanes % 4]
    registers |= {"$20": packed(own[:, :2]), "$21": packed(own[:, 2:])}
    before = rng.normal(size=(16, 32))
    registers |= {f"${22 + i}": before[i] for i in range(16)}
    text, constraints = ptx.word_step()
    assert constraints.count("=&f") == 16 and len(constraints.split(",")) == 38
    run(text, registers)
    for group in range(8):
        mine = codes[4 * group : 4 * group + 4].reshape(16, 8) - 8  # input, output
        right = factors[group].astype(np.float64) @ mine
        lane, odd = 4 * group + group // 2, group % 2
        for output in range(8):
            register = 4 * (output // 2) + 2 * (output % 2) + odd
            found = registers[f"${register}"][lane] - before[register, lane]
            assert abs(found - right[output]) < 1e-9
