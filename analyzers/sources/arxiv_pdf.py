"""A paper's PDF from arXiv: whole, of the right paper, or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from analyzers.errors import ErrorKind, ReadError, SourceError
from analyzers.message import message
from analyzers.sources.arxiv_api import ArxivId, PaperRecord, make_web, server_of
from analyzers.sources.identity import FrontPage, is_of, read_front_page
from analyzers.sources.web import Web, copy_limited, cut_off

MAX_PDF_BYTES = 64 << 20
_TRIES = 2
_PART = re.compile(r"\..*\.(\d+)\.part")


def download_pdf(
    paper: PaperRecord | ArxivId,
    folder: Path,
    *,
    base_url: str | None = None,
    web: Web | None = None,
    read_front: Callable[[Path], FrontPage] = read_front_page,
) -> Path:
    """Fetch a paper's PDF into `folder` and return its path; one that is there is not asked again.

    The file appears whole or not at all: it is checked under another name first (the PDF mark, its
    size, and by `read_front` that its first page bears the id or the title asked for). A download
    that breaks off is started anew once. Raises `SourceError` as `fetch_records` does, and
    not_found (no PDF, as for a withdrawn version), not_a_pdf, wrong_paper, too_large, disk.
    """
    arxiv_id = paper.id if isinstance(paper, PaperRecord) else paper
    path = folder / arxiv_id.file_name
    if _has_mark(path):
        return path
    web = web or make_web()
    url = f"{server_of(base_url)}/pdf/{arxiv_id}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            _fetch(web, url, part, _TRIES)
            _check(part, paper, read_front)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(
            ErrorKind.DISK,
            message(
                "The PDF can't be written to {folder}: {why}.",
                folder=str(folder),
                why=error.strerror,
            ),
        ) from error
    except SourceError as error:
        raise _about_pdf(error, paper) from error
    return path


def _fetch(web: Web, url: str, part: Path, tries: int) -> None:
    try:
        with web.get(url) as answer, part.open("wb") as out:
            is_length_known = copy_limited(answer, out, MAX_PDF_BYTES)
            out.flush()
            os.fsync(out.fileno())
        if not is_length_known and _has_mark(part) and not _has_end(part):
            raise cut_off()
    except SourceError as error:
        if error.kind is not ErrorKind.BAD_ANSWER or tries <= 1:
            raise
        _fetch(web, url, part, tries - 1)


def _check(
    part: Path, paper: PaperRecord | ArxivId, read_front: Callable[[Path], FrontPage]
) -> None:
    arxiv_id, title = (paper.id, paper.title) if isinstance(paper, PaperRecord) else (paper, None)
    if not _has_mark(part):
        raise SourceError(
            ErrorKind.NOT_A_PDF,
            message(
                "What arXiv sent for {paper} is no PDF (a web page, or a paper without one).",
                paper=str(arxiv_id),
            ),
        )
    try:
        front = read_front(part)
    except ReadError as error:
        raise SourceError(
            ErrorKind.NOT_A_PDF,
            message(
                "What arXiv sent for {paper} can't be read: {why}",
                paper=str(arxiv_id),
                why=error.reason,
            ),
        ) from error
    if not is_of(front, arxiv_id, title):
        raise SourceError(
            ErrorKind.WRONG_PAPER,
            message(
                "What arXiv sent for {paper} is another paper ({found}). It was not kept.",
                paper=str(arxiv_id),
                found=front.name,
            ),
        )


def _about_pdf(error: SourceError, paper: PaperRecord | ArxivId) -> SourceError:
    if error.kind not in (ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST):
        return SourceError(error.kind, error.reason)
    if isinstance(paper, PaperRecord) and paper.withdrawn:
        reason = message("arXiv has no PDF of {paper}: it was withdrawn.", paper=str(paper.id))
    else:
        arxiv_id = paper.id if isinstance(paper, PaperRecord) else paper
        reason = message(
            "arXiv has no PDF of {paper}: the id or version may be wrong, or withdrawn.",
            paper=str(arxiv_id),
        )
    return SourceError(ErrorKind.NOT_FOUND, reason)


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return b"%PDF-" in stream.read(1024)
    except OSError:
        return False


def _has_end(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        return b"%%EOF" in stream.read()


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left of their downloads."""
    for part in folder.glob(".*.part"):
        match = _PART.fullmatch(part.name)
        if match and not _is_alive(int(match[1])):
            part.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
