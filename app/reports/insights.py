"""Insights: what the catalog says as a whole, each sentence with the numbers that it rests on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from app.i18n import Translate, translator
from app.labels import label
from app.reports.basis import Provenance
from app.reports.findings import Insight
from app.reports.numbers import percent, significant
from app.reports.ranking import Outline, RankedPapers
from app.reports.sections import ClaimLine, PaperSection
from app.reports.text import short_name

SPEED = ("speedup", "latency_reduction", "throughput_gain")
WORTH_IT = 1.10
"""A whole run has to get so much faster for a project to pay: `assay-1` has the same bar."""


def insights(
    ranking: RankedPapers,
    papers: Sequence[PaperSection],
    provenance: Provenance,
    counts: dict[str, bool],
    language: str,
) -> tuple[Insight, ...]:
    """Return the insights that the data is enough for; `counts` says which classes of device
    count for the target.

    Claims are those of papers with a section of their own.
    """
    _ = translator(language)
    found = [
        _tested(papers, _),
        _promised(ranking, _),
        _kept(ranking, _),
        _wording(papers, _),
        _reach(ranking, _),
        _by_technique(ranking, _),
        _by_complexity(ranking, _),
        _in_engine(ranking, _),
        _moved(ranking, _),
        _devices(provenance, counts, _),
    ]
    return tuple(insight for insight in found if insight)


def _insight(code: str, text: str, **numbers: float) -> Insight:
    return Insight(code, text, tuple((name, float(value)) for name, value in numbers.items()))


def _tested(papers: Sequence[PaperSection], _: Translate) -> Insight | None:
    claims = [claim for paper in papers for claim in paper.claims]
    if not claims:
        return None
    verdicts = [_verdict(claim) for claim in claims]
    tested = [v for v in verdicts if v != "untested"]
    text = _("{tested} of {claims} claims with a number have been put to the test").format(
        tested=len(tested), claims=len(claims)
    )
    told = [
        _("{verdict}: {count}").format(verdict=label(code, _), count=count)
        for code, count in sorted(Counter(tested).items(), key=lambda c: (-c[1], c[0]))
    ]
    if told:
        text = _("{text} ({parts})").format(text=text, parts=_(", ").join(told))
    return _insight(
        "tested",
        _("{text}.").format(text=text),
        claims=len(claims),
        tested=len(tested),
        **{code: float(count) for code, count in sorted(Counter(tested).items())},
    )


def _verdict(claim: ClaimLine) -> str:
    return next((v.verdict for v in claim.verdicts if v.verdict != "untested"), "untested")


def _promised(ranking: RankedPapers, _: Translate) -> Insight | None:
    both = [
        (r.claimed, r.run)
        for r in ranking.outlines
        if r.claimed is not None and r.claimed > 0 and r.run is not None and r.run > 0
    ]
    if len(both) < 2:
        return None
    claimed, run = (_geometric(values) for values in zip(*both, strict=True))
    text = _(
        "The headline claims of {papers} papers come to {claimed}x (geometric mean); a whole run "
        "is believed to get {run}x as fast from them: most of a headline is a part of a run, or "
        "a baseline that isn't the engine's."
    )
    return _insight(
        "promised",
        text.format(papers=len(both), claimed=significant(claimed), run=significant(run)),
        papers=len(both),
        claimed=claimed,
        run=run,
    )


def _kept(ranking: RankedPapers, _: Translate) -> Insight | None:
    both = [r for r in ranking.outlines if r.claimed and r.measured]
    if not both:
        return None
    ratio = _geometric([(r.measured or 1.0) / (r.claimed or 1.0) for r in both])
    names = _names(both, ranking, _)
    text = _(
        "Where a prototype was measured, it came to {ratio} times the claimed speedup "
        "(geometric mean of {papers}: {names})."
    )
    return _insight(
        "kept",
        text.format(ratio=significant(ratio), papers=len(both), names=names),
        papers=len(both),
        ratio=ratio,
    )


def _wording(papers: Sequence[PaperSection], _: Translate) -> Insight | None:
    speeds = [c for paper in papers for c in paper.claims if c.metric in SPEED]
    if not speeds:
        return None
    most = sum(c.bound == "up_to" for c in speeds)
    bare = sum(not c.baseline for c in speeds)
    nowhere = sum(not c.hardware for c in speeds)
    text = _(
        "Of {claims} claims about speed {most} say “up to”, {bare} name no baseline and "
        "{nowhere} no hardware."
    )
    return _insight(
        "wording",
        text.format(claims=len(speeds), most=most, bare=bare, nowhere=nowhere),
        claims=len(speeds),
        up_to=most,
        without_baseline=bare,
        without_hardware=nowhere,
    )


def _reach(ranking: RankedPapers, _: Translate) -> Insight | None:
    runs = [
        (r.run_low, r.run_high)
        for r in ranking.outlines
        if r.run is not None and r.run_low is not None and r.run_high is not None
    ]
    if not runs:
        return None
    might = sum(high >= WORTH_IT for _low, high in runs)
    sure = sum(low >= WORTH_IT for low, _high in runs)
    text = _(
        "{might} of {papers} papers could make a whole run 10 % faster or more at the high end of "
        "their interval; {sure} do so at the low end."
    )
    return _insight(
        "reach",
        text.format(might=might, papers=len(runs), sure=sure),
        papers=len(runs),
        might=might,
        sure=sure,
    )


def _by_technique(ranking: RankedPapers, _: Translate) -> Insight | None:
    return _means(
        "technique",
        ranking,
        lambda row: row.technique,
        _("By technique, the believed gain of a whole run (geometric mean): {parts}."),
        _,
    )


def _by_complexity(ranking: RankedPapers, _: Translate) -> Insight | None:
    return _means(
        "complexity",
        ranking,
        lambda row: row.complexity,
        _("By complexity, the believed gain of a whole run (geometric mean): {parts}."),
        _,
    )


def _means(
    code: str,
    ranking: RankedPapers,
    key: Callable[[Outline], str | None],
    text: str,
    _: Translate,
) -> Insight | None:
    groups: dict[str, list[float]] = {}
    for paper in ranking.outlines:
        name = key(paper)
        if name and paper.run is not None and paper.run > 0:
            groups.setdefault(name, []).append(paper.run)
    if len(groups) < 2:
        return None
    means = sorted(
        ((name, _geometric(values), len(values)) for name, values in groups.items()),
        key=lambda g: (-g[1], g[0]),
    )
    parts = [
        _("{name} {mean}x ({count})").format(
            name=label(name, _), mean=significant(mean), count=count
        )
        for name, mean, count in means
    ]
    return _insight(
        code, text.format(parts=_(", ").join(parts)), **{name: mean for name, mean, _n in means}
    )


def _in_engine(ranking: RankedPapers, _: Translate) -> Insight | None:
    states = Counter(r.in_target for r in ranking.outlines if r.in_target)
    if not states:
        return None
    text = _("The engine has {merged} of {papers} already and {partial} in part; {no} not at all.")
    return _insight(
        "in_engine",
        text.format(
            merged=states["merged"],
            papers=states.total(),
            partial=states["partial"],
            no=states["no"],
        ),
        papers=states.total(),
        merged=states["merged"],
        partial=states["partial"],
        no=states["no"],
    )


def _moved(ranking: RankedPapers, _: Translate) -> Insight | None:
    steps = [(r.before - r.rank, r.before, r) for r in ranking.outlines if r.before is not None]
    moved = [step for step in steps if step[0]]
    if not moved:
        return None
    _by, before, paper = max(moved, key=lambda m: (abs(m[0]), -m[2].rank))
    text = _(
        "{moved} of {papers} papers that had a rank before have another now; {name} moved most, "
        "from {before} to {rank}."
    )
    return _insight(
        "moved",
        text.format(
            moved=len(moved),
            papers=len(steps),
            name=short_name(ranking.rows([paper])[0].title),
            before=before,
            rank=paper.rank,
        ),
        moved=len(moved),
        papers=len(steps),
        before=before,
        rank=paper.rank,
    )


def _devices(provenance: Provenance, counts: dict[str, bool], _: Translate) -> Insight | None:
    if not provenance.runs:
        return None
    counting = sum(d.runs for d in provenance.devices if counts.get(d.device_class, False))
    text = _(
        "Runs behind this: {runs}, devices: {devices}. {counting} of the runs ({share}) are of "
        "devices that count as the engine's own."
    )
    share = counting / provenance.runs
    return _insight(
        "devices",
        text.format(
            runs=provenance.runs,
            devices=len(provenance.devices),
            counting=counting,
            share=percent(share),
        ),
        runs=provenance.runs,
        devices=len(provenance.devices),
        counting=counting,
    )


def _names(papers: Sequence[Outline], ranking: RankedPapers, _: Translate, most: int = 3) -> str:
    shown = papers[:most]
    names = [short_name(row.title) for row in ranking.rows(shown)]
    if len(papers) > most:
        names.append(_("{count} more").format(count=len(papers) - most))
    return _(", ").join(names)


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))
