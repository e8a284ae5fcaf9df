"""Files made to hurt a reader, each with one trick; what is read from them doesn't matter."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator

from tests.hostile.raw import (
    CATALOG,
    FONT,
    LETTER,
    ONE_PAGE,
    deflated,
    one_page,
    pdf,
    stream,
    text_page,
)

WORDS = b"We present Nothing.\nNothing is 2.0x faster than vLLM on an A100 GPU.\n"
BOMBS: dict[str, Callable[[], bytes]] = {}


def bomb(suffix: str = "pdf") -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        BOMBS[f"{make.__name__}.{suffix}"] = make
        return make

    return keep


# what a page says


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
    return _page_with(
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
    )


@bomb()
def deflated_twice() -> bytes:
    packed = zlib.compress(deflated(150, b" " * (1 << 20)), 9)
    filters = b"/Filter[/FlateDecode/FlateDecode]"
    return _page_with(b"<</Length %d%s>>stream\n%s\nendstream" % (len(packed), filters, packed))


@bomb()
def ascii_hex_and_run_lengths() -> bytes:
    packed = b"81 20" * 200_000 + b">"  # 127 blanks for two bytes
    filters = b"/Filter[/ASCIIHexDecode/RunLengthDecode]"
    return _page_with(b"<</Length %d%s>>stream\n%s\nendstream" % (len(packed), filters, packed))


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


# what a file is made of


def _page_with(content: bytes, media: bytes = LETTER) -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    return pdf([CATALOG, ONE_PAGE, page % media, content, FONT])


def _pages(kids: bytes, count: int, more: list[bytes]) -> bytes:
    return pdf([CATALOG, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), *more])


@bomb()
def thousands_of_pages() -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
    kids = b" ".join(b"%d 0 R" % (3 + n) for n in range(20_000))
    return _pages(kids, 20_000, [page] * 20_000)


@bomb()
def a_count_that_lies() -> bytes:
    return _pages(b"3 0 R", 2_000_000_000, [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"])


@bomb()
def a_negative_count() -> bytes:
    return _pages(b"3 0 R", -5, [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"])


@bomb()
def a_page_tree_in_a_circle() -> bytes:
    return _pages(b"2 0 R 3 0 R", 2, [b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>"])


@bomb()
def a_deep_page_tree() -> bytes:
    depth = 20_000
    nodes = [
        b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (n + 4, n + 2) for n in range(depth)
    ]
    page = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 9 9]>>" % (depth + 2)
    return _pages(b"3 0 R", 1, [*nodes, page])


@bomb()
def pages_of_no_size() -> bytes:
    return text_page(WORDS, media=b"0 0 0 0")


@bomb()
def pages_of_absurd_size() -> bytes:
    return text_page(WORDS, media=b"-1e9 -1e9 1e9 1e9")


@bomb()
def pages_as_large_as_may_be() -> bytes:
    return text_page(WORDS, media=b"0 0 14400 14400", page=b"/UserUnit 75")


@bomb()
def pages_without_numbers() -> bytes:
    return text_page(WORDS, media=b"/a (b) null [1]", page=b"/Rotate 33")


@bomb()
def objects_in_a_stream_of_millions() -> bytes:
    inside = stream(b"9 0 " * 500_000, b"/Type/ObjStm/N 5000000/First 999999999")
    return text_page(WORDS).replace(b"trailer", b"9 0 obj\n%s\nendobj\ntrailer" % inside, 1)


@bomb()
def an_xref_stream_that_lies() -> bytes:
    rows = stream(
        b"\xff" * 60_000, b"/Type/XRef/W[8 8 8]/Size 2000000000/Root 1 0 R/Index[0 2000000000]"
    )
    body = b"%%PDF-1.7\n1 0 obj\n%s\nendobj\n" % CATALOG
    return body + b"2 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (rows, len(body))


@bomb()
def an_xref_in_a_circle() -> bytes:
    good = text_page(WORDS)
    start = good.rindex(b"xref\n0")
    return good.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start, 1)


@bomb()
def a_length_that_is_itself() -> bytes:
    return _page_with(b"<</Length 4 0 R>>stream\nBT /F 9 Tf (x) Tj ET\nendstream")


@bomb()
def a_font_that_is_a_page() -> bytes:
    return text_page(WORDS).replace(b"/F 5 0 R", b"/F 3 0 R")


@bomb()
def an_outline_in_a_circle() -> bytes:
    first = b"<</Title(%s)/Parent 6 0 R/Next 7 0 R/First 7 0 R/Dest[3 0 R/Fit]>>" % (
        b"1 Title" * 50_000
    )
    return text_page(
        WORDS, catalog=b"/Outlines 6 0 R",
        more=[b"<</Type/Outlines/First 7 0 R/Last 7 0 R/Count 9>>", first],
    )  # fmt: skip


@bomb()
def a_deep_outline() -> bytes:
    depth = 20_000
    items = [
        b"<</Title(1 Deep)/Parent %d 0 R/First %d 0 R/Dest[3 0 R/Fit]>>" % (6 + n, 8 + n)
        for n in range(depth)
    ]
    return text_page(
        WORDS,
        catalog=b"/Outlines 6 0 R",
        more=[b"<</Type/Outlines/First 7 0 R>>", *items],
    )


@bomb()
def actions() -> bytes:
    say = b"app.alert(1);this.exportDataObject({cName:'x',nLaunch:2})"
    script = b"/OpenAction<</S/JavaScript/JS(%s)>>" % say
    launch = b"/AA<</WC<</S/Launch/Win<</F(cmd.exe)/P(/c calc)>>/F(/bin/sh)>>>>"
    submit = b"/AA<</O<</S/SubmitForm/F(http://127.0.0.1:9/x)>>>>"
    return text_page(WORDS, catalog=script + launch, page=submit)


@bomb()
def links_without_end() -> bytes:
    link = b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://github.com/%s)>>>>"
    return text_page(WORDS, page=b"/Annots[%s]" % (link % (b"a/" * 2000) * 2000))


@bomb()
def a_title_that_steers() -> bytes:
    title = (
        "\u202eGpJ.exe\u2066 <script>alert(1)</script>\u0000 ' OR 1=1 -- ../../x [x](javascript:1)"
    )
    info = b"<</Title<FEFF%s>/Author(%s)>>" % (
        title.encode("utf-16-be").hex().encode(),
        b"A" * 100_000,
    )
    return text_page(WORDS, more=[info]).replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 6 0 R")


# files that aren't PDFs


@bomb("pdf")
def a_pdf_after_rubbish() -> bytes:
    return b"\0" * 1000 + text_page(WORDS)


@bomb("html")
def deep_elements() -> bytes:
    return b"<html><body>" + b"<div>" * 200_000 + WORDS


@bomb("html")
def attributes_without_end() -> bytes:
    return b"<html><body><p " + b" ".join(b"a%d=1" % n for n in range(300_000)) + b">" + WORDS


@bomb("html")
def laughs() -> bytes:
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
    )
    return b'<?xml version="1.0"?><!DOCTYPE html [%s]><html><body>&a11;%s</body></html>' % (
        entities,
        WORDS,
    )


@bomb("html")
def another_file() -> bytes:
    return (
        b'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><h1>T</h1><p>&x; '
        b'<iframe src="file:///etc/passwd"></iframe><p>' + WORDS
    )


@bomb("html")
def gzipped() -> bytes:
    return gzip.compress(bytes(50 << 20))


@bomb("txt")
def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../x", bytes(20 << 20))
    return out.getvalue()


@bomb("md")
def brackets() -> bytes:
    return b"# T\n\n" + b"[" * 300_000 + b"](" * 100_000 + b"*_" * 100_000 + b"\n\n" + WORDS


@bomb("md")
def front_matter() -> bytes:
    return (
        b"---\n"
        + b"a: &a [*a, *a]\n" * 100_000
        + b"title: !!python/object/apply:os.system [x]\n---\n"
        + WORDS
    )


@bomb("md")
def rows_without_end() -> bytes:
    return b"# T\n\n| a | b |\n| --- | --- |\n" + b"| 2.0x | 3.0x |\n" * 200_000


@bomb("txt")
def digits_without_end() -> bytes:
    return b"We are " + b"1," * 400_000 + b"1x faster than vLLM.\n\n" + b"2.0x and " * 100_000


@bomb("txt")
def signs_without_end() -> bytes:
    return ("We get " + "×2×" * 200_000 + " to " * 100_000 + "from 65 ms to " * 50_000).encode()


@bomb("txt")
def dots_without_end() -> bytes:
    return b"Title\n\n" + b"et al. Fig. 1. e.g. i.e. " * 100_000 + b"." * 500_000


@bomb("txt")
def one_line() -> bytes:
    return b"faster " * 1_000_000


@bomb("txt")
def marks_on_marks() -> bytes:
    return ("Z" + "\u0301" * 500_000 + "\u202e\u2066\ufeff\u200f" * 50_000).encode() + WORDS


@bomb("txt")
def not_even_text() -> bytes:
    return b"\xff\xfe" + b"\xd8\x00" * 100_000 + b"x"


@bomb("txt")
def nulls() -> bytes:
    return bytes(1000) + WORDS


def locked() -> Iterator[tuple[str, bytes]]:
    """PDFs with a password, and one whose password is empty: that one can be read."""
    import pymupdf

    for name, user in (("locked", "secret"), ("locked_with_nothing", "")):
        with pymupdf.open("pdf", text_page(WORDS)) as document:  # type: ignore[no-untyped-call]
            yield (
                f"{name}.pdf",
                document.tobytes(  # type: ignore[no-untyped-call]
                    encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=user, owner_pw="owner"
                ),
            )


def all_bombs() -> Iterator[tuple[str, bytes]]:
    """Every file with its name."""
    for name, make in BOMBS.items():
        yield name, make()
    yield from locked()
