"""What visitors would wait for, read when the server starts: with many papers it is seconds.

A thread beside the server; nothing that it meets is a person's concern, and the page that comes
before it has ended waits for what is under way instead of reading it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from app import home

logger = logging.getLogger(__name__)

MANY = 20_000
"""Papers from which on what is held is set apart from the garbage collector."""
FIRST_VISIT_S = 3.0
"""So long the first page has the processor for itself before what later ones need is read."""


def warm(wait: Callable[[float], object] = time.sleep) -> None:
    """Read into the caches what the pages read: the ranking, then what searches need."""
    url = make_url(home.database_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return  # the first page makes the catalog
    import pandas as pd

    from app.web.components import catalog, paper_data, weights
    from app.workflows.ranking import EXPECTED
    from app.workflows.settings import default_target

    del pd  # a page needs it, and it takes a second to load
    target = default_target()
    usual = {"target": target, "device": "", "order": EXPECTED}
    rows = catalog.ranked_rows(**usual)
    weights.warm(rows, (catalog.versions().papers, *usual.values()))
    if len(rows) < MANY:
        catalog.warm_search()
        return
    import gc

    # Streamlit collects after each run of a page; that would look through all papers each time.
    gc.freeze()
    wait(FIRST_VISIT_S)
    catalog.warm_search()
    paper_data.warm_related(target)
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
