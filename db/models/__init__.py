"""The catalog's tables.

A paper has **facts** (one value of one field from one source in one reading), **claims** with
**places**, **corrections** (what a later reading says of an earlier one), **notes**, **runs** of
its prototype and **scores** with their history; **source files** say what was read already. Times
are UTC, ISO 8601, written by Python.
"""

from db.models.base import Base, now
from db.models.files import SourceFile
from db.models.measurements import Environment, Listing, ReportSnapshot, Run, Score, ScoreChange
from db.models.papers import (
    Claim,
    Correction,
    Edit,
    Fact,
    Note,
    Paper,
    Place,
    PrototypeLink,
    Reading,
    RemovedPaper,
)
from db.models.search import SearchStale, SearchText
from db.models.watches import InboxDecision, Watch, WatchFind
from db.models.work import Action, Counter, Job, Runner

__all__ = [
    "Action",
    "Base",
    "Claim",
    "Correction",
    "Counter",
    "Edit",
    "Environment",
    "Fact",
    "InboxDecision",
    "Job",
    "Listing",
    "Note",
    "Paper",
    "Place",
    "PrototypeLink",
    "Reading",
    "RemovedPaper",
    "ReportSnapshot",
    "Run",
    "Runner",
    "Score",
    "ScoreChange",
    "SearchStale",
    "SearchText",
    "SourceFile",
    "Watch",
    "WatchFind",
    "now",
]
