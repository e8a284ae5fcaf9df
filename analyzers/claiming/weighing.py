"""A paper's usual baseline: the name that most of its comparisons, by weight, speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analyzers.claiming.names import is_best_known
from analyzers.claiming.subjects import hardware_in
from analyzers.claiming.wordings import CONCEPTS, Family

MIN_WEIGHT = 0.8
"""A name with less weight than this is no paper's usual baseline."""
MAX_COMPARISONS = 1000

_MODEL = re.compile(
    r"(?:llama|opt|bloom|gpt|qwen|mi[sx]tral|t5|falcon|gemma|phi|bert|vicuna|deepseek)[\w.-]*"
    r"(?:[\s-]\d+(?:\.\d+)?[bm])?(?:\s(?:models?|baseline))?$",
    re.I,
)


_TOPIC_WEIGHT = {
    ("precision", Family.SIZE): 6.0,
    ("precision", Family.QUALITY): 6.0,
    ("precision", Family.SPEED): 4.0,
    ("decoding", Family.SPEED): 8.0,
    ("decoding", Family.QUALITY): 6.0,
    ("attention", Family.QUALITY): 5.0,
    ("dense", Family.SPEED): 4.0,
    ("dense", Family.QUALITY): 5.0,
    ("cache", Family.SIZE): 6.0,
    ("cache", Family.QUALITY): 6.0,
}


_FILLERS = frozenset(
    {"a", "an", "the", "of", "with", "and", "or", "to", "in", "on", "for", "its", "their"}
    | {"baseline", "baselines", "model", "models", "method", "methods", "implementation"}
    | {"implementations", "version", "system", "systems", "inference", "kernel", "kernels"}
    | {"counterpart", "counterparts", "data", "format", "precision", "library", "libraries"}
    | {"latency", "large", "existing", "standard", "vanilla", "original", "pure", "default"}
)


class Comparison(NamedTuple):
    """A name that the sentence number `at` compares with; the weight says how plainly."""

    at: int
    name: str
    weight: float
    family: Family


class Weighing:
    """Groups a document's comparisons once; weighs them for each kind of metric and section."""

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        plain: Mapping[str, Mapping[str, int]],
        sections: Sequence[str],
        own: Sequence[str],
        text: str,
    ) -> None:
        """`plain` counts the names of plain ways by topic; `sections` holds each sentence's."""
        self._comparisons = comparisons[:MAX_COMPARISONS]
        self._plain = {topic: names for topic, names in plain.items() if names}
        self._sections = sections
        self._stems = {_stem(name) for name in own}
        self._text = text.lower()
        self._groups: list[frozenset[str]] = []
        self._of: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        for comparison in self._comparisons:
            self._place(comparison.name)
        for names in self._plain.values():
            for name in names:
                self._place(name)

    def usual(self, family: Family, section: str) -> str | None:
        """Return the name with the most weight for a kind of metric, its own section first."""
        weights: dict[int, dict[str, float]] = {}

        def add(name: str, weight: float) -> None:
            names = weights.setdefault(self._of[name], {})
            names[name] = names.get(name, 0.0) + weight

        for comparison in self._comparisons:
            add(comparison.name, comparison.weight * self._share(comparison, family, section))
        totals = {topic: sum(names.values()) for topic, names in self._plain.items()}
        for topic, names in self._plain.items():
            total = totals[topic]
            # a paper on two subjects is mostly about the one that it speaks of more
            bonus = _TOPIC_WEIGHT.get((topic, family), 2.0) * total / (total + 4)
            bonus *= (total / max(totals.values())) ** 0.5
            for name, count in names.items():
                add(name, bonus * count / total)
        best = max(weights.values(), key=lambda names: sum(names.values()), default=None)
        if best is None or sum(best.values()) < MIN_WEIGHT:
            return None
        return max(best, key=lambda name: (_is_exact(name), self._count(name), best[name]))

    def _share(self, comparison: Comparison, family: Family, section: str) -> float:
        share = 1.0 if comparison.family is family else 0.7
        if Family.ANY not in (comparison.family, family) and comparison.family is not family:
            share = 0.25
        if section and self._sections[comparison.at] == section:
            share *= 2
        if _stem(comparison.name) in self._stems:
            share *= 0.5  # the authors' work with another number: an increment
        if _MODEL.match(comparison.name):
            share *= 0.1
        return share

    def _place(self, name: str) -> None:
        if name in self._of:
            return
        words = _concept(name)
        for number, known in enumerate(self._groups):
            shared = len(known & words)
            least = min(len(known), len(words))
            if shared and (shared == least or shared / len(known | words) >= 0.5):
                self._of[name] = number
                return
        self._of[name] = len(self._groups)
        self._groups.append(words)

    def _count(self, name: str) -> int:
        if name not in self._counts:
            self._counts[name] = self._text.count(name.lower())
        return self._counts[name]


def _stem(name: str) -> str:
    return re.sub(r"[\s-]?v?\d+$", "", name.split(" (")[0]).lower()


def _is_exact(name: str) -> bool:
    """Tell "FP16" from "half-precision": of words for one precision, the number says it."""
    return not CONCEPTS[0].pattern.search(name) or bool(re.search(r"\d", name))


def words_of_name(name: str) -> frozenset[str]:
    """Return the words that tell a name from others, in lower case, without hyphens."""
    words = re.findall(r"[a-z0-9.+]+", name.lower().replace("-", ""))
    return frozenset(word for word in words if word not in _FILLERS)


def _concept(name: str) -> frozenset[str]:
    for topic in CONCEPTS:
        if topic.pattern.search(name):
            return frozenset({topic.name})
    return words_of_name(name) or frozenset({name.lower()})


def is_name(name: str) -> bool:
    """Tell a system's or a plain method's name from other words behind "compared with"."""
    if is_best_known(name) or any(topic.pattern.search(name) for topic in CONCEPTS):
        return True
    words = name.split()
    if re.search(r"\bet al\b", name):
        return False
    if re.fullmatch(r"[CGNT]PUs?(?:\sand\s[CGNT]PUs?)?", name) or hardware_in(name):
        return False
    return len(words) <= 8 and any(
        re.match(r"(?:[A-Z]|[a-z]+[A-Z\d])[\w.+/-]*", word) for word in words[:4]
    )
