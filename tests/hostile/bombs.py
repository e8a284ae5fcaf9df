"""Files made to hurt a reader, all of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile import file_bombs, page_bombs, text_bombs
from tests.hostile.raw import text_page
from tests.hostile.registry import BOMBS, WORDS

__all__ = ["BOMBS", "all_bombs", "file_bombs", "page_bombs", "text_bombs"]


def locked() -> Iterator[tuple[str, bytes]]:
    """PDFs with a password, and one whose password is empty: that one can be read."""
    import pymupdf

    for name, user in (("locked", "secret"), ("locked_with_nothing", "")):
        with pymupdf.open("pdf", text_page(WORDS)) as document:  # type: ignore[no-untyped-call]
            yield (
                f"{name}.pdf",
                document.tobytes(  # type: ignore[no-untyped-call]
                    encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=user, owner_pw="owner"
                ),
            )


def all_bombs() -> Iterator[tuple[str, bytes]]:
    """Every file with its name."""
    for name, make in BOMBS.items():
        yield name, make()
    yield from locked()
