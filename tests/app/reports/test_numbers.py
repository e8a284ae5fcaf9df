from __future__ import annotations

import pytest

from app.reports import numbers
from app.reports.ranking import Figure


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(2.8412, 2.7912, 2.8712), "2.84 (2.79–2.87)"),
        (Figure(3.0141, 2.2, 3.4), "3.0 (2.2–3.4)"),
        (Figure(1.3, -0.24, 2.0), "1.3 (−0.2 … 2.0)"),
        (Figure(4.0019, 3.9861, 4.0062), "4.00 (3.99–4.01)"),
        (Figure(7.0), "7.0"),
        (Figure(5.25, 5.25, 5.25), "5.25"),
        (Figure(-0.001, -0.4, 0.4), "0.0 (−0.4 … 0.4)"),
        (None, "–"),
    ],
)
def test_a_score_has_the_digits_of_its_interval(figure: Figure | None, text: str) -> None:
    assert numbers.score(figure) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(1.1312, 0.98, 1.31), "1.13x (0.98–1.31)"),
        (Figure(1.0011, 0.9969, 1.0031), "1.001x (0.997–1.003)"),
        (Figure(1.1, 0.7, 1.5), "1.1x (0.7–1.5)"),
        (Figure(15.2, 11.0, 21.0), "15.2x (11.0–21.0)"),
        (2.0, "2.00x"),
        (0.7142, "0.714x"),
        (15.23, "15.2x"),
        (None, "–"),
    ],
)
def test_a_speedup_has_the_digits_of_its_interval(figure: Figure | float | None, text: str) -> None:
    assert numbers.ratio(figure) == text


def test_shares_and_plain_numbers() -> None:
    assert numbers.percent(0.005) == "0.5 %"
    assert numbers.percent(0.09) == "9 %"
    assert numbers.plain(None) == "–"
    assert numbers.plain(72.0) == "72"
    assert numbers.plain(14000.0) == "14000"
