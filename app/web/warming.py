"""What a first visitor would wait for, read when the server starts: with many papers it is seconds.

A thread beside the server; nothing that it meets is a person's concern, and the page that comes
before it has ended waits for what is under way instead of reading it again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from app import home

logger = logging.getLogger(__name__)

MANY = 20_000
"""Papers from which on what is held is set apart from the garbage collector."""


def warm() -> None:
    """Read the ranking, and what searches need, into the caches that the pages read."""
    url = make_url(home.database_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return  # the first page makes the catalog
    import pandas as pd

    from app.web.components import catalog
    from app.workflows.ranking import EXPECTED
    from app.workflows.settings import default_target

    del pd  # a page needs it, and it takes a second to load
    rows = catalog.ranked_rows(target=default_target(), device="", order=EXPECTED)
    catalog.warm_search()
    if len(rows) >= MANY:
        import gc

        # Streamlit collects after each run of a page; that would look through all papers each time.
        gc.collect()
        gc.freeze()


def start_warming(work: Callable[[], None] = warm) -> threading.Thread:
    """Begin in the background; the thread ends by itself."""
    thread = threading.Thread(target=_run, args=(work,), name="warming", daemon=True)
    thread.start()
    return thread


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        logger.info("Nothing was read ahead: %s", error)
