"""The rows of the whole ranking as they are stored, read as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.dialects import json_text
from db.models import Listing

_AT_ONCE = 1000


def every(session: Session, target: str) -> Iterator[dict[str, Any]]:
    """Yield what lists show of every paper for a target, in no order."""
    statement = select(json_text(session, Listing.row)).where(Listing.target == target)
    session.flush()
    found = session.connection().execute(statement.execution_options(yield_per=_AT_ONCE))
    for rows in found.scalars().partitions():
        # All in one text: a call for each would take longer than the query.
        yield from json.loads(f"[{','.join(rows)}]")
