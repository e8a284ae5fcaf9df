"""A table of which a click on a cell opens its row."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
import streamlit as st

from app.web.components import catalog
from app.web.components.cells import harmless_cells

ROW, TALL_ROW = 36, 61
"""Over four times the base font size the grid wraps its cells' text."""
_MOST_HEIGHT = 560


def picked(
    frame: pd.DataFrame, name: str, columns: dict[str, Any], alt: str, *, row_height: int = ROW
) -> int | None:
    """Show the table; return the position of the row that was clicked.

    A table of other rows has another key: a selection by position would point at another row.
    """
    rows = hashlib.sha256(frame.to_csv().encode("utf-8", "replace")).hexdigest()[:12]
    event = st.dataframe(
        harmless_cells(frame),
        hide_index=True,
        key=f"{name}-{catalog.version()}-{rows}",
        on_select="rerun",
        selection_mode="single-cell",
        row_height=row_height,
        height="content" if len(frame) * row_height <= _MOST_HEIGHT else _MOST_HEIGHT,
        placeholder="–",
        column_config=columns,
        alt=alt,
    )
    cells = event["selection"]["cells"]
    if cells and 0 <= cells[0][0] < len(frame):
        return int(cells[0][0])
    return None
