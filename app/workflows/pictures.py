"""The page that a claim stands on, as a picture with the quote marked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from analyzers.message import Message, message
from app import home
from app.errors import UsageError
from app.workflows.paper import show_paper

Record = Mapping[str, Any]


def places_with_page(claim: Record) -> list[Record]:
    """Return the places of a claim (as `show_paper` gives it) that can be shown on their page."""
    return [place for place in claim["places"] if place["page"] and place["boxes"]]


def why_no_pages(paper: Record) -> Message | None:
    """Return why no page of this paper can be shown and what to do; None where some can."""
    if not paper["source_path"]:
        return message(
            "No file of this paper is here, so its pages can't be shown: add its PDF with"
            " assay add FILE, or on the page for adding papers."
        )
    if paper["read"] in ("abstract", "record"):
        return message(
            "Only the abstract of this paper was read, so its pages can't be shown: add its PDF"
            " with assay add FILE, or on the page for adding papers."
        )
    return None


def draw_place(paper: Record, place: Record, *, whole: bool = False) -> bytes:
    """Return the PNG of a place: its surroundings, or the `whole` page.

    Takes `show_paper`'s records, and no session: drawing may take a while. Raises
    `analyzers.pictures.PictureError`.
    """
    from analyzers.pictures import draw_page

    return draw_page(
        Path(paper["source_path"]),
        place["page"],
        place["boxes"],
        whole=whole,
        content_hash=paper["content_hash"],
        cache=home.pictures_folder(),
    )


def claim_picture(
    session: Session, paper: str, *, claim: str | None = None, number: int = 1, whole: bool = False
) -> bytes:
    """Return the PNG of place `number` of a claim, the headline claim by default.

    A claim is named by its key, or by what follows the slash in it. Raises `UsageError` for a claim
    or a place that isn't there, `NotFoundError` for the paper, `analyzers.pictures.PictureError`.
    """
    shown = show_paper(session, paper)
    missing = why_no_pages(shown["paper"])
    if missing is not None:
        raise UsageError(missing)
    found = _claim_named(shown, claim or (shown["row"] or {}).get("headline"))
    places = places_with_page(found)
    if not places:
        told = message(
            "The claim {claim} has no place on a page. Claims that have one: {keys}.",
            claim=found["key"],
            keys=_drawable(shown),
        )
        raise UsageError(told)
    if not 1 <= number <= len(places):
        told = message(
            "The claim {claim} has {count} places on a page, there is no place {number}.",
            claim=found["key"],
            count=len(places),
            number=number,
        )
        raise UsageError(told)
    return draw_place(shown["paper"], places[number - 1], whole=whole)


def _claim_named(shown: Record, name: str | None) -> Record:
    if name is None:
        raise UsageError(
            message(
                "This paper has no headline claim. Claims to name with --claim: {keys}.",
                keys=_drawable(shown),
            )
        )
    for claim in shown["claims"]:
        if name in (claim["key"], claim["key"].partition("/")[2]):
            return dict(claim)
    raise UsageError(
        message(
            "This paper has no claim {name}. Claims to name with --claim: {keys}.",
            name=repr(name),
            keys=_drawable(shown),
        )
    )


def _drawable(shown: Record) -> str:
    return ", ".join(c["key"] for c in shown["claims"] if places_with_page(c)) or "–"
