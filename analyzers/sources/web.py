"""HTTP for arXiv: through the gate, with time-outs, limits and bounded retries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from analyzers.sources.errors import SourceError, SourceKind
from analyzers.sources.rate_gate import RateGate

if TYPE_CHECKING:
    import requests

CONNECT_S, READ_S, WHOLE_S = 10.0, 30.0, 300.0
RETRIES = 3
LONGEST_WAIT_S = 120.0
USER_AGENT = "Assay/0.1 (local paper triage; python-requests)"
OFFLINE = (
    "arXiv can't be reached: there is no network, or its server doesn't answer."
    " Nothing was lost; try again later or add the PDF from disk."
)


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

        Raises `SourceError`; that of a 400 carries the answer's body as its message, for the
        caller to read the reason from.
        """
        import requests

        with requests.Session() as session:
            session.max_redirects = 5
            session.headers["User-Agent"] = USER_AGENT
            if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
                session.trust_env = False  # a proxy has no business with the own machine
            for attempt in range(self.retries + 1):
                with self.gate.turn():
                    self.asked.append(url)
                    try:
                        with session.get(url, timeout=self.timeout, stream=True) as answer:
                            if answer.status_code == requests.codes.ok:
                                yield answer
                                return
                            wait = self._wait(answer, attempt)
                    except requests.exceptions.Timeout as error:
                        raise SourceError(
                            SourceKind.TIMEOUT,
                            "arXiv did not answer in time. Nothing was lost; try again later.",
                        ) from error
                    except requests.exceptions.RequestException as error:
                        raise SourceError(SourceKind.OFFLINE, OFFLINE) from error
                self.gate.sleep(wait)

    def _wait(self, answer: requests.Response, attempt: int) -> float:
        """Return the seconds to wait before the next attempt, or raise what the status means."""
        status = answer.status_code
        if status in (429, 502, 503, 504):
            asked_for = _retry_after(answer.headers.get("Retry-After"))
            wait = self.backoff_s * 2**attempt if asked_for is None else asked_for
            if attempt < self.retries and wait <= LONGEST_WAIT_S:
                return wait
            raise SourceError(
                SourceKind.RATE_LIMITED,
                f"arXiv asks to slow down (HTTP {status}). Nothing was lost; try again in"
                f" {max(1, round(max(wait, 60) / 60))} min.",
            )
        if status == 404:
            raise SourceError(SourceKind.NOT_FOUND, "arXiv has no such file (HTTP 404).")
        if status == 403:
            raise SourceError(
                SourceKind.REFUSED,
                "arXiv refuses access (HTTP 403). Don't try again today: repeated requests after a"
                " refusal count as an attack.",
            )
        if status == 400:
            raise SourceError(
                SourceKind.BAD_REQUEST, read_limited(answer, 65536).decode("utf-8", "replace")
            )
        raise SourceError(SourceKind.BAD_ANSWER, f"arXiv answered with HTTP {status}. Try later.")


def read_limited(answer: requests.Response, most: int) -> bytes:
    """Read a body of at most `most` bytes.

    Raises `SourceError`: too_large, or bad_answer where it is shorter than announced.
    """
    import requests
    import urllib3

    body = bytearray()
    end = time.monotonic() + WHOLE_S
    try:
        for chunk in answer.iter_content(65536):
            body += chunk
            if len(body) > most:
                raise SourceError(
                    SourceKind.TOO_LARGE, f"The answer has more than {most >> 20} MB."
                )
            if time.monotonic() > end:
                raise SourceError(SourceKind.TIMEOUT, "arXiv sends too slowly. Try again later.")
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise SourceError(
            SourceKind.BAD_ANSWER,
            "The connection broke in the middle of arXiv's answer. Nothing was lost; try again.",
        ) from error
    announced = answer.headers.get("Content-Length", "")
    if (
        announced.isdigit()
        and not answer.headers.get("Content-Encoding")
        and len(body) < int(announced)
    ):
        raise SourceError(
            SourceKind.BAD_ANSWER, "arXiv's answer was cut off. Nothing was lost; try again."
        )
    return bytes(body)


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
