"""Whether Triton's interpreter works here: it runs the kernels where there is no GPU."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version


def why_not() -> str | None:
    """Return why the interpreter can't be used, or None."""
    try:
        triton, numpy = _numbers(version("triton")), _numbers(version("numpy"))
    except PackageNotFoundError as missing:
        return f"{missing.name} isn't installed"
    if triton < (3, 7) and numpy >= (2, 4):
        # It takes int() of arrays with one element, which NumPy 2.4 refuses; 3.7 doesn't.
        return "Triton before 3.7 interprets only with NumPy before 2.4"
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", text)[:2])
