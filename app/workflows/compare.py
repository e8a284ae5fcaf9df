"""Two to four papers side by side: what each has, where they differ, which is ahead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.i18n import N_
from app.labels import CRITERIA
from app.workflows.paper import show_paper
from app.workflows.ranked import CRITERIA as CRITERION_NAMES

FEWEST, MOST = 2, 4
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is compared; `values` are figures, codes or texts, one a paper."""

    name: str
    kind: str
    values: tuple[Any, ...]
    best: tuple[int, ...] = ()
    """The papers that are ahead in it; none where all are equal or it is no matter of more."""

    @property
    def differs(self) -> bool:
        """Whether the papers aren't all the same in it."""
        return any(value != self.values[0] for value in self.values)


def chosen_ids(text: str, known: Collection[str]) -> list[str]:
    """Return the known papers that an address names (`a,b`), each once, four at most."""
    asked = dict.fromkeys(part.strip() for part in text.split(","))
    return [paper_id for paper_id in asked if paper_id in known][:MOST]


def compare(
    session: Session,
    rows: Sequence[Row],
    *,
    target: str | None = None,
    device: str | None = None,
    language: str = "en",
) -> list[Line]:
    """Return the lines of a comparison of these papers, rows of the ranking."""
    shown = [
        show_paper(
            session, row["paper_id"], target=target, device=device, language=language, listed=rows
        )
        for row in rows
    ]
    facts = [{field: fact["value"] for field, fact in record["facts"].items()} for record in shown]
    verdicts = [
        (
            row["claimed_speedup"],
            row["measured_speedup"],
            row["verdict"],
            row.get("provisional"),
            row.get("verdict_device"),
        )
        for row in rows
    ]
    return [
        _line(N_("Rank"), "rank", [row["rank"] for row in rows], min),
        Line(N_("Recommendation"), "code", tuple(row["recommendation"] for row in rows)),
        Line(N_("Why"), "text", tuple(row["why"] for row in rows)),
        _line(N_("Score"), "score", [row["score"] for row in rows], max),
        Line(N_("90 % range"), "interval", tuple(tuple(row["score_interval"]) for row in rows)),
        *(
            _line(CRITERIA[name], "points", [row["points"][name] for row in rows], max)
            for name in CRITERION_NAMES
        ),
        Line(N_("Claim → test"), "test", tuple(verdicts)),
        _line(N_("Whole run"), "ratio", [row["run_speedup"] for row in rows], max),
        _line(N_("Complexity"), "level", [row["complexity"] for row in rows], _easiest),
        _line(N_("Relevance"), "share", [row["relevance"] for row in rows], max),
        Line(N_("In engine"), "code", tuple(row["in_target"] for row in rows)),
        Line(N_("Risks"), "texts", tuple(tuple(_risks(known)) for known in facts)),
        Line(N_("Hardware"), "texts", tuple(tuple(_hardware(known)) for known in facts)),
        Line(N_("Code"), "link", tuple(known.get("code_url") for known in facts)),
    ]


def _line(name: str, kind: str, values: list[Any], best: Callable[..., Any]) -> Line:
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return Line(name, kind, tuple(values))
    ahead = best(known)
    return Line(
        name, kind, tuple(values), tuple(n for n, value in enumerate(values) if value == ahead)
    )


def _easiest(levels: Sequence[str]) -> str:
    order = ("low", "medium", "high")
    return min(levels, key=lambda level: order.index(level) if level in order else len(order))


def _risks(known: dict[str, Any]) -> list[str]:
    told = []
    for risk in known.get("risks") or ():
        if not isinstance(risk, dict) or not risk.get("is_open", True):
            continue
        told.append(str(risk.get("reason") or risk.get("text") or risk.get("kind") or ""))
    return [text for text in told if text]


def _hardware(known: dict[str, Any]) -> list[str]:
    value = known.get("hardware")
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
