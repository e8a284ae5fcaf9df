"""The claims of a paper: each number it reports about itself, with all its places.

Rules, no model: a number with a unit, words of performance that govern it, and points for whose
result it is. Each claim tells the rule and the reasons, so that a person can see why it is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from analyzers.claiming.baselines import read_baseline
from analyzers.claiming.cells import add_cells
from analyzers.claiming.chapters import result_sections
from analyzers.claiming.claim import ExtractedClaim, Place
from analyzers.claiming.comparisons import Baseline, Comparisons, Source
from analyzers.claiming.context import read_metric
from analyzers.claiming.merging import MAX_PLACES, merge, name_alike, own_repeats
from analyzers.claiming.methods import method_names
from analyzers.claiming.metrics import Reading
from analyzers.claiming.names import is_best_known, is_generic, is_plural
from analyzers.claiming.ownership import NAMES_AUTHORS, Around, Owner, judge
from analyzers.claiming.quantities import Quantity, find_quantities, normalise
from analyzers.claiming.setting import add_setting
from analyzers.claiming.subjects import hardware_in, read_bound, read_subject
from analyzers.claiming.unnamed import name_unnamed
from analyzers.document import Document, Sentence
from analyzers.facts import Bound, Metric

__all__ = ["ExtractedClaim", "Place", "extract_claims"]

MAX_QUOTE = 700
MAX_SENTENCE = 5000
"""A longer stretch of characters is no sentence, and patterns may take long over it."""
MIN_WORDS = 6
MAX_CLAIMS = 400
MAX_FOUND = 4000
LARGEST = 1e6
"""A larger figure measures nothing: digits that ran together, or more than a number can hold."""
MAX_QUANTITIES = 12
"""A passage with more numbers than this is a table or a figure's labels."""


def extract_claims(document: Document) -> list[ExtractedClaim]:
    """Return the paper's own claims and those it cites, own first seen first."""
    names = method_names(document)
    results = result_sections(document)
    found: list[tuple[int, ExtractedClaim]] = []
    repeats: Counter[str] = Counter()
    for index, sentence in enumerate(document.sentences):
        if len(sentence.text) > MAX_SENTENCE or not _may_count(sentence.text):
            continue
        repeats[sentence.text] += 1
        if repeats[sentence.text] > MAX_PLACES:
            continue
        near = document.sentences[max(0, index - 2) : index + 2]
        before, following = (
            near[: min(index, 2)],
            "".join(s.text for s in near[min(index, 2) + 1 :]),
        )
        before = [s for s in before if s.section == sentence.section]
        after_own = bool(found) and found[-1][0] == index - 1 and found[-1][1].own and bool(before)
        around = Around(before, after_own, following, sentence.section in results)
        found += [(index, claim) for claim in _in_sentence(sentence, names, around)]
        if len(found) >= MAX_FOUND:
            break
    own_repeats([claim for _, claim in found])
    found = name_unnamed(found, document)
    name_alike([claim for _, claim in found])
    _complete(found, document, names)
    merged: list[ExtractedClaim] = []
    for _, claim in found:
        merge(merged, claim)
        if len(merged) >= MAX_CLAIMS:
            break
    add_cells(merged, document.tables, names)
    add_setting(merged, document)
    return [claim for claim in merged if max(claim.value, claim.value_high or 0.0) <= LARGEST]


_DIGIT = re.compile(r"\d")
_NUMBER_WORDS = ("twice", "factor of", "half", "halv", "times", "fold", "doubl", "tripl")


def _may_count(text: str) -> bool:
    """Tell in little time whether a sentence can hold a number at all."""
    return bool(_DIGIT.search(text)) or any(word in text for word in _NUMBER_WORDS)


def _complete(
    found: list[tuple[int, ExtractedClaim]], document: Document, names: frozenset[str]
) -> None:
    """Give each claim that names no baseline the one that the paper names elsewhere."""
    own = [(at, claim) for at, claim in found if claim.own]
    if all(claim.baseline and not is_generic(claim.baseline) for _, claim in own):
        return
    comparisons = Comparisons(document, sorted(names))
    for at, claim in own:
        if claim.baseline and not is_generic(claim.baseline):
            weight = 4.0 if claim.in_abstract else 2.0
            comparisons.add(at, claim.baseline, claim.metric, weight=weight)
    told: tuple[int, Baseline] | None = None
    for at, claim in own:
        words = claim.baseline
        if words is not None and claim.against:
            told = at, claim.against
        elif told and told[0] == at - 1 and _goes_on_alike(document.sentences[at - 1 : at + 1]):
            claim.against = Baseline(told[1].name, Source.BEFORE)
            words = claim.baseline
        if words is None or (is_generic(words) and not is_best_known(words)):
            said = comparisons.find(at, document.sentences[at].text, claim.metric)
            if said and words and is_plural(words) and not re.search(r",|\band\b", said.name):
                continue  # one name doesn't tell who "existing solutions" are
            if said and words:
                said = Baseline(f"{said.name} ({words})", said.source)
            claim.against = said or claim.against


