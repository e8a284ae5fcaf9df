"""What little was read counts little; a target's own batch is its home."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.facts import BaselineKind, Complexity, PaperFacts, Regime
from analyzers.message import message
from analyzers.scoring import Advice, score_paper
from analyzers.scoring.headline import headline_order
from analyzers.targets import load_target
from tests.analyzers.scoring.builders import claim, paper

LLAMA, VLLM = load_target("llama.cpp"), load_target("vllm")


def points(subject: PaperFacts, name: str) -> float:
    ranked = score_paper(subject, LLAMA)
    return next(c.points for c in ranked.believed.criteria if c.name == name)


def test_relevance_and_ease_count_as_much_as_was_read() -> None:
    subject = paper(relevance=0.95, complexity=Complexity.LOW)
    thin = replace(subject, relevance_trust=0.3, ease_trust=0.3)
    assert points(subject, "relevance") == pytest.approx(4.75)
    assert points(thin, "relevance") == pytest.approx(0.3 * 4.75)
    assert points(subject, "ease") == 1
    assert points(thin, "ease") == pytest.approx(0.3)


def test_little_trust_never_helps() -> None:
    for relevance in (0.0, 0.2, 0.35, 0.6, 1.0):
        for level in Complexity:
            subject = paper(relevance=relevance, complexity=level)
            scores = [
                score_paper(
                    replace(subject, relevance_trust=trust, ease_trust=trust), LLAMA
                ).believed.value
                for trust in (0.3, 0.6, 1.0)
            ]
            assert scores == sorted(scores)


def test_what_speaks_against_a_thin_source_stands() -> None:
    subject = paper(relevance=0.1, complexity=Complexity.HIGH)
    thin = replace(subject, relevance_trust=0.3, ease_trust=0.3)
    assert points(thin, "ease") == points(subject, "ease") == -1


def test_a_source_s_doubts_are_the_claim_s() -> None:
    doubts = (message("only an abstract or a short text was read"), message("no evaluation"))
    sure = paper(claims=(claim(2.1),))
    unsure = paper(claims=(replace(claim(2.1), source_doubts=doubts),))
    before, after = headline_order(sure, LLAMA)[0], headline_order(unsure, LLAMA)[0]
    assert after.k == before.k + 4
    assert all(doubt in after.doubts for doubt in doubts)
    assert score_paper(unsure, LLAMA).belief.speedup < score_paper(sure, LLAMA).belief.speedup


def test_each_target_s_batch_is_its_home() -> None:
    small = replace(claim(3.0), key="p/small", regime=Regime.TARGET)
    large = replace(claim(1.5), key="p/large", regime=Regime.LARGE_BATCH)
    subject = paper(claims=(small, large))
    at_home, served = headline_order(subject, LLAMA)[0], headline_order(subject, VLLM)[0]
    assert (at_home.claim.key, served.claim.key) == ("p/small", "p/large")
    doubted = headline_order(paper(claims=(small,)), VLLM)[0]
    assert doubted.k == headline_order(paper(claims=(small,)), LLAMA)[0].k + 2
    assert any("smaller batch" in str(doubt) for doubt in doubted.doubts)


def test_what_hardly_matters_is_not_sent_to_the_bench() -> None:
    wide = replace(claim(2.5), baseline_kind=BaselineKind.BEST_KNOWN)
    advice = {
        relevance: score_paper(paper(relevance=relevance, claims=(wide,)), LLAMA).recommendation
        for relevance in (0.1, 0.2, None)
    }
    assert advice[0.1].advice is Advice.NOT_RECOMMENDED
    assert advice[0.2].advice is Advice.MEASURE_FIRST
    assert advice[None].advice is Advice.MEASURE_FIRST


def test_an_unsure_claim_has_a_doubt_more() -> None:
    sure, unsure = (
        headline_order(paper(claims=(replace(claim(2.1), unsure=flag),)), LLAMA)[0]
        for flag in (False, True)
    )
    assert unsure.k == sure.k + 1
