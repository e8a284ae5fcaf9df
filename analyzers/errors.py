"""Why a file could not be read, or a source not be asked: typed, and said in one sentence."""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """The ways in which reading one file ends without a result."""

    NOT_FOUND = "not_found"
    NOT_A_PDF = "not_a_pdf"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    NO_TEXT = "no_text"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"
    CANCELLED = "cancelled"


class ReadError(Exception):
    """A file could not be read; `message` says what is wrong and what to do."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, str]:
        """Return the `error` object of the analysis contract."""
        return {"kind": self.kind.value, "message": self.message}
