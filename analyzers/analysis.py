"""One file in, the facts of one paper out: the analysis contract's JSON.

In process: call `analyzers.isolation.analyze_files` for files that you don't trust.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from analyzers.claiming.findings import find_contradictions
from analyzers.claims import extract_claims
from analyzers.code import read_code_url
from analyzers.complexity import read_complexity
from analyzers.contribution import read_contribution
from analyzers.document import Document, read_document
from analyzers.errors import ReadError
from analyzers.evidence import Index
from analyzers.formats import read_formats
from analyzers.hardware import read_hardware
from analyzers.relevance import RelevanceReading, read_relevance
from analyzers.risk import read_risks
from analyzers.technique import TechniqueReading, read_technique
from analyzers.trust import read_trust


def analyze_file(
    path: Path,
    target: str = "llama.cpp",
    targets: Path | None = None,
    *,
    tables: bool = True,
    texts: bool = False,
) -> dict[str, Any]:
    """Return the analysis of one file; a file that can't be read gives {"source", "error"}.

    With `texts` it has its text by page too: "texts", a list of [page, text].
    `targets` is a person's folder of target files; without `tables` a PDF's tables are not read.
    The same file gives the same answer, "seconds" aside.
    """
    source = str(path)
    start = perf_counter()
    try:
        document = read_document(path, tables=tables)
    except ReadError as error:
        return {"source": source, "error": error.to_json()}
    parsed = perf_counter()
    result = analyze_document(document, target, targets)
    if texts:
        result["texts"] = text_by_page(document)
    done = perf_counter()
    return {
        "source": source,
        **result,
        "seconds": {"parse": round(parsed - start, 4), "analyze": round(done - parsed, 4)},
    }


MOST_TEXT = 2_000_000
"""Characters of one file that are kept to be searched: a book's worth."""
_PIECE = 3_000
"""Characters of a piece of a text without pages: about as much as a page has."""


def text_by_page(document: Document) -> list[tuple[int | None, str]]:
    """Return the document's text by the page that each sentence begins on.

    A text without pages comes in pieces of about a page's size.
    """
    pages: dict[tuple[int | None, int], list[str]] = {}
    length = 0
    for sentence in document.sentences:
        piece = 0 if sentence.page else length // _PIECE
        pages.setdefault((sentence.page, piece), []).append(sentence.text[: MOST_TEXT - length])
        length += len(sentence.text)
        if length >= MOST_TEXT:
            break
    return [(page, " ".join(parts)) for (page, _), parts in pages.items()]


def analyze_document(
    document: Document, target: str = "llama.cpp", targets: Path | None = None
) -> dict[str, Any]:
    """Return the contract's facts about a document that was read already.

    Beside the relevance to `target` stands that to each other known target.
    """
    claims = extract_claims(document)
    index = Index(document)
    technique = read_technique(document, index)
    complexity = read_complexity(index, technique.primary)
    code_url = read_code_url(document, index)
    relevance = _relevance(index, technique, target, targets)
    return {
        "read": document.read.value,
        "paper": {
            "arxiv_id": document.arxiv_id,
            "arxiv_version": document.arxiv_version,
            "title": document.title,
            "authors": document.authors,
            "abstract": document.abstract,
        },
        "document": {
            "kind": document.kind,
            "pages": document.pages,
            "words": document.words,
            "columns": document.columns,
            "sections": [{"title": s.title, "page": s.page} for s in document.sections],
            "tables": [table.to_json() for table in document.tables],
            "left_out": document.left_out,
        },
        "contribution": read_contribution(document, index.names),
        "claims": [claim.to_json() for claim in claims],
        "findings": [finding.to_json() for finding in find_contradictions(claims)],
        "technique": technique.to_json(),
        "complexity": complexity.to_json(),
        "relevance": relevance[0].to_json(),
        "relevance_elsewhere": [reading.to_json() for reading in relevance[1:]],
        "risks": [risk.to_json() for risk in read_risks(index, claims, complexity, code_url)],
        "trust": read_trust(document, claims).to_json(),
        "hardware": read_hardware(index),
        "formats": read_formats(index),
        "code_url": code_url,
    }


def _relevance(
    index: Index, technique: TechniqueReading, target: str, targets: Path | None
) -> list[RelevanceReading]:
    """Return the relevance to `target`, then to the others; a broken file of those is left out."""
    from analyzers.targets import TargetError, judged_targets, load_target

    readings = [read_relevance(index, technique, target, load_target(target, targets).relevance)]
    for other in judged_targets(targets):
        if other == target:
            continue
        try:
            rules = load_target(other, targets).relevance
        except TargetError:
            continue  # it is told to whoever asks for that target
        readings.append(read_relevance(index, technique, other, rules))
    return readings
