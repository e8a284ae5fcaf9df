"""Analysis alone: files in, the contract's records out, no catalog touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analyzers.errors import error_record
from analyzers.message import message
from app import home
from app.errors import UsageError


def analyze_paths(
    texts: Sequence[str],
    *,
    target: str = "llama.cpp",
) -> Iterator[dict[str, Any]]:
    """Yield one record a file, in order; a file that can't be read yields its error.

    Folders are searched. Raises `UsageError` where nothing is named that could be read.
    """
    from analyzers.isolation import analyze_files
    from analyzers.sources.local import expand

    found = expand(texts)
    for missing in found.missing:
        yield {
            "source": missing.path,
            "error": error_record(missing.kind, missing.reason),
        }
    if not found.files and not found.missing:
        raise UsageError(message("No PDF, Markdown, text or HTML file was found there."))
    yield from analyze_files(found.files, target=target, targets=home.targets_folder())
