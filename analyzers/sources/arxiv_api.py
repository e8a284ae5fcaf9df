"""Records from arXiv, politely, with every failure told from "no results"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import message
from analyzers.sources.arxiv_id import ArxivId, parse_arxiv_id
from analyzers.sources.feed import bad_request, check_feed
from analyzers.sources.rate_gate import INTERVAL_S, RateGate
from analyzers.sources.web import BadRequestError, Web, read_limited

__all__ = ["ArxivId", "PaperRecord", "Records", "fetch_records", "make_web", "server_of"]

BASE_URL = "https://export.arxiv.org"
PAGE = 100
MAX_RESULTS = 2000
MAX_FEED_BYTES = 32 << 20


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

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> PaperRecord:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **record,
                "authors": tuple(record["authors"]),
                "categories": tuple(record["categories"]),
            }
        )


class Records(list[PaperRecord]):
    """Records in arXiv's order.

    `missing` are the ids that were asked for and did not come; `trouble` is why the list ends
    early, where a later page of it failed.
    """

    missing: list[str]
    trouble: SourceError | None

    def __init__(self, records: Iterable[PaperRecord] = (), missing: Iterable[str] = ()) -> None:
        super().__init__(records)
        self.missing = list(missing)
        self.trouble = None


def make_web(
    *,
    lock_file: Path | None = None,
    interval_s: float = INTERVAL_S,
    should_stop: Callable[[], bool] = lambda: False,
) -> Web:
    """Return the polite client; share one for several calls."""
    return Web(RateGate(lock_file, interval_s, should_stop=should_stop))


def server_of(base_url: str | None) -> str:
    """Return the server's address, whether the API's own address was given or nothing."""
    return (base_url or BASE_URL).rstrip("/").removesuffix("/api/query")


def fetch_records(
    ids: Sequence[ArxivId | str] | None = None,
    query: str | None = None,
    *,
    max_results: int = 50,
    base_url: str | None = None,
    web: Web | None = None,
    newest_first: bool = True,
    by_update: bool = False,
    enough: Callable[[int, PaperRecord], bool] = lambda count, record: False,
) -> Records:
    """Ask arXiv for records by ids, or by a query in its search language.

    An id without a version gives the newest. A query's records come by the date they were submitted
    on (`by_update`: that of their newest version); `enough` is asked of each, with how many came
    before, and ends the list: pages that nobody needs are not asked for.

    Raises `SourceError`: bad_request (with arXiv's reason), offline, timeout, rate_limited,
    refused, bad_answer (an HTML page, a cut-off document). What came before a failure isn't lost:
    the records then carry the failure as `trouble`.
    """
    web = web or make_web()
    base = server_of(base_url)
    if ids is not None:
        wanted = list(dict.fromkeys(_checked(item) for item in ids))
        found, trouble = _kept(
            record
            for start in range(0, len(wanted), PAGE)
            for record in _by_ids(web, base, wanted[start : start + PAGE])
        )
        return _in_order(wanted, found, trouble)
    if not query or not query.strip():
        raise SourceError(
            ErrorKind.BAD_REQUEST,
            message("The query is empty. Give words, like: all:quantization"),
        )
    most = max(1, min(max_results, MAX_RESULTS))
    records = Records()
    answers = _ask(web, base, [], query.strip(), most, newest_first, by_update)
    found, records.trouble = _kept(_until(enough, answers))
    records += found
    return records


def _until(
    enough: Callable[[int, PaperRecord], bool], answers: Iterator[PaperRecord]
) -> Iterator[PaperRecord]:
    for count, record in enumerate(answers):
        if enough(count, record):
            return
        yield record


def _kept(
    answers: Iterator[PaperRecord],
) -> tuple[list[PaperRecord], SourceError | None]:
    """Return what came, and what ended it; a failure before anything came is raised."""
    found: list[PaperRecord] = []
    try:
        for record in answers:
            found.append(record)
    except SourceError as error:
        if not found or error.kind is ErrorKind.CANCELLED:
            raise
        return found, error
    return found, None


def _checked(item: ArxivId | str) -> ArxivId:
    if isinstance(item, ArxivId):
        return item
    arxiv_id = parse_arxiv_id(item)
    if arxiv_id is None:
        # one malformed id spoils a whole request at arXiv, so it never gets there
        raise SourceError(
            ErrorKind.BAD_REQUEST,
            message(
                "{text!r} is no arXiv id. Ids look like 2410.09426 or quant-ph/0201082.",
                text=item[:60],
            ),
        )
    return arxiv_id


def _by_ids(web: Web, base: str, wanted: Sequence[ArxivId]) -> Iterator[PaperRecord]:
    """Yield the records of up to a page of ids; one that arXiv can't read doesn't spoil the rest.

    Halving the list finds it in a few requests.
    """
    try:
        answer = list(_ask(web, base, [str(w) for w in wanted], None, len(wanted), True))
    except SourceError as error:
        if error.kind is not ErrorKind.BAD_REQUEST or len(wanted) == 1:
            raise
        half = len(wanted) // 2
        for part in (wanted[:half], wanted[half:]):
            try:
                yield from _by_ids(web, base, part)
            except SourceError as inner:
                if inner.kind is not ErrorKind.BAD_REQUEST:
                    raise
        return
    yield from answer


def _in_order(
    wanted: list[ArxivId], records: list[PaperRecord], trouble: SourceError | None
) -> Records:
    by_id = {str(key): record for record in records for key in (record.id, record.arxiv_id)}
    result = Records()
    result.trouble = trouble
    seen: set[str] = set()
    for item in wanted:
        record = by_id.get(str(item))
        if record is None:
            result.missing.append(str(item))
        elif str(record.id) not in seen:
            seen.add(str(record.id))
            result.append(record)
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
                check_feed(body)
                answer._content = body
                return answer
        except BadRequestError as error:
            raise bad_request(error.body) from error


def _ask(
    web: Web,
    base: str,
    ids: list[str],
    query: str | None,
    most: int,
    newest_first: bool,
    by_update: bool = False,
) -> Iterator[PaperRecord]:
    import arxiv

    client = arxiv.Client(page_size=min(most, PAGE), delay_seconds=0.0, num_retries=0)
    client.query_url_format = f"{base}/api/query?{{}}"
    client._session = _Session(web)
    by = arxiv.SortCriterion.SubmittedDate if newest_first else arxiv.SortCriterion.Relevance
    if by_update:
        by = arxiv.SortCriterion.LastUpdatedDate
    search = arxiv.Search(query=query or "", id_list=ids, max_results=most, sort_by=by)
    try:
        for result in client.results(search):
            if (record := _record(result)) is not None:
                yield record
    except arxiv.ArxivError as error:
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message("arXiv sent an empty page in the middle of the list. Try again."),
        ) from error
    except (ValueError, OverflowError, TypeError, AttributeError) as error:  # a date, a number
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message("arXiv's answer is damaged. Nothing was lost; try again."),
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
