"""Whose result a sentence reports: the paper's own, or one that it cites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzers.claiming.mentions import (
    WE,
    beats_own,
    cites_before,
    has_name,
    is_near,
    is_own,
    names_another,
)
from analyzers.claiming.methods import CITED
from analyzers.claiming.words import SPECULATIVE
from analyzers.document import Kind, Sentence

_ANAPHOR = re.compile(
    r"^(?:this|these|it|as a result|overall|specifically|notably|in particular"
    r"|moreover|furthermore|remarkably"
    r"|additionally|consequently|thus|hence|therefore|finally|in contrast|meanwhile"
    r"|besides|further|also"
    r"|for (?:example|instance)|with (?:this|these)|together|in total|on average"
    r"|compared (?:to|with)"
    r"|when|as shown|as (?:illustrated|depicted|summari[sz]ed|seen)|(?:figure|table|fig\.) ?\d)",
    re.I,
)
_PRIOR = re.compile(
    r"\b(?:prior|previous|existing|recent|earlier|related|other|most|state-of-the-art"
    r"|traditional|conventional"
    r"|concurrent|current|vanilla|standard|naive) (?:\w+[- ]){0,3}?(?:works?|methods?"
    r"|approaches|studies|systems?"
    r"|techniques|solutions|research|researchers|implementations?|quanti[sz]ers?"
    r"|algorithms?|efforts|schemes"
    r"|kernels|attention|frameworks?)\b",
    re.I,
)
_RESULT_VERB = re.compile(
    r"\b(?:achiev|reach|yield|deliver|obtain|provid|attain|reduc|improv|increas"
    r"|accelerat|speed|outperform"
    r"|surpass|lead|result|show|observ|enabl|demonstrat|boost|gain|offer|bring|report"
    r"|cut|sav|exceed|lower"
    r"|retain|maintain|measur|compress|lose|losing|decreas|exhibit|run|be|is|are"
    r"|enhanc|support|generat|need)"
    r"\w*\b",
    re.I,
)
_FOREIGN_SECTION = re.compile(r"related work|prior work|background|preliminar|literature", re.I)
WEAK_SECTION = re.compile(r"motivation|observation|challenge|limitation of|analysis of", re.I)
_RESULT_SECTION = re.compile(
    r"abstract|result|evaluat|experiment|conclusion|performance|speed|latency"
    r"|throughput|benchmark|ablation"
    r"|summary|contribution|discussion|comparison|efficiency|accuracy",
    re.I,
)
_INTRO = re.compile(r"introduction|overview", re.I)


NAMES_AUTHORS = "the authors or their method are named"


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a sentence in its section.

    `before` are the sentences that precede it; `after_own` says that the last of them gave a result
    of the authors' own; `following` is the next sentence. `in_results` says that the section is
    part of a chapter on results.
    """

    before: Sequence[Sentence] = ()
    after_own: bool = False
    following: str = ""
    in_results: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """A verdict on whose result it is, with its points and why."""

    own: bool
    points: float
    reasons: tuple[str, ...]


