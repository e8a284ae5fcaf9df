"""PDFs written by hand, so that they can say what no library would write."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

Objects = Sequence[bytes]


def stream(content: bytes, extra: bytes = b"", *, packed: bool = True) -> bytes:
    """A stream object; `packed` deflates it, as cheap as can be."""
    if packed:
        content, extra = zlib.compress(content, 1), extra + b"/Filter/FlateDecode"
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), extra, content)


def deflated(times: int, chunk: bytes = bytes(1 << 20)) -> bytes:
    """`times` chunks deflated without ever holding them all."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(chunk) for _ in range(times)) + packer.flush()


def pdf(objects: Objects, trailer: bytes = b"", *, header: bytes = b"%PDF-1.7\n") -> bytes:
    """A file with these objects (numbered from 1, the first is the catalog) and a sound xref."""
    body, places = bytearray(header), []
    for number, item in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(body) + table + end % (len(objects) + 1, trailer, len(body))


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
ONE_PAGE = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
LETTER = b"0 0 612 792"


def one_page(
    content: bytes,
    *,
    media: bytes = LETTER,
    resources: bytes = b"",
    page: bytes = b"",
    catalog: bytes = b"",
    more: Objects = (),
) -> bytes:
    """One page with this content stream; `more` objects are numbered from 6, the font is /F."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
            ONE_PAGE,
            b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>%s>>%s>>" % (media, resources, page),
            stream(content),
            FONT,
            *more,
        ]
    )


def text_page(text: bytes, **options: Any) -> bytes:
    """One page that says `text`, lines of it."""
    lines = b"".join(b"(%s) Tj 0 -14 Td\n" % line for line in text.splitlines())
    return one_page(b"BT /F 11 Tf 60 720 Td\n" + lines + b"ET", **options)


def page_with(content: bytes, media: bytes = LETTER) -> bytes:
    """One page whose content is this stream object."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    return pdf([CATALOG, ONE_PAGE, page % media, content, FONT])
