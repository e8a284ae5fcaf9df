"""Repeats of a claim become places of one claim."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyzers.claiming.claim import ExtractedClaim
from analyzers.claiming.comparisons import Baseline
from analyzers.claiming.metrics import BY_SENTENCE
from analyzers.facts import Metric, Scope

MAX_PLACES = 40


def own_repeats(claims: Sequence[ExtractedClaim]) -> None:
    """Take for the authors' own what repeats a result that is theirs, where nothing says not.

    A sentence of the body that tells a number of the abstract again seldom says "we" once more.
    Round numbers meet by chance, so they don't count.
    """
    own = {_figure(claim) for claim in claims if claim.own and claim.in_abstract}
    for claim in claims:
        if not claim.own and claim.points >= 0 and claim.value % 1 and _figure(claim) in own:
            claim.own = True
            claim.reasons += ("repeats a result of the abstract",)


def name_alike(claims: Sequence[ExtractedClaim]) -> None:
    """Take a bare "improvement of 69x" for what the paper calls the same number elsewhere.

    Small round numbers meet by chance, so they don't count.
    """
    plain: dict[tuple[object, ...], set[Metric]] = {}
    for claim in claims:
        if claim.own and claim.metric.is_speed and not claim.rule.endswith(BY_SENTENCE):
            plain.setdefault(_number(claim), set()).add(claim.metric)
    for claim in claims:
        rare = claim.value % 1 or claim.value >= 10
        if claim.own and claim.metric.is_speed and rare and claim.rule.endswith(BY_SENTENCE):
            metrics = plain.get(_number(claim), set())
            if len(metrics) == 1 and claim.metric not in metrics:
                (claim.metric,) = metrics
                claim.reasons += ("named by the same number elsewhere",)


def _number(claim: ExtractedClaim) -> tuple[object, ...]:
    return claim.value, claim.value_high, claim.unit


def _figure(claim: ExtractedClaim) -> tuple[object, ...]:
    return claim.metric, claim.value, claim.value_high, claim.unit


def merge(merged: list[ExtractedClaim], claim: ExtractedClaim) -> None:
    """Add `claim`, as a further place where it repeats one."""
    for known in merged:
        if _same(known, claim):
            place = claim.places[0]
            if len(known.places) < MAX_PLACES and all(
                (place.quote, place.page) != (old.quote, old.page) for old in known.places
            ):
                known.places.append(place)
            known.against = _plainer(known.against, claim.against)
            known.hardware = known.hardware or claim.hardware
            known.in_abstract = known.in_abstract or claim.in_abstract
            known.confidence = max(known.confidence, claim.confidence)
            if known.subject.name is None:
                known.subject = claim.subject
            return
    merged.append(claim)


def _same(a: ExtractedClaim, b: ExtractedClaim) -> bool:
    return (
        a.metric is b.metric
        and a.value == b.value
        and a.value_high == b.value_high
        and a.unit == b.unit
        and a.own == b.own
        and a.bound is b.bound
        and _baselines_agree(a.against, b.against)
        and _scopes_agree(a.subject.scope, b.subject.scope)
    )


def _plainer(a: Baseline | None, b: Baseline | None) -> Baseline | None:
    return min((x for x in (a, b) if x), key=lambda x: x.source.rank, default=None)


def _baselines_agree(a: Baseline | None, b: Baseline | None) -> bool:
    if a is None or b is None or not (a.source.is_near and b.source.is_near):
        return True
    first, second = (set(re.findall(r"[a-z0-9]{2,}", x.name.lower())) for x in (a, b))
    return bool(first & second) or not first or not second


def _scopes_agree(a: Scope | None, b: Scope | None) -> bool:
    return a is None or b is None or a is b or Scope.END_TO_END not in (a, b)
