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


def run(text: str, registers: Lanes) -> None:
    """Execute a warp's instructions; fails on one that it doesn't know."""

    def value(name: str) -> np.ndarray:
        if name in registers:
            return registers[name]
        return np.full(32, int(name, 0), dtype=np.uint32)

    for line in re.split(r";\s*", text.strip(" {}\n")):
        if not line or line.startswith(".reg"):
            continue
        name, _, rest = line.partition(" ")
        out, *given = re.findall(r"\{[^}]*\}|[^,\s{}]+", rest)
        if name == "mov.b32":
            registers[out] = value(given[0])
        elif name == "shr.u32":
            registers[out] = value(given[0]) >> value(given[1])
        elif name == "prmt.b32":
            registers[out] = permuted(value(given[0]), value(given[1]), int(given[2], 0))
        elif name == "lop3.b32":
            assert given[3] == "0xea"  # (a & b) | c
            registers[out] = (value(given[0]) & value(given[1])) | value(given[2])
        elif name == "sub.f16x2":
            registers[out] = packed(halves(value(given[0])) - halves(value(given[1])))
        elif name.startswith("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"):
            names = [re.findall(r"[$\w]+", group) for group in (out, *given)]
            made = product(*([value(n) for n in group] for group in names[1:]))
            registers.update(zip(names[0], made, strict=True))
        else:
            raise AssertionError(f"no emulation of {name}")


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
