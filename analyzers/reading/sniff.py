"""What a file is, told by its bytes and not by its name alone."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from analyzers.errors import ErrorKind, ReadError
from analyzers.message import N_, message

MAX_BYTES = 64 << 20
SUFFIXES = (".pdf", ".md", ".markdown", ".txt", ".text", ".html", ".htm", ".xhtml")
"""File names that the analysis takes; what is inside decides how they are read."""

_HTML_HEAD = re.compile(
    rb"^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html)\b", re.I | re.S
)
_OTHER_MAGIC = {
    b"PK\x03\x04": N_("a ZIP archive or an Office document"),
    b"\x1f\x8b": N_("a gzip archive"),
    b"\x89PNG": N_("a PNG image"),
    b"\xff\xd8\xff": N_("a JPEG image"),
    b"GIF8": N_("a GIF image"),
    b"%!PS": N_("PostScript"),
    b"\xd0\xcf\x11\xe0": N_("an old Office document"),
    b"\x7fELF": N_("a program"),
}


class FileKind(StrEnum):
    """The formats that can be read."""

    PDF = "pdf"
    MARKDOWN = "markdown"
    HTML = "html"
    TEXT = "text"


def sniff(path: Path) -> FileKind:
    """Return what `path` holds.

    Raises `ReadError`: not_found, empty, too_large, not_a_pdf (named .pdf without being one),
    unsupported (a format that isn't read), unreadable (no permission).
    """
    try:
        if not path.exists():
            raise ReadError(ErrorKind.NOT_FOUND, message("There is no such file. Check the path."))
        if not path.is_file():
            raise ReadError(
                ErrorKind.UNSUPPORTED, message("This is not a file. Give a file or a folder.")
            )
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ReadError(
            ErrorKind.UNREADABLE, message("The file cannot be opened: {why}.", why=reason)
        ) from error
    if size == 0:
        raise ReadError(ErrorKind.EMPTY, message("The file is empty. Fetch it again."))
    if size > MAX_BYTES:
        raise ReadError(
            ErrorKind.TOO_LARGE,
            message(
                "The file has {size} MB; the limit is {limit} MB.",
                size=round(size / (1 << 20)),
                limit=MAX_BYTES >> 20,
            ),
        )
    return _kind(path.suffix.lower(), head)


def _kind(suffix: str, head: bytes) -> FileKind:
    if b"%PDF-" in head[:1024]:
        return FileKind.PDF
    for magic, name in _OTHER_MAGIC.items():
        if head.startswith(magic):
            raise ReadError(
                ErrorKind.NOT_A_PDF if suffix == ".pdf" else ErrorKind.UNSUPPORTED,
                message(
                    "This is {what}. Give a PDF, Markdown, HTML or text file.",
                    words=("what",),
                    what=name,
                ),
            )
    if suffix == ".pdf":
        what = N_("an HTML page") if b"<html" in head.lower() else N_("no PDF")
        raise ReadError(
            ErrorKind.NOT_A_PDF,
            message(
                "The file is named .pdf but is {what} (it lacks the %PDF- mark). Fetch it again.",
                words=("what",),
                what=what,
            ),
        )
    if suffix not in SUFFIXES and suffix:
        raise ReadError(
            ErrorKind.UNSUPPORTED,
            message(
                "Files named {suffix} are not read. Give a PDF, Markdown, HTML or text file.",
                suffix=suffix[:12],
            ),
        )
    if suffix in (".html", ".htm", ".xhtml") or _HTML_HEAD.match(head):
        return FileKind.HTML
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ReadError(
            ErrorKind.UNSUPPORTED, message("The file is binary, not text. Give a PDF or text.")
        )
    return FileKind.MARKDOWN if suffix in (".md", ".markdown") else FileKind.TEXT
