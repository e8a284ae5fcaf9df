"""Files that aren't PDFs, made to hurt a reader."""

from __future__ import annotations

import gzip
import io
import zipfile

from tests.hostile.raw import (
    text_page,
)
from tests.hostile.registry import WORDS, bomb


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
