"""The ranking as `assay list` prints it: a narrow window gets fewer columns, never half words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.fitted import print_fitted
from app.cli.output import note
from app.i18n import N_, translator
from app.labels import label

_COLUMNS = {
    "rank": "#",
    "paper": N_("Paper"),
    "title": N_("Title"),
    "score": N_("Score"),
    "report": N_("Report"),
    "claimed": N_("Claimed"),
    "measured": N_("Measured"),
    "run": N_("Whole run"),
    "verdict": N_("Verdict"),
    "device": N_("Measured on"),
    "advice": N_("Recommendation"),
}
_WEIGHTED_COLUMNS = {"rank": "#", "weighted": N_("Weighted"), "usual": N_("Usually")} | _COLUMNS
_SPARED = ("device", "report", "usual", "run", "title", "claimed", "measured", "verdict")
"""What a narrow window does without, in this order; all the rest it gets."""


MOST = 200
"""So many papers are printed unless more are asked for: nobody reads a hundred thousand lines."""


def print_ranking(
    rows: Sequence[Mapping[str, Any]], language: str, *, weighted: bool, papers: int
) -> None:
    """Print rows of `list_papers`, how they are ordered, and of how many `papers` they are."""
    _ = translator(language)
    columns = {k: _(v) for k, v in (_WEIGHTED_COLUMNS if weighted else _COLUMNS).items()}
    cells = [_cells(row, language) for row in rows]
    print_fitted(cells, columns, spared=_SPARED, language=language)
    if len(rows) < papers:
        told = _("The table shows the first {listed} of {papers} papers.")
        note(told.format(listed=len(rows), papers=papers))
    if not weighted:
        note(_("Ordered by recommendation, then by score; the reasons: assay show PAPER"))


def _cells(row: Mapping[str, Any], language: str) -> dict[str, str]:
    _ = translator(language)

    def figure(value: float | None, form: str = "{:.2f}x") -> str:
        return "" if value is None else form.format(value)

    low, high = row["score_interval"] or (None, None)
    interval = "" if low is None else f" [{low:.1f}, {high:.1f}]"
    return {
        "rank": str(row["rank"]),
        "weighted": figure(row.get("score_weighted"), "{:.2f}"),
        "usual": f"#{row['rank_usual']}" if "rank_usual" in row else "",
        "paper": row["paper_id"],
        "title": row["title"],
        "score": figure(row["score"], "{:.2f}") + interval,
        "report": figure(row["score_report"], "{:.1f}"),
        "claimed": figure(row["claimed_speedup"]),
        "measured": figure(row["measured_speedup"]),
        "run": figure(row["run_speedup"], "{:.3f}x"),
        "verdict": label(row["verdict"], _) if row["verdict"] else "",
        "device": (row.get("verdict_device") or "")[:24],
        "advice": label(row["recommendation"], _),
    }
