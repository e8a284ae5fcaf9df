"""Records and PDFs from arXiv, politely, with every failure told from "no results"."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analyzers.sources.arxiv_id import ArxivId, find_arxiv_ids, parse_arxiv_id
from analyzers.sources.errors import SourceError, SourceKind
from analyzers.sources.rate_gate import INTERVAL_S, RateGate
from analyzers.sources.web import Web, read_limited

__all__ = [
    "ArxivId",
    "PaperRecord",
    "Records",
    "SourceError",
    "SourceKind",
    "download_pdf",
    "fetch_records",
    "find_arxiv_ids",
    "make_web",
    "parse_arxiv_id",
]

BASE_URL = "https://export.arxiv.org"
PAGE = 100
MAX_RESULTS = 2000
MAX_FEED_BYTES = 32 << 20
MAX_PDF_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """What arXiv says about one version of a paper; dates are ISO 8601 in UTC."""

    arxiv_id: str
    version: int
    title: str
    authors: tuple[str, ...]
    abstract: str
    published: str
    updated: str
    primary_category: str
    categories: tuple[str, ...]
    comment: str | None
    doi: str | None
    journal_ref: str | None
    withdrawn: bool

    @property
    def id(self) -> ArxivId:
        """The identifier with the version that this record describes."""
        return ArxivId(self.arxiv_id, self.version)

    @property
    def url(self) -> str:
        """The abstract page: the address to show to people."""
        return f"https://arxiv.org/abs/{self.id}"

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {**asdict(self), "authors": list(self.authors), "categories": list(self.categories)}


class Records(list[PaperRecord]):
    """Records in arXiv's order; `missing` are the ids that were asked for and did not come."""

    missing: list[str]

    def __init__(self, records: Iterable[PaperRecord] = (), missing: Iterable[str] = ()) -> None:
        super().__init__(records)
        self.missing = list(missing)


def make_web(
    *,
    lock_file: Path | None = None,
    interval_s: float = INTERVAL_S,
    should_stop: Callable[[], bool] = lambda: False,
) -> Web:
    """Return the polite client; share one for several calls."""
    return Web(RateGate(lock_file, interval_s, should_stop=should_stop))


def fetch_records(
    ids: Sequence[ArxivId | str] | None = None,
    query: str | None = None,
    *,
    max_results: int = 50,
    base_url: str | None = None,
    web: Web | None = None,
    newest_first: bool = True,
) -> Records:
    """Ask arXiv for records by ids, or by a query in its search language.

    An id without a version gives the newest. Raises `SourceError`: bad_request (with arXiv's
    reason), offline, timeout, rate_limited, refused, bad_answer (an HTML page, a cut-off document).
    """
    web = web or make_web()
    base = base_url or BASE_URL
    if ids is not None:
        wanted = [_checked(item) for item in ids]
        records: list[PaperRecord] = []
        for start in range(0, len(wanted), PAGE):
            records += _ask(
                web, base, [str(w) for w in wanted[start : start + PAGE]], None, PAGE, True
            )
        return _in_order(wanted, records)
    if not query or not query.strip():
        raise SourceError(
            SourceKind.BAD_REQUEST, "The query is empty. Give words, like: all:quantization"
        )
    most = max(1, min(max_results, MAX_RESULTS))
    return Records(_ask(web, base, [], query.strip(), most, newest_first))


def _checked(item: ArxivId | str) -> ArxivId:
    if isinstance(item, ArxivId):
        return item
    arxiv_id = parse_arxiv_id(item)
    if arxiv_id is None:
        # one malformed id spoils a whole request at arXiv, so it never gets there
        raise SourceError(
            SourceKind.BAD_REQUEST,
            f"{item[:60]!r} is no arXiv id. Ids look like 2410.09426 or quant-ph/0201082.",
        )
    return arxiv_id


def _in_order(wanted: list[ArxivId], records: list[PaperRecord]) -> Records:
    by_id = {str(key): record for record in records for key in (record.id, record.arxiv_id)}
    result, missing = Records(), []
    seen: set[str] = set()
    for item in wanted:
        record = by_id.get(str(item))
        if record is None:
            missing.append(str(item))
        elif str(record.id) not in seen:
            seen.add(str(record.id))
            result.append(record)
    result.missing = missing
    return result


