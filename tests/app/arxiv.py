"""Adding from a replica of arXiv, with papers whose PDFs say what their records say."""

from __future__ import annotations

from functools import partial

from tests.analyzers.arxiv_server import Entry, Replica, front_page


def publish(
    server: Replica,
    key: str,
    title: str,
    *,
    version: int = 1,
    authors: tuple[str, ...] = ("Ada Mora", "Bela Kovacs"),
    comment: str | None = None,
    has_pdf: bool = True,
) -> None:
    """Give the replica a paper; its PDF bears its stamp, title and authors."""
    pdf = partial(front_page, title, f"{key}v{version}", ", ".join(authors))
    server.papers[key] = Entry(title, version, comment, authors, pdf=pdf if has_pdf else None)
