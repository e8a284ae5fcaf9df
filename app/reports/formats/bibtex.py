"""The ranked papers as BibTeX, in the ranking's order, each with its recommendation as a note."""

from __future__ import annotations

import re

from app.reports.findings import Reference
from app.reports.formats import Format
from app.reports.model import ReportModel

# An escaped brace still counts as one to BibTeX, so braces are spelled out.
ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "$&%#_"},
}  # fmt: skip


def render(model: ReportModel) -> bytes:
    """Return UTF-8 BibTeX; titles, names and notes can hold no command and no brace."""
    from bibtexparser.library import Library
    from bibtexparser.model import Entry, Field
    from bibtexparser.writer import BibtexFormat, write

    notes = _notes(model)
    taken: set[str] = set()
    library = Library()
    for reference in model.references:
        fields = [Field(name, f"{{{value}}}") for name, value in _fields(reference)]
        fields.append(Field("note", f"{{{escape(notes[reference.paper_id])}}}"))
        library.add(Entry("misc", _key(reference.paper_id, taken), fields))
    style = BibtexFormat()  # type: ignore[no-untyped-call]
    style.indent = "  "
    style.trailing_comma = True
    style.block_separator = "\n"
    head = f"% Assay, {model.date}: {len(model.references)} papers.\n\n"
    return (head + write(library, style).strip() + "\n").encode("utf-8", "replace")


def escape(text: str) -> str:
    """Return text in which LaTeX finds no command and BibTeX no brace that isn't ours."""
    from app.reports.text import clean

    return "".join(ESCAPES.get(mark, mark) for mark in clean(text))


def _fields(reference: Reference) -> list[tuple[str, str]]:
    year = (reference.published or "")[:4]
    found = [
        # Inner braces keep the title's capitals.
        ("title", f"{{{escape(reference.title)}}}"),
        ("author", " and ".join(_name(name) for name in reference.authors)),
        ("year", year if year.isdigit() else ""),
        ("howpublished", escape(reference.venue or "")),
        ("eprint", escape((reference.arxiv_id or "") + (reference.version or ""))),
        ("archiveprefix", "arXiv" if reference.arxiv_id else ""),
        ("url", reference.url or ""),
    ]
    if not reference.arxiv_id:
        found = [(name, value) for name, value in found if name != "eprint"]
    return [(name, value) for name, value in found if value]


def _name(name: str) -> str:
    """Return one author; braces keep BibTeX from splitting a name at `and` or a comma."""
    written = escape(name)
    return f"{{{written}}}" if re.search(r"\band\b|,", written, re.IGNORECASE) else written


def _key(paper_id: str, taken: set[str]) -> str:
    key = base = re.sub(r"[^A-Za-z0-9_.:-]+", "-", paper_id).strip("-") or "paper"
    number = 2
    while key.lower() in taken:
        key, number = f"{base}-{number}", number + 1
    taken.add(key.lower())
    return key


def _notes(model: ReportModel) -> dict[str, str]:
    from app.i18n import translator
    from app.labels import label

    _ = translator(model.language)
    text = _("Rank {rank} for {target}, {date}: {advice}. {why}")
    return {
        row.paper_id: text.format(
            rank=row.rank,
            target=model.target,
            date=model.date,
            advice=label(row.advice, _),
            why=row.why,
        )
        for row in model.ranking
    }


FORMAT = Format("BibTeX", ".bib", "application/x-bibtex; charset=utf-8", render)
