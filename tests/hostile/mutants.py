"""PDFs damaged by chance: the same number gives the same file."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

Damage = Callable[[bytearray, random.Random, Sequence[bytes]], None]

EXTREMES = (
    b"-1 0 1 65536 2147483647 2147483648 4294967296 -2147483649 99999999999999999999"
    b" 1e38 .0000001 null ()"
).split()
NAMES = (b"/Kids", b"/Length", b"/Filter", b"/Type", b"/X")
KEYWORDS = (b"", b"obj", b"stream", b"endobj")
_NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_REFERENCE = re.compile(rb"\d+ 0 R")
_NAME = re.compile(rb"/[A-Za-z]\w*")
_KEYWORD = re.compile(rb"endobj|endstream|stream|obj|xref|trailer|startxref|%%EOF")


def flip_bits(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 8, 64, 512))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    place, length = chance.randrange(len(data)), chance.choice((4, 64, 1024))
    data[place : place + length] = chance.randbytes(len(data[place : place + length]))


def cut_off(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    del data[chance.randrange(16, len(data)) :]


def cut_out(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 20, 400, 5000))]


def repeat(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    place, length = chance.randrange(len(data)), chance.choice((10, 200, 5000))
    data[place:place] = data[place : place + length] * chance.choice((1, 3, 50))


def splice(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    begin, length = chance.randrange(len(other)), chance.choice((50, 1000, 20_000))
    place = chance.randrange(len(data))
    data[place : place + chance.choice((0, length))] = other[begin : begin + length]


def _replace(pattern: re.Pattern[bytes], make: Callable[[bytes, random.Random], bytes]) -> Damage:
    def damage(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
        found = list(pattern.finditer(data))
        picked = chance.sample(found, min(len(found), chance.choice((1, 3, 20))))
        for match in sorted(picked, key=re.Match.start, reverse=True):
            data[match.start() : match.end()] = make(bytes(match[0]), chance)

    return damage


def xref(data: bytearray, chance: random.Random, _others: Sequence[bytes]) -> None:
    """Damage the table of objects, where there is one, or what says where it is."""
    begin = max(data.rfind(b"\nxref"), data.rfind(b"startxref"), 0)
    places = [m.start() for m in re.finditer(rb"\d", data[begin:])]
    for place in chance.sample(places, min(len(places), 30)):
        data[begin + place] = chance.choice(b"0123456789")


DAMAGES: dict[str, Damage] = {
    "bits": flip_bits,
    "overwritten": overwrite,
    "cut-off": cut_off,
    "cut-out": cut_out,
    "repeated": repeat,
    "spliced": splice,
    "numbers": _replace(_NUMBER, lambda _, chance: chance.choice(EXTREMES)),
    "references": _replace(_REFERENCE, lambda _, chance: b"%d 0 R" % chance.randrange(40)),
    "names": _replace(_NAME, lambda _, chance: chance.choice(NAMES)),
    "keywords": _replace(_KEYWORD, lambda _, chance: chance.choice(KEYWORDS)),
    "xref": xref,
}


def mutant(number: int, bases: Sequence[bytes], seed: int = 0) -> tuple[str, bytes]:
    """Return a name and a damaged copy of one of `bases`: one to three damages, by `number`."""
    chance = random.Random(seed * 1_000_003 + number)
    data = bytearray(chance.choice(bases))
    names = chance.choices(list(DAMAGES), k=chance.choice((1, 1, 2, 3)))
    for name in names:
        if data:
            DAMAGES[name](data, chance, bases)
    if b"%PDF-" not in data[:1024] and chance.random() < 0.8:
        data[:0] = b"%PDF-1.7\n"  # else most would be refused by their first bytes
    return f"{number:04d}-{'-'.join(names)}.pdf", bytes(data)


def small_bases(folder: Path) -> list[bytes]:
    """Papers that never were, as PDFs of different make: plain, packed, with object streams."""
    import pymupdf

    from tests.analyzers.papers import make_pdf

    bases = []
    for number, columns in enumerate((1, 2)):
        path = make_pdf(folder / f"base-{number}.pdf", columns=columns)
        with pymupdf.open(path) as paper:  # type: ignore[no-untyped-call]
            image = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 64, 64), False)  # type: ignore[no-untyped-call]
            image.clear_with(128)  # type: ignore[no-untyped-call]
            paper[1].insert_image(pymupdf.Rect(60, 600, 160, 700), pixmap=image)  # type: ignore[no-untyped-call]
            options = (
                {"expand": 255, "garbage": 1},
                {"deflate": True, "garbage": 3},
                {"deflate": True, "garbage": 3, "use_objstms": 1},
            )
            paper.xref_set_key(-1, "ID", "null")  # else the time of day would be in each file
            bases += [paper.tobytes(no_new_id=True, **option) for option in options]  # type: ignore[no-untyped-call]
    return bases
