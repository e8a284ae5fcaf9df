"""Analysis alone: files in, the contract's records out, no catalog touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.errors import UsageError


def analyze_paths(
    texts: Sequence[str],
    *,
    target: str = "llama.cpp",
    on_result: Callable[[dict[str, Any]], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield one record a file, in order; a file that can't be read yields its error.

    Folders are searched. Raises `UsageError` where nothing is named that could be read.
    """
    from analyzers.isolation import analyze_files
    from analyzers.sources.local import expand

    expanded = expand([Path(text) for text in texts])
    yield from expanded.errors
    if not expanded.files and not expanded.errors:
        raise UsageError("No PDF, Markdown, text or HTML file was found there.")
    yield from analyze_files(expanded.files, target=target, on_result=on_result)
