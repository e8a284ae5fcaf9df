"""HTTP for arXiv: through the gate, with time-outs, limits and bounded retries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import message
from analyzers.sources.rate_gate import LONGEST_WAIT_S, RateGate, Turn

if TYPE_CHECKING:
    import requests

CONNECT_S, READ_S, WHOLE_S = 10.0, 30.0, 300.0
RETRIES = 3
REFUSED_S = 3600.0
"""arXiv takes requests after a refusal for an attack: nobody asks for so long."""
USER_AGENT = "Assay/0.1 (local paper triage; python-requests)"
LOCAL = ("127.0.0.1", "localhost", "::1")


class BadRequestError(SourceError):
    """HTTP 400; `body` is the answer, which may hold the reason."""

    def __init__(self, body: str) -> None:
        super().__init__(ErrorKind.BAD_REQUEST, message("arXiv could not read the request."))
        self.body = body


@dataclass(slots=True)
class Web:
    """Polite GET requests: one at a time, retried on 429 and 5xx gateway answers only."""

    gate: RateGate
    retries: int = RETRIES
    timeout: tuple[float, float] = (CONNECT_S, READ_S)
    backoff_s: float = 5.0
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def get(self, url: str) -> Iterator[requests.Response]:
        """Yield a streamed answer with status 200.

        Raises `SourceError`, for a 400 `BadRequestError` with the answer's body.
        """
        import requests

        with requests.Session() as session:
            session.max_redirects = 5
            session.headers["User-Agent"] = USER_AGENT
            if is_local(url):
                session.trust_env = False  # a proxy has no business with the own machine
            for attempt in range(self.retries + 1):
                with self.gate.turn() as turn:
                    self.asked.append(url)
                    try:
                        with session.get(url, timeout=self.timeout, stream=True) as answer:
                            if answer.status_code == requests.codes.ok:
                                yield answer
                                return
                            self._heed(answer, attempt, turn)
                    except requests.exceptions.Timeout as error:
                        raise SourceError(
                            ErrorKind.TIMEOUT,
                            message(
                                "arXiv did not answer in time. Nothing was lost; try again later."
                            ),
                        ) from error
                    except requests.exceptions.RequestException as error:
                        raise SourceError(
                            ErrorKind.OFFLINE,
                            message(
                                "arXiv can't be reached: there is no network, or its server"
                                " doesn't answer. Nothing was lost; try again later or add the"
                                " PDF from disk."
                            ),
                        ) from error

    def _heed(self, answer: requests.Response, attempt: int, turn: Turn) -> None:
        """Make the next turn wait as long as the answer asks, or raise what its status means."""
        status = answer.status_code
        if status in (429, 502, 503, 504):
            asked_for = _retry_after(answer.headers.get("Retry-After"))
            wait = self.backoff_s * 2**attempt if asked_for is None else asked_for
            turn.hold(wait, ErrorKind.RATE_LIMITED)
            if attempt < self.retries and wait <= LONGEST_WAIT_S:
                return
            raise SourceError(
                ErrorKind.RATE_LIMITED,
                message(
                    "arXiv asks to slow down (HTTP {status}). Nothing was lost; try again in"
                    " {minutes} min.",
                    status=status,
                    minutes=max(1, round(max(wait, 60) / 60)),
                ),
            )
        if status == 404:
            raise SourceError(ErrorKind.NOT_FOUND, message("arXiv has no such file (HTTP 404)."))
        if status == 403:
            turn.hold(REFUSED_S, ErrorKind.REFUSED)
            raise SourceError(
                ErrorKind.REFUSED,
                message(
                    "arXiv refuses access (HTTP 403). Don't try again today: repeated requests"
                    " after a refusal count as an attack."
                ),
            )
        if status == 400:
            raise BadRequestError(read_limited(answer, 65536).decode("utf-8", "replace"))
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message("arXiv answered with HTTP {status}. Try later.", status=status),
        )


def is_local(url: str) -> bool:
    """Whether an address is one of this machine: a replica, where arXiv's terms don't hold."""
    return urlsplit(url).hostname in LOCAL


def read_limited(answer: requests.Response, most: int) -> bytes:
    """Read a body of at most `most` bytes into memory; raises as `copy_limited` does."""
    from io import BytesIO

    body = BytesIO()
    copy_limited(answer, body, most)
    return body.getvalue()


def copy_limited(answer: requests.Response, out: BinaryIO, most: int) -> bool:
    """Write a body of at most `most` bytes to `out`; return whether its length was announced.

    Raises `SourceError`: too_large, timeout, or bad_answer where it is shorter than announced.
    """
    import requests
    import urllib3

    size = 0
    end = time.monotonic() + WHOLE_S
    try:
        for chunk in answer.iter_content(65536):
            size += len(chunk)
            if size > most:
                raise SourceError(
                    ErrorKind.TOO_LARGE,
                    message("The answer has more than {limit} MB.", limit=most >> 20),
                )
            out.write(chunk)
            if time.monotonic() > end:
                raise SourceError(
                    ErrorKind.TIMEOUT, message("arXiv sends too slowly. Try again later.")
                )
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise SourceError(
            ErrorKind.BAD_ANSWER,
            message(
                "The connection broke in the middle of arXiv's answer. Nothing was lost; try again."
            ),
        ) from error
    announced = answer.headers.get("Content-Length", "")
    known = announced.isdigit() and not answer.headers.get("Content-Encoding")
    if known and size < int(announced):
        raise cut_off()
    return known or answer.headers.get("Transfer-Encoding", "").lower() == "chunked"


def cut_off() -> SourceError:
    """Return the error of an answer that ends too early."""
    return SourceError(
        ErrorKind.BAD_ANSWER,
        message("arXiv's answer was cut off. Nothing was lost; try again."),
    )


def _retry_after(value: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
