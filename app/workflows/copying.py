"""The catalog into another database, for a team that outgrew one file, or back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analyzers.message import Message, message
from app import home
from app.errors import AssayError
from db.copying import copy_catalog
from db.engine import open_engine
from db.models import Paper
from db.schema import current_revision

STEPS = {
    "copy": message("Copying rows"),
    "index": message("Making the search"),
    "compare": message("Comparing the copy"),
}
LOST = message("The catalog was copied while this waited or ran: here it was never done.")


def copy_to(
    place: str, *, on_progress: Callable[[int, int | None, Message | None], None]
) -> list[Message]:
    """Copy this machine's catalog to an empty database, and return what there is to say.

    `place` is a URL, or a file to be made. Nothing is upgraded or otherwise changed on the way.
    Raises `AssayError` where there is no catalog, and `CatalogError`.
    """
    url = place if "://" in place else f"sqlite:///{Path(place).expanduser().absolute()}"
    source = open_engine(home.database_url())
    try:
        if current_revision(source) is None:
            raise AssayError(message("There is no catalog yet. Type `assay init` to create it."))
        copied = copy_catalog(
            source,
            url,
            lost=LOST.to_json(),
            on_progress=lambda step, done, of: on_progress(done, of, STEPS[step]),
        )
    finally:
        source.dispose()
    told = [
        message(
            "Copied {papers} papers, {rows} rows in all, to {place}; read again, they are the "
            "same.",
            papers=copied.rows[Paper.__tablename__],
            rows=sum(copied.rows.values()),
            place=copied.place,
        )
    ]
    if copied.stopped_jobs:
        told.append(
            message(
                "Jobs that wait or run here: {count}. In the copy they are interrupted; try them "
                "again there.",
                count=copied.stopped_jobs,
            )
        )
    told.append(message("To work with it, set ASSAY_DATABASE_URL to that address."))
    return told
