"""Why a paper could not be had or read: typed, and said in one sentence, in any language."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from analyzers.message import Message, message


class ErrorKind(StrEnum):
    """The ways in which asking a source, or reading one file, ends without a paper."""

    # a file
    NOT_FOUND = "not_found"
    NOT_A_PDF = "not_a_pdf"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    NO_TEXT = "no_text"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    MEMORY = "memory"
    CRASH = "crash"
    CHANGED = "changed"
    NO_SUCH_PAGE = "no_such_page"
    # a source
    OFFLINE = "offline"
    RATE_LIMITED = "rate_limited"
    BAD_REQUEST = "bad_request"
    REFUSED = "refused"
    BAD_ANSWER = "bad_answer"
    WRONG_PAPER = "wrong_paper"
    BUSY = "busy"
    DISK = "disk"
    # both
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class AnalyzerError(Exception):
    """There is no paper; `reason` says why and what to do."""

    def __init__(self, kind: ErrorKind, reason: Message) -> None:
        super().__init__(kind, reason)
        self.kind = kind
        self.reason = reason

    @property
    def message(self) -> str:
        """The sentence in English."""
        return str(self.reason)

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        """Return the `error` object of the analysis contract."""
        return error_record(self.kind, self.reason)


class ReadError(AnalyzerError):
    """A file could not be read."""


class SourceError(AnalyzerError):
    """A source gave no paper."""


def error_record(kind: ErrorKind | str, reason: Message) -> dict[str, Any]:
    """Return {"kind", "message"} and what it takes to say the message in another language."""
    return {"kind": str(kind), "message": str(reason), **reason.to_json()}


def reason_of(record: Mapping[str, Any]) -> Message:
    """Return the sentence of an `error_record`; one of an older Assay stays as it was written."""
    if "template" in record:
        return Message.from_json(record)
    return message("{why}", why=str(record.get("message") or record.get("kind") or ""))
