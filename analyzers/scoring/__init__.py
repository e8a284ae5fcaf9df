"""Facts and measurements in, scores with their breakdown out. Pure functions, no I/O."""

from analyzers.scoring.belief import Belief, believe
from analyzers.scoring.headline import Headline, headline_order
from analyzers.scoring.ranking import (
    EXPECTED,
    SAFE,
    Ranked,
    ReportRanked,
    place,
    place_claimed,
    rank,
    rank_claimed,
    rank_report,
    score_paper,
)
from analyzers.scoring.recommendation import Advice, Recommendation
from analyzers.scoring.rubric import ASSAY_RUBRIC, REPORT_RUBRIC, Criterion, Scored

__all__ = [
    "ASSAY_RUBRIC",
    "EXPECTED",
    "REPORT_RUBRIC",
    "SAFE",
    "Advice",
    "Belief",
    "Criterion",
    "Headline",
    "Ranked",
    "Recommendation",
    "ReportRanked",
    "Scored",
    "believe",
    "headline_order",
    "place",
    "place_claimed",
    "rank",
    "rank_claimed",
    "rank_report",
    "score_paper",
]
