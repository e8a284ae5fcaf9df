"""Numbers with the digits they have earned: an interval says how many, else three at most."""

from __future__ import annotations

import math

from app.reports.ranking import Figure
from app.reports.sections import ClaimLine

MOST_DECIMALS = 3
MINUS = "−"
SCORE_DECIMALS = 2
"""A score is a sum of rough points: thousandths of one mean nothing to a reader."""


def decimals(
    low: float | None, high: float | None, *, fewest: int = 1, most: int = MOST_DECIMALS
) -> int:
    """Return the decimals that an interval earns a number.

    One digit of the interval's half width is meaningful, two where it begins with 1 or 2.
    """
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if not math.isfinite(half) or half <= 0:
        return fewest
    magnitude = math.floor(math.log10(half))
    leading = half / 10.0**magnitude
    earned = -magnitude + (1 if leading < 3 else 0)
    return max(fewest, min(most, earned))


def plain(value: float | None) -> str:
    """Return a number without an interval, three significant digits at most: 2.3, 0.71, 72."""
    if value is None:
        return "–"
    text = f"{value:.3g}"
    if "e" in text and abs(value) >= 1:
        text = f"{value:.0f}"
    return text.replace("-", MINUS) if "e" not in text else text


def points(value: float | None) -> str:
    """Return points of a score without an interval, one decimal or two: 7.0, 5.25."""
    if value is None:
        return "–"
    text = _fixed(value, 2)
    return text[:-1] if text.endswith("0") else text


def score(figure: Figure | None) -> str:
    """Return a score with its interval: `4.1 (3.9–4.6)`; none is a dash."""
    if figure is None:
        return "–"
    if figure.low is None or figure.high is None or figure.high - figure.low <= 0:
        return points(figure.value)
    return _with_interval(figure, "", most=SCORE_DECIMALS)


def ratio(figure: Figure | float | None) -> str:
    """Return a speedup, with its interval where it has one: `1.13x (0.98–1.31)`."""
    if figure is None:
        return "–"
    if isinstance(figure, float | int):
        return f"{significant(figure)}x"
    if figure.low is None or figure.high is None or figure.high - figure.low <= 0:
        return f"{significant(figure.value)}x"
    return _with_interval(figure, "x")


def significant(value: float, digits: int = 3) -> str:
    """Return a number to so many significant digits, trailing zeros kept: 1.00, 0.714, 15.2."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def percent(share: float) -> str:
    """Return a share as a percentage: `9 %`, `0.5 %`."""
    return f"{100 * share:.3g} %"


def claim_figure(claim: ClaimLine) -> str:
    """Return a claim's number as the paper gives it: `2.3x`, `72 %`, `1.4–3.5x`."""
    value = plain(claim.value)
    if claim.value_high is not None:
        value = f"{value}–{plain(claim.value_high)}"
    unit = claim.unit
    return f"{value}{unit}" if unit in ("x", "") else f"{value} {unit}"


def _with_interval(figure: Figure, unit: str, *, most: int = MOST_DECIMALS) -> str:
    assert figure.low is not None and figure.high is not None
    places = decimals(figure.low, figure.high, most=most)
    value, low, high = (_fixed(v, places) for v in (figure.value, figure.low, figure.high))
    # A dash beside a minus sign can't be read.
    gap = " … " if low.startswith(MINUS) else "–"
    return f"{value}{unit} ({low}{gap}{high})"


def _fixed(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")
