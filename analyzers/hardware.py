"""What the authors measured on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from analyzers.claiming.subjects import all_hardware
from analyzers.evidence import Index
from analyzers.tables import Table
from analyzers.words import Pattern

MOST = 6
_NAMES = Pattern(
    "a100|h100|h200|h800|h20|b200|a800|v100|p100|l40|l4|a10|a6000|a40|a30|t4|mi1|mi2|mi3|titan|tpu"
    "|jetson|xeon|epyc|m1|m2|m3|m4|m5|ryzen|core i|snapdragon|raspberry|ascend|gaudi|rtx|gtx"
    "|geforce|tesla|3060|3070|3080|3090|4060|4070|4080|4090|5080|5090"
)
_MEASURES = re.compile(
    r"\b(?:experiments?|evaluat\w+|measur\w+|benchmark\w*|run|running|ran|conduct\w*|test\w*"
    r"|perform\w*|speed-?ups?|faster|latency|throughput|profil\w+|equipped|testbed|servers?|use[ds]?"
    r"|tokens/s|implement\w*|inferences?|done|deployed|machine)\b"
)
_SETUP = re.compile(
    r"set-?up|setting|experiment|evaluation|implementation|result|hardware|performance|abstract"
    r"|benchmark|speed|latency|throughput|efficiency",
    re.I,
)
_TESTBED = re.compile(r"set-?up|testbed|hardware|environment|methodology", re.I)
"""Sections that say what was measured on, in sentences that may not say so once more."""
_ONE_MORE = re.compile(
    r"\bRTX ?\d{4}(?: ?Ti)?s?(?:,? and |/|, | or )((?:RTX ?)?\d{4})\b(?!\s?tokens)"
)
_BARE = re.compile(
    r"\bNVIDIA (?:GeForce )?([345]0[5-9]0)\b|(?<!RTX )(?<!RTX)\b([345]0[5-9]0)s? GPUs?\b", re.I
)
"""A card named without its RTX."""
_SPECIFICATION = re.compile(
    r"\b(?:for example|e\.g\.|such as|has \d|have \d|with \d+ (?:sm|streaming)|bandwidth of"
    r"|peak|theoretical|price|cost of|costs|datasheet|specification|\$)"
)
_COLUMN = re.compile(r"\b(?:hardware|devices?|gpus?|platforms?|accelerators?|machines?)\b", re.I)
_IN_TABLE = 3
_TPU = re.compile(r"\b(?:on|using|with|for) (?:a |single |our |the )*tpus?\b")


def read_hardware(index: Index) -> list[str]:
    """Return what the authors measured on, the most spoken of first.

    A device counts by how the sentences that name it speak: of own measurements, in a section
    about them, or only as an example, a specification or others' work.
    """
    weights: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    sure: set[str] = set()
    for at in index.hits(_NAMES):
        sentence = index.sentences[at]
        names = all_hardware(sentence.text)
        names += [_geforce(match[1]) for match in _ONE_MORE.finditer(sentence.text)]
        names += [_geforce(match[1] or match[2]) for match in _BARE.finditer(sentence.text)]
        if not names:
            continue
        names = list(dict.fromkeys(names))
        weight, measured = _weigh(index, at)
        for name in names:
            key = _key(name)
            weights[key] += weight
            if measured:
                sure.add(key)
            if len(name) > len(spelling.get(key, "")):
                spelling[key] = name
    for table in index.document.tables:
        for name in dict.fromkeys(_listed(table)):
            weights[_key(name)] += _IN_TABLE
            spelling.setdefault(_key(name), name)
    top = max(weights.values(), default=0)
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    named = [
        spelling[key]
        for key, weight in ranked
        if weight >= max(3, 0.25 * top) or (key in sure and weight >= 5)
    ]
    return (named or _unversioned(index))[:MOST]


def _listed(table: Table) -> Iterator[str]:
    """Yield the devices of a table's column "Hardware", "GPU" or the like."""
    for row in table.rows[table.header_rows :]:
        for cell in row:
            if _COLUMN.search(table.column_header(cell)):
                yield from all_hardware(cell.text)


def _weigh(index: Index, at: int) -> tuple[int, bool]:
    """Return a sentence's weight, and whether it speaks plainly of own measurements."""
    sentence, text = index.sentences[at], index.lowered[at]
    voice = index.voice(at)
    if index.is_foreign(at) and voice <= 0:
        return 0, False
    measures = bool(_MEASURES.search(text) or _TESTBED.search(sentence.section))
    setup = bool(_SETUP.search(sentence.section)) or index.is_front(at)
    weight = 1 + 2 * measures + 2 * (voice > 0) + 2 * setup
    if voice < 0:
        weight = 1
    elif _SPECIFICATION.search(text) and not index.is_front(at):
        weight = min(weight, 2)
    return weight, weight >= 5 and measures


def _unversioned(index: Index) -> list[str]:
    """Return ["TPU"] for a paper that runs on TPUs and doesn't say which."""
    hits = [at for at in index.hits(Pattern("tpu")) if index.voice(at) >= 0]
    return ["TPU"] if any(_TPU.search(index.lowered[at]) for at in hits) else []


def _geforce(number: str) -> str:
    return number if number.startswith("RTX") else f"RTX {number}"


def _key(name: str) -> str:
    bare = re.sub(
        r"NVIDIA|AMD|Intel|Apple|GeForce|Tesla|RTX|GTX|\d+ ?GB|SXM\d?|PCIe|NVL|[\s-]",
        "",
        name,
        flags=re.I,
    )
    return bare.lower()