class _Session:
    """What `arxiv.Client` asks: the gate, limits and checks of ours instead of a bare session."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def get(self, url: str, headers: object = None) -> Any:
        """Return an answer whose body is a whole Atom feed."""
        try:
            with self._web.get(url) as answer:
                body = read_limited(answer, MAX_FEED_BYTES)
                _check_feed(body)
                answer._content = body
                return answer
        except SourceError as error:
            if error.kind is SourceKind.BAD_REQUEST:
                raise SourceError(error.kind, _reason(error.message)) from error
            raise


def _ask(
    web: Web, base: str, ids: list[str], query: str | None, most: int, newest_first: bool
) -> list[PaperRecord]:
    import arxiv

    client = arxiv.Client(page_size=min(most, PAGE), delay_seconds=0.0, num_retries=0)
    client.query_url_format = f"{base.rstrip('/').removesuffix('/api/query')}/api/query?{{}}"
    client._session = _Session(web)
    by = arxiv.SortCriterion.SubmittedDate if newest_first else arxiv.SortCriterion.Relevance
    search = arxiv.Search(query=query or "", id_list=ids, max_results=most, sort_by=by)
    try:
        return [record for result in client.results(search) if (record := _record(result))]
    except arxiv.ArxivError as error:
        raise SourceError(
            SourceKind.BAD_ANSWER, "arXiv sent an empty page in the middle of the list. Try again."
        ) from error


def _record(result: Any) -> PaperRecord | None:
    arxiv_id = parse_arxiv_id(str(result.get_short_id()))
    if arxiv_id is None:
        return None
    comment = _line(result.comment)
    return PaperRecord(
        arxiv_id=arxiv_id.id,
        version=arxiv_id.version or 1,
        title=_line(result.title) or "",
        authors=tuple(_line(author.name) or "" for author in result.authors),
        abstract=_line(result.summary) or "",
        published=result.published.isoformat(),
        updated=result.updated.isoformat(),
        primary_category=str(result.primary_category or ""),
        categories=tuple(str(category) for category in result.categories),
        comment=comment,
        doi=_line(result.doi),
        journal_ref=_line(result.journal_ref),
        withdrawn=bool(comment and re.search(r"\bwithdrawn\b", comment, re.I)),
    )


def _line(text: str | None) -> str | None:
    return " ".join(str(text).split()) or None if text else None


def _check_feed(body: bytes) -> None:
    """Tell a feed from an HTML page and from a document that was cut off.

    The package reads both as "no results" or as fewer results.
    """
    head = body[:2000].lstrip().lower()
    if b"<feed" not in head:
        what = "a web page" if b"<html" in head or b"<!doctype" in head else "no Atom feed"
        raise SourceError(
            SourceKind.BAD_ANSWER,
            f"arXiv (or a proxy before it) sent {what} instead of records. Try again later.",
        )
    if not body.rstrip().endswith(b"</feed>"):
        raise SourceError(
            SourceKind.BAD_ANSWER, "arXiv's answer was cut off. Nothing was lost; try again."
        )


def _reason(body: str) -> str:
    match = re.search(r"<summary[^>]*>([^<]{1,200})</summary>", body)
    why = " ".join(match[1].split()) if match else "no reason given"
    return f"arXiv could not read the request: {why}."


def download_pdf(
    paper: PaperRecord | ArxivId,
    folder: Path,
    *,
    base_url: str | None = None,
    web: Web | None = None,
) -> Path:
    """Fetch a paper's PDF into `folder` and return its path; one that is there is not asked again.

    The file appears whole or not at all. Raises `SourceError` as `fetch_records` does, and
    not_found (no PDF, as for a withdrawn version), not_a_pdf, too_large, disk.
    """
    arxiv_id = paper.id if isinstance(paper, PaperRecord) else paper
    path = folder / arxiv_id.file_name
    if _is_pdf(path):
        return path
    base = (base_url or BASE_URL).rstrip("/").removesuffix("/api/query")
    try:
        with (web or make_web()).get(f"{base}/pdf/{arxiv_id}") as answer:
            body = read_limited(answer, MAX_PDF_BYTES)
    except SourceError as error:
        raise _about_pdf(
            error, arxiv_id, isinstance(paper, PaperRecord) and paper.withdrawn
        ) from error
    if b"%PDF-" not in body[:1024]:
        raise SourceError(
            SourceKind.NOT_A_PDF,
            f"What arXiv sent for {arxiv_id} is no PDF (a web page, or a paper without one).",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, body)
    except OSError as error:
        raise SourceError(
            SourceKind.DISK, f"The PDF can't be written to {folder}: {error.strerror}."
        ) from error
    return path


def _about_pdf(error: SourceError, arxiv_id: ArxivId, withdrawn: bool) -> SourceError:
    if error.kind in (SourceKind.NOT_FOUND, SourceKind.BAD_REQUEST):
        why = "it was withdrawn" if withdrawn else "the id or version may be wrong, or withdrawn"
        return SourceError(SourceKind.NOT_FOUND, f"arXiv has no PDF of {arxiv_id}: {why}.")
    return SourceError(error.kind, error.message)


def _is_pdf(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return b"%PDF-" in stream.read(1024)
    except OSError:
        return False


def _write(path: Path, body: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
