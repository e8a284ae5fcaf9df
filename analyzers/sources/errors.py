"""Why a source could not give a paper: typed, and said in one sentence."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """The ways in which asking a source ends without a paper."""

    OFFLINE = "offline"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    BAD_ANSWER = "bad_answer"
    NOT_A_PDF = "not_a_pdf"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    DISK = "disk"
    CANCELLED = "cancelled"


class SourceError(Exception):
    """A source gave no paper; `message` says why and what to do."""

    def __init__(self, kind: SourceKind, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return self.message

    def to_json(self) -> dict[str, str]:
        """Return {"kind", "message"}, as in the analysis contract."""
        return {"kind": self.kind.value, "message": self.message}
