"""What the page of a paper reads beside the paper: its neighbours, the prototypes it may have."""

from __future__ import annotations

from typing import Any

from app.web.components import catalog, context
from app.workflows import links as linking
from app.workflows import related as nearest


def related(paper_id: str, target: str) -> list[dict[str, Any]]:
    """Return the papers that have to do with a paper, of a target's ranking; at most five."""
    papers = _known(target)
    with context.reading() as session:
        return nearest.related(session, paper_id, papers, language=context.language())


def _known(target: str) -> nearest.Known:
    def work() -> nearest.Known:
        rows = catalog.ranking(target=target)
        with context.reading() as session:
            return nearest.known(session, rows)

    return catalog.of_papers("known", (target,), work)


def warm_related(target: str) -> None:
    """Read what related papers are found by, so that the first page of a paper needn't wait."""
    _ = _known(target).words


def links(paper_id: str) -> list[dict[str, Any]]:
    """Return every prototype, and whether it is linked with a paper."""
    with context.reading() as session:
        return linking.prototype_links(session, paper_id)
