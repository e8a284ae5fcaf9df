"""Which rules an analysis was made by: a fingerprint of the analyser and of the target."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from analyzers.targets import judged_targets, load_target, target_record

_HERE = Path(__file__).parent
_NO_RULES = ("sources", "scoring", "evaluation", "picturing")
"""Packages that an analysis doesn't go through."""


def rules_of(target: str = "llama.cpp", targets: Path | None = None) -> str:
    """Return the fingerprint of the analyser's code, its PDF library, the targets' relevance.

    A file that was read by the same rules would give the same answer again. Raises `TargetError`.
    """
    load_target(target, targets)
    digest = hashlib.sha256(_code())
    # An analysis weighs the paper for each target; shares and devices are the score's affair.
    for name in (target, *judged_targets(targets)):
        judged = target_record(name, targets).get("relevance")
        digest.update(json.dumps([name, judged], sort_keys=True).encode())
    return digest.hexdigest()[:16]


@cache
def _code() -> bytes:
    from importlib.metadata import PackageNotFoundError, version

    digest = hashlib.sha256()
    try:
        digest.update(version("pymupdf-lite").encode())
    except PackageNotFoundError:
        digest.update(b"unknown")
    for path in sorted(_HERE.rglob("*.py")):
        inside = path.relative_to(_HERE)
        if inside.parts[0] not in _NO_RULES:
            digest.update(inside.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()
