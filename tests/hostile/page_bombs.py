"""What a page can say to hurt a reader."""

from __future__ import annotations

import random
import zlib

from tests.hostile.raw import (
    deflated,
    one_page,
    page_with,
    stream,
    text_page,
)
from tests.hostile.registry import WORDS, bomb


@bomb()
def words_without_end() -> bytes:
    return one_page(b"BT /F 9 Tf 9 9 Td (fast ) Tj ET\n" * 60_000)


@bomb()
def operators_without_end() -> bytes:
    return one_page(b"BT /F 9 Tf (fast) Tj ET\n" * 2_000_000)


@bomb()
def lines_without_end() -> bytes:
    chance = random.Random(1)
    corners = (
        b"%d %d l\n" % (chance.randrange(600), chance.randrange(700)) for _ in range(200_000)
    )
    return one_page(b"0 0 m\n" + b"".join(corners) + b"S\n" + WORDS)


@bomb()
def blanks_deflated() -> bytes:
    packed = deflated(150, b" " * (1 << 20))
    return page_with(
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
    )


@bomb()
def deflated_twice() -> bytes:
    packed = zlib.compress(deflated(150, b" " * (1 << 20)), 9)
    filters = b"/Filter[/FlateDecode/FlateDecode]"
    return page_with(b"<</Length %d%s>>stream\n%s\nendstream" % (len(packed), filters, packed))


@bomb()
def ascii_hex_and_run_lengths() -> bytes:
    packed = b"81 20" * 200_000 + b">"  # 127 blanks for two bytes
    filters = b"/Filter[/ASCIIHexDecode/RunLengthDecode]"
    return page_with(b"<</Length %d%s>>stream\n%s\nendstream" % (len(packed), filters, packed))


@bomb()
def nested_arrays() -> bytes:
    return one_page(b"[" * 200_000 + b"]" * 200_000 + b" TJ")


@bomb()
def nested_states() -> bytes:
    return one_page(b"q " * 500_000 + b"BT /F 9 Tf (deep) Tj ET")


@bomb()
def nested_objects() -> bytes:
    return text_page(WORDS, catalog=b"/X" + b"[" * 100_000 + b"]" * 100_000)


@bomb()
def one_word_of_a_million() -> bytes:
    return one_page(b"BT /F 1 Tf 9 9 Td (" + b"a" * 1_000_000 + b") Tj ET")


@bomb()
def numbers_beyond_all() -> bytes:
    return one_page(b"BT /F 1e38 Tf 1e38 -1e38 1e38 0 0 1e38 Tm 99999999999999999999 Tc (x) Tj ET")


@bomb()
def a_form_that_calls_itself() -> bytes:
    form = stream(
        b"/X Do /X Do",
        b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>",
    )
    return one_page(b"/X Do", resources=b"/XObject<</X 6 0 R>>", more=[form])


@bomb()
def forms_that_double() -> bytes:
    forms = [
        stream(
            b"/X Do /X Do",
            b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>"
            % (7 + n),
        )
        for n in range(30)
    ]
    last = stream(b"0 0 1 1 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    return one_page(b"/X Do", resources=b"/XObject<</X 6 0 R>>", more=[*forms, last])


@bomb()
def a_pattern_of_itself() -> bytes:
    pattern = stream(
        b"/Pattern cs /P scn 0 0 9 9 re f",
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep .001/YStep .001"
        b"/Resources<</Pattern<</P 6 0 R>>>>",
    )
    return one_page(
        b"/Pattern cs /P scn 0 0 612 792 re f", resources=b"/Pattern<</P 6 0 R>>", more=[pattern]
    )


@bomb()
def a_gigantic_image() -> bytes:
    packed = deflated(120, bytes(1 << 20))
    image = (
        b"<</Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8"
        b"/ColorSpace/DeviceRGB/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    ) % (len(packed), packed)
    return one_page(b"612 0 0 792 0 0 cm /I Do", resources=b"/XObject<</I 6 0 R>>", more=[image])


@bomb()
def images_of_noise() -> bytes:
    noise = random.Random(2).randbytes(20_000)
    images = [
        b"<</Type/XObject/Subtype/Image/Width 900/Height 900/BitsPerComponent 8"
        b"/ColorSpace/DeviceGray/Filter/%s/Length %d>>stream\n%s\nendstream"
        % (kind, len(noise), noise)
        for kind in (b"DCTDecode", b"JPXDecode", b"JBIG2Decode", b"CCITTFaxDecode", b"LZWDecode")
    ]
    names = b"".join(b"/I%d %d 0 R" % (n, 6 + n) for n in range(len(images)))
    calls = b"".join(b"q 99 0 0 99 0 0 cm /I%d Do Q\n" % n for n in range(len(images)))
    return one_page(calls, resources=b"/XObject<<%s>>" % names, more=images)


@bomb()
def a_font_of_noise() -> bytes:
    noise = random.Random(3).randbytes(50_000)
    font = (
        b"<</Type/Font/Subtype/TrueType/BaseFont/N/FirstChar 0/LastChar 255/FontDescriptor 7 0 R"
        b"/ToUnicode 9 0 R>>"
    )
    described = b"<</Type/FontDescriptor/FontName/N/Flags 4/FontFile2 8 0 R>>"
    cmap = b"1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange\n" + (
        b"1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange\n" * 2000
    )
    return one_page(
        b"BT /N 9 Tf 9 9 Td (Nothing) Tj ET", resources=b"/XObject<<>>/Font<</N 6 0 R>>",
        more=[font, described, stream(noise), stream(cmap)],
    )  # fmt: skip
