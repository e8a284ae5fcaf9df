"""What a PDF can be made of to hurt a reader."""

from __future__ import annotations

from tests.hostile.raw import (
    CATALOG,
    page_with,
    pdf,
    stream,
    text_page,
)
from tests.hostile.registry import WORDS, bomb


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
    return page_with(b"<</Length 4 0 R>>stream\nBT /F 9 Tf (x) Tj ET\nendstream")


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
