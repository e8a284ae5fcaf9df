"""Telling an answer of arXiv's API from what only looks like one.

The `arxiv` package reads an HTML page as "no results", a document that was cut off as fewer
results, and skips an error entry: each would be a silent loss.
"""

from __future__ import annotations

import re

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import N_, message
from analyzers.sources.web import cut_off

_ERROR_ENTRY = b"arxiv.org/api/errors#"


def check_feed(body: bytes) -> None:
    """Raise `SourceError` unless `body` is a whole Atom feed of records.

    Kinds: bad_answer (a web page, a document that was cut off or is damaged), bad_request (an
    error entry, whatever the status was).
    """
    from lxml import etree

    head = body[:2000].lstrip().lower()
    if b"<feed" not in head:
        page = b"<html" in head or b"<!doctype" in head
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message(
                "arXiv (or a proxy before it) sent {what} instead of records. Try again later.",
                words=("what",),
                what=N_("a web page") if page else N_("no Atom feed"),
            ),
        )
    if not body.rstrip().endswith(b"</feed>"):
        raise cut_off()
    strict = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
    try:
        etree.fromstring(body, strict)
    except etree.XMLSyntaxError as error:
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message("arXiv's answer is damaged. Nothing was lost; try again."),
        ) from error
    if _ERROR_ENTRY in body:
        raise bad_request(body.decode("utf-8", "replace"))


def bad_request(body: str) -> SourceError:
    """Return the error of a request that arXiv could not read, with the reason that it gave."""
    match = re.search(r"<summary[^>]*>([^<]{1,200})</summary>", body)
    why = " ".join(match[1].split()) if match else "no reason given"
    return SourceError(
        ErrorKind.BAD_REQUEST, message("arXiv could not read the request: {why}.", why=why)
    )
