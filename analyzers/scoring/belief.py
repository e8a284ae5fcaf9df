"""How fast a technique is believed to be: a prior, its headline claim, and what was measured.

Everything is normal in ln s. The prior is N(0, 0.5²); the headline claim enters with the standard
deviation its doubts give it; a measurement with that of its interval, at least 0.05, over the
square root of its device's weight. The total precision of measurements is capped at 400. A claim
about a whole phase or run counts as no more than e² = 7.4x: what is four standard deviations of
the prior away says more of the baseline than of the technique.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from analyzers.facts import Measurement, PaperFacts, Part, Scope
from analyzers.scoring.headline import Headline, headline_of
from analyzers.scoring.ratios import amdahl, common_part, widen
from analyzers.targets import Target

PRIOR_SIGMA = 0.5
MEASUREMENT_FLOOR = 0.05
PRECISION_CAP = 400.0
Z90 = 1.6448536269514722
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a technique's speedup of `part`, and of a whole run.

    `low` and `high` bound the 90 % posterior interval. `claim_weight` and `measured_weight` are
    the shares of the total precision that the headline claim and the measurements carry.
    """

    part: Part
    share: float
    headline: Headline | None
    measurements: tuple[Measurement, ...]
    mean_ln: float
    sigma_ln: float
    claim_weight: float
    measured_weight: float

    @property
    def known(self) -> bool:
        """Whether anything but the prior is in it."""
        return self.headline is not None or bool(self.measurements)

    @property
    def speedup(self) -> float:
        """Expected speedup of the part."""
        return math.exp(self.mean_ln)

    @property
    def low(self) -> float:
        """Low end of the part's speedup."""
        return math.exp(self.mean_ln - Z90 * self.sigma_ln)

    @property
    def high(self) -> float:
        """High end of the part's speedup."""
        return math.exp(self.mean_ln + Z90 * self.sigma_ln)

    @property
    def run_speedup(self) -> float:
        """Expected speedup of a whole run (Amdahl)."""
        return amdahl(self.speedup, self.share)

    @property
    def run_low(self) -> float:
        """Low end of the whole run's speedup."""
        return amdahl(self.low, self.share)

    @property
    def run_high(self) -> float:
        """High end of the whole run's speedup."""
        return amdahl(self.high, self.share)


def believe(facts: PaperFacts, target: Target, device: str | None = None) -> Belief:
    """Return what is believed of a paper's technique; `device` admits only its measurements."""
    headline = headline_of(facts, target)
    measured = tuple(
        m
        for m in facts.measurements
        if (device is None or m.device_id == device) and target.weight(m.device_class) > 0
    )
    parts = [m.part for m in measured] + ([headline.part] if headline else [])
    part = common_part(parts) if parts else target.part_of(facts.technique, Scope.END_TO_END)

    precision, weighted = PRIOR_SIGMA**-2, 0.0
    claim_precision = 0.0
    if headline:
        claim_precision = headline.sigma**-2
        value = widen(headline.counted, headline.part, part, target.shares)
        weighted += claim_precision * math.log(value)
    seen = [_in_part(m, part, target) for m in measured]
    total = sum(p for _, p in seen)
    scale = min(1.0, PRECISION_CAP / total) if total else 0.0
    weighted += scale * sum(p * ln for ln, p in seen)
    precision += claim_precision + scale * total
    return Belief(
        part=part,
        share=target.shares[part],
        headline=headline,
        measurements=measured,
        mean_ln=weighted / precision,
        sigma_ln=precision**-0.5,
        claim_weight=claim_precision / precision,
        measured_weight=scale * total / precision,
    )


def _in_part(measurement: Measurement, part: Part, target: Target) -> tuple[float, float]:
    """Return (ln s, precision) of a measurement, seen as one of `part`."""
    low, middle, high = (
        math.log(widen(s, measurement.part, part, target.shares))
        for s in (measurement.low, measurement.speedup, measurement.high)
    )
    sigma = max((high - low) / 2 / Z95, MEASUREMENT_FLOOR)
    return middle, target.weight(measurement.device_class) / sigma**2
