"""Tables of a page: each has a button of its own that saves it for a spreadsheet, as it stands."""

from __future__ import annotations

from typing import Any

import pandas as pd

from app.reports.cells import harmless


def harmless_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before each text that a spreadsheet would run."""
    return frame.map(_harmless)


def _harmless(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value