_ALSO = re.compile(
    r"(?:it|they|we|this|\w+)\s(?:also|further)\b|(?:moreover|furthermore|additionally|besides),",
    re.I,
)


def _goes_on_alike(sentences: Sequence[Sentence]) -> bool:
    """Tell whether the second sentence adds to the first ("It also …")."""
    first, second = sentences
    return first.section == second.section and bool(_ALSO.match(second.text))


def _in_sentence(
    sentence: Sentence, names: frozenset[str], around: Around
) -> Iterator[ExtractedClaim]:
    text = normalise(sentence.text)
    quantities = find_quantities(text)
    if not quantities or len(quantities) > MAX_QUANTITIES or not _is_prose(text):
        return
    readings = [read_metric(text, quantity, quantities) for quantity in quantities]
    for quantity, reading in zip(quantities, readings, strict=True):
        if reading is None or quantity.value <= 0:
            continue
        owner = judge(sentence, text, quantity.start, names, around)
        subject = read_subject(text, quantity, quantities)
        bound = read_bound(text, quantity, quantities)
        place = _place(sentence, quantity, bound)
        named = read_baseline(text, quantity, quantities, sorted(names))
        yield ExtractedClaim(
            metric=reading.metric,
            value=quantity.value,
            value_high=quantity.high,
            unit=quantity.shown_unit,
            bound=bound,
            subject=subject,
            against=Baseline(named, Source.SENTENCE) if named else None,
            hardware=hardware_in(sentence.text),
            own=owner.own and (reading.metric is not Metric.BITWIDTH or _is_told(sentence, owner)),
            points=owner.points,
            confidence=_confidence(sentence, reading, owner),
            rule=reading.rule,
            reasons=owner.reasons,
            in_abstract=sentence.in_abstract,
            places=[place],
        )


_SUMMARY = re.compile(r"abstract|introduction|conclu|summary|contribution|discussion|^$", re.I)


def _is_told(sentence: Sentence, owner: Owner) -> bool:
    """Tell whether a bit width is a result: in the body widths are settings and parts of names."""
    summary = sentence.in_abstract or _SUMMARY.search(sentence.section)
    return bool(summary) or NAMES_AUTHORS in owner.reasons


def _is_prose(text: str) -> bool:
    words = text.split()
    lower = sum(word[:1].islower() and word.strip(".,;:()").isalpha() for word in words)
    figures = sum(bool(re.match(r"\W*\d", word)) for word in words)
    return len(words) >= 5 and lower >= 0.35 * len(words) and figures <= 0.4 * len(words)


def _confidence(sentence: Sentence, reading: Reading, owner: Owner) -> float:
    """Return 0 … 1: how plainly the rules apply, not how true the claim is."""
    score = 0.5 + 0.1 * min(3.0, max(-3.0, owner.points))
    score += 0.1 if sentence.in_abstract else 0.0
    score += 0.1 if reading.metric.is_speed else 0.0
    score -= 0.1 if "sentence" in reading.rule or reading.metric is Metric.OTHER else 0.0
    return max(0.05, min(0.98, score))


def _place(sentence: Sentence, quantity: Quantity, bound: Bound) -> Place:
    page = sentence.page_at(quantity.start)
    start, end = sentence.span_on_page(page)
    if end - start > MAX_QUOTE:
        start, end = _window(sentence.text, start, end, quantity)
    if quantity.form == "word":
        start, end = _without_digits(sentence.text, start, end, quantity)
    text = sentence.text[start:end].strip()
    boxes = tuple(sentence.boxes(start, end)) if page is not None else ()
    return Place(sentence.kind, text, page, boxes, bound, sentence.section)


def _without_digits(text: str, start: int, end: int, quantity: Quantity) -> tuple[int, int]:
    """Narrow the quote of a number in words to the stretch that has no other number.

    Its digits aren't on the page; a figure beside it would pass for the one that is claimed.
    """
    before = [m.end() for m in re.finditer(r"\S*\d\S*\s?", text[start : quantity.start])]
    after = re.search(r"\s?\S*\d", text[quantity.end : end])
    first = start + before[-1] if before else start
    last = quantity.end + after.start() if after else end
    enough = len(text[first:last].split()) >= MIN_WORDS
    return (first, last) if enough else (start, end)


def _window(text: str, start: int, end: int, quantity: Quantity) -> tuple[int, int]:
    """Cut a long sentence at word ends to what stands around the number."""
    first = max(start, quantity.start - MAX_QUOTE // 2)
    if first > start:
        first = text.find(" ", first, quantity.start) + 1 or first
    last = min(end, first + MAX_QUOTE)
    if last < end:
        last = max(text.rfind(" ", quantity.end, last), quantity.end)
    return first, last
