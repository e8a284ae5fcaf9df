"""Whether the stored scores were made by these rules, this target file and these facts' readers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from sqlalchemy.orm import Session

from analyzers.targets import target_record
from analyzers.targets.files import LOG
from app import home
from db.queries import counters
from db.queries import scores as score_queries

_PROJECT = Path(__file__).parents[2]
_CODE = (
    "analyzers/facts.py", "analyzers/scoring/*.py", "analyzers/targets/*.py",
    "app/workflows/assembling.py", "app/workflows/judging.py", "app/workflows/target_facts.py",
    "app/workflows/score_records.py", "app/workflows/triage.py",
)  # fmt: skip
"""What a paper's score and its row in the list come from, the paper's own facts apart."""


def are_fresh(session: Session, target: str) -> bool:
    """Whether scoring a paper again whose facts did not change would change nothing."""
    return counters.read(session, _name(target)) == _fingerprint(
        target
    ) and score_queries.are_placed(session, target)


def note_fresh(session: Session, target: str) -> None:
    """Remember that all papers were scored by the rules of now."""
    counters.put(session, _name(target), _fingerprint(target))


def _name(target: str) -> str:
    return f"scored:{target}"


def _fingerprint(target: str) -> int:
    digest = hashlib.sha256(_code())
    record = target_record(target, home.targets_folder())
    record.pop(LOG, None)  # who changed it and why scores nothing
    digest.update(json.dumps(record, sort_keys=True, default=str).encode())
    return int.from_bytes(digest.digest()[:7], "big")


@cache
def _code() -> bytes:
    digest = hashlib.sha256()
    for pattern in _CODE:
        for path in sorted(_PROJECT.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.digest()