def judge(
    sentence: Sentence,
    normal: str,
    start: int,
    names: frozenset[str],
    around: Around,
) -> Owner:
    """Tell whose result the number at `start` of the sentence is."""
    points, reasons = 0.0, []

    def add(value: float, reason: str) -> None:
        nonlocal points
        points += value
        reasons.append(reason)

    head = normal[:start]
    tail = normal[start:]
    clause, rest = _clause(normal, start)
    mentioned = is_own(clause, names)
    subject = _subject(clause)
    own_subject = is_own(subject, names) or is_near(head, names)
    if sentence.in_abstract:
        add(1.5, "stands in the abstract")
    elif _FOREIGN_SECTION.search(sentence.section) and not _RESULT_SECTION.search(sentence.section):
        # beside others' work the authors set their own, and then say so
        theirs = not own_subject or CITED.search(head)
        add(-2.0 if theirs else -0.5, "stands in a section on other work")
    elif WEAK_SECTION.search(sentence.section):
        add(-1.0, "stands in a section on the problem")
    elif around.in_results or _RESULT_SECTION.search(sentence.section):
        add(1.0, "stands in a section on results")
    elif sentence.kind is Kind.CAPTION:
        add(0.0, "stands in a caption")
    if mentioned:
        add(1.5 if own_subject else 1.0, NAMES_AUTHORS)
    elif rest and is_own(rest, names):
        if _CONTRAST.search(normal) and not _IT.match(clause):
            add(-1.0, "the authors' method stands in contrast to this clause")
        else:
            add(1.0, NAMES_AUTHORS)
    elif _goes_on(normal, around.before, names) or (around.after_own and not CITED.search(normal)):
        add(1.0, "goes on from a sentence about the authors' work")
    contrast = _IN_CONTRAST.match(around.following)
    if contrast and not mentioned and is_own(around.following[contrast.end() :][:40], names):
        add(-2.0, "the next sentence sets the authors' method against it")
    if not any(has_name(subject, name) for name in names) and beats_own(tail, names):
        add(-3.0, "the authors' work is what this is compared with")
    if _DATA.search(head):
        add(-2.0, "describes data")
    if _FIGURE.search(clause):
        add(-2.0, "describes a figure")
    if cites_before(head, names):
        add(-2.0, "a cited work is the subject")
    if _PRIOR.search(subject) and not own_subject:
        add(-2.0, "other work is the subject")
    elif not own_subject and names_another(subject, names) and not WE.search(clause):
        add(-1.5, "another system is the subject")
    if not own_subject and _HARDWARE_SUBJECT.match(subject):
        add(-2.0, "hardware is the subject")
    if not mentioned and not is_own(rest, names) and _CITED_AT_END.search(normal):
        add(-1.0, "a cited work is named, and the authors aren't")
    if head.rfind("(") > head.rfind(")") and _CITING.match(tail):
        add(-2.5, "a cited work reports it")
    if not mentioned and _AMONG_BASELINES.search(head):
        add(-2.0, "a baseline is the subject")
    if _COMPUTED.search(head):
        add(-2.5, "expected or computed, not measured")
    if _LEFT_OUT.search(head) and _LOSS.search(normal):
        add(-2.5, "what a part's absence costs")
    if _FORMER.search(head):
        add(-2.5, "a result of another, told again")
    if not own_subject and _OVER_BASELINE.match(tail) and not CITED.search(normal):
        add(0.75, "compared with a baseline")
    if _SHOWN_BEFORE.search(head):
        add(-2.0, "earlier work has shown it")
    if SPECULATIVE.search(head[-90:]) or SPECULATIVE.search(tail[:50]):
        add(-2.5, "expected or computed, not measured")
    if _RESULT_VERB.search(normal):
        add(0.25, "a result verb")
    if re.search(
        r"\b(?:suppose|consider|imagine|typically|in general|usually)\b"
        if mentioned
        else r"\b(?:for example|suppose|consider|imagine|typically|in general|usually)\b",
        head,
        re.I,
    ):
        add(-0.5, "an example")
    return Owner(points >= 1.0, points, tuple(reasons))


