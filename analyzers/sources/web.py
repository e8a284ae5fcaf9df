"""HTTP for arXiv: through the gate, with time-outs, limits and bounded retries."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from analyzers.errors import ErrorKind, SourceError
from analyzers.message import message
from analyzers.sources.connecting import REDIRECTS, Deadline, careful_session, next_address
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
    whole_s: float = WHOLE_S
    backoff_s: float = 5.0
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def get(self, url: str) -> Iterator[requests.Response]:
        """Yield a streamed answer with status 200.

        Raises `SourceError`, for a 400 `BadRequestError` with the answer's body.
        """
        import requests

        deadline = Deadline(self.whole_s)
        with careful_session(deadline) as session:
            session.headers["User-Agent"] = USER_AGENT
            session.headers["Accept-Encoding"] = "gzip"
            if is_local(url):
                session.trust_env = False  # a proxy has no business with the own machine
            for attempt in range(self.retries + 1):
                with self.gate.turn() as turn:
                    try:
                        with deadline.watch(), self._answer(session, url) as answer:
                            if answer.status_code == requests.codes.ok:
                                _check_encoding(answer)
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

    def _answer(self, session: requests.Session, url: str) -> requests.Response:
        """Return the answer at the end of redirects, each of which is looked at first.

        `requests` would follow them anywhere, and read the bodies on the way whole.
        """
        address = url
        for _ in range(REDIRECTS + 1):
            self.asked.append(address)
            try:
                answer = session.get(
                    address, timeout=self.timeout, stream=True, allow_redirects=False
                )
            except ValueError as error:
                raise _not_understood() from error
            try:
                following = next_address(url, answer)
            except SourceError:
                answer.close()
                raise
            if following is None:
                return answer
            answer.close()
            address = following
        raise SourceError(
            ErrorKind.BAD_ANSWER, message("arXiv's answers lead in a circle. Try again later.")
        )

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


def _check_encoding(answer: requests.Response) -> None:
    """Refuse a body that is packed in another way than was offered, or several times over.

    Unpacking a byte of such may give a million; gzip gives a thousand, in pieces.
    """
    if answer.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity", "gzip"):
        raise _not_understood()


def _not_understood() -> SourceError:
    return SourceError(
        ErrorKind.BAD_ANSWER, message("arXiv's answer can't be understood. Try again later.")
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
    announced = _whole_number(answer.headers.get("Content-Length"))
    known = announced is not None and not answer.headers.get("Content-Encoding")
    if announced is not None and known and size < announced:
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
    seconds = _whole_number(value)
    if seconds is not None:
        return float(seconds)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _whole_number(text: str | None) -> int | None:
    """Read a header of digits; more of them than a size or a wait can have are no number."""
    found = re.fullmatch(r"\s*([0-9]{1,15})\s*", text or "")
    return int(found[1]) if found else None