_IT = re.compile(r"(?:(?:while|whereas|but)\s)?(?:it|its|still|also)\b", re.I)
"""Begins a clause with the subject of the one before."""
_CONTRAST = re.compile(r"\b(?:while|whereas|whilst|but|however|in contrast|unlike)\b", re.I)
_SHOWN_BEFORE = re.compile(
    r"\b(?:previous|prior|existing|earlier|recent) (?:works?|studies|research|literature)\s"
    r"(?:has|have)\s(?:shown|proved|proven|demonstrated|found|reported|observed)\b",
    re.I,
)
_FORMER = re.compile(
    r"\b(?:the|its|their)\s(?:original(?:ly)?|reported|published)\s(?:~|about )?$", re.I
)
_CITED_AT_END = re.compile(rf"(?:{CITED.pattern})\W*$")
_CITING = re.compile(r"[^()]{0,80}(?:\bet al\b|\[\d|\b(?:19|20)\d\d\b)")
"""Goes on, in the same brackets, with who said it."""
_AMONG_BASELINES = re.compile(r"\bamong (?:all |the )?(?:[\w-]+ ){0,3}baselines?\b", re.I)
_COMPUTED = re.compile(r"\bfor typical (?:values|settings|parameters)\b", re.I)
_LEFT_OUT = re.compile(
    r"\b(?:removing|ablating|disabling|dropping|omitting|without)\b[^.;]{0,60}?\b(?:leads?|results?"
    r"|causes?|drops?|degrades?|declines?|falls?|suffers?)\b",
    re.I,
)
_LOSS = re.compile(r"\b(?:drop|degrad|declin|decreas|wors|suffer|loss)\w*", re.I)
_HARDWARE_SUBJECT = re.compile(
    r"(?:[A-Z]\w+,\s)?(?:the|an?|its|this)?\s?(?:[\w-]+\s){0,3}?(?:HBM\d?|SRAM|DRAM|PCIe|NVLink"
    r"|SSDs?|tensor cores?|CUDA cores?|[ABHV]\d{2,3}|[CGNT]PUs?|flash memory)\s?"
    r"(?:is|are|has|have|can|\w+ly)?\s?$",
    re.I,
)
_OVER_BASELINE = re.compile(
    r"[\d.,]*[^,;.()]{0,60}?\b(?:than|over|compared (?:to|with)|relative to|against)\s"
    r"(?:the\s|our\s|a\s)?(?:[\w-]+\s){0,2}baseline"
    r"(?=\s?(?:$|[.,;:()]|(?:as|on|in|for|at|when|with|while|and|by)\b))",
    re.I,
)
_DATA = re.compile(r"\b(?:datasets?|benchmarks?|corpus|traces?)\s(?:has|have|contains?)\b", re.I)
_IN_CONTRAST = re.compile(
    r"(?:in contrast|by contrast|on the contrary|however|meanwhile|on the other hand),?\s", re.I
)
_FIGURE = re.compile(
    r"\b(?:lines?|ax[ie]s|bars?|curves?|dots?|columns?|rows?|markers?)\s(?:\w+\s)?"
    r"(?:indicat|denot|represent|show|mark|correspond|(?:is|are) plotted)\w*",
    re.I,
)


# "…, while offering 2x" has the same subject; "…, while vLLM offers 2x" has another
_CLAUSE_START = re.compile(
    r";\s|,?\s(?=(?:while|whereas|whilst)\s(?!(?:\w+ly\s|also\s|still\s)?\w+ing\b))|,\s(?=but\s)"
)


def _clause(normal: str, start: int) -> tuple[str, str]:
    """Return the clause that holds the character at `start`, and the rest of the sentence."""
    cuts = [0]
    for match in _CLAUSE_START.finditer(normal):
        cuts.append(match.end())
    cuts.append(len(normal))
    for begin, end in pairwise(cuts):
        if begin <= start < end:
            return normal[begin:end], normal[:begin] + normal[end:]
    return normal, ""


def _goes_on(normal: str, before: Sequence[Sentence], names: frozenset[str]) -> bool:
    """Tell whether the sentence carries on about the authors' work ("In particular, …")."""
    if not before or not _ANAPHOR.match(normal) or CITED.search(normal):
        return False
    if is_own(before[-1].text, names):
        return True
    return (
        len(before) > 1 and bool(_ANAPHOR.match(before[-1].text)) and is_own(before[-2].text, names)
    )


def _subject(normal: str) -> str:
    """Return what stands before the first verb of result (or the whole head)."""
    text = re.sub(
        r"^(?:compared (?:to|with)|relative to|in contrast to|unlike|by \w+ing|through)\b"
        r"[^,]{0,120},\s|^it can be (?:seen|observed|noted|noticed) that\s",
        "",
        normal,
        flags=re.I,
    )
    match = next((m for m in _RESULT_VERB.finditer(text) if m.start() > 2), None)
    return text[: match.start() if match else 80][-160:]
