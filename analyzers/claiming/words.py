"""The vocabulary of performance: what is counted, and which way it goes."""

from __future__ import annotations

import re


def _pattern(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w])", re.I)


SPEED = _pattern(
    r"speed-?\s?ups?|sped[- ]up|speeds?(?:\sup)?|speeding|speeded|accelerat\w+|faster|quicker"
)
LATENCY = _pattern(
    r"(?:\w+-)*latenc(?:y|ies)|ttft|tpot|tbt|itl|wall-?\s?(?:clock\s)?times?|run-?\s?times?|delays?"
    r"|(?:inference|decod\w+|prefill\w*|comput\w+|execution|processing|generation|training|kernel"
    r"|sampling|i/o|response|completion|attention|iteration|total|end-to-end|search"
    r"|loading|transfer)"
    r"\stimes?|time\s(?:to\sfirst\stoken|per\s(?:output\s)?token)|time"
)
THROUGHPUT = _pattern(
    r"throughputs?|tokens?\s?(?:/|per)\s?s(?:ec(?:ond)?)?|qps|goodput|requests?\sper\ssecond|ops"
    r"|request\s(?:rates?|capacity)|serving\scapacity"
)
MEMORY = _pattern(
    r"memory|footprints?|kv[- ]?caches?|vram|storage|(?:gpu|peak)\susage|memory-?\w*|dram|space"
    r"|smaller\scaches?"
)
COMPRESSION = _pattern(
    r"compress\w*|model\ssizes?|smaller\s(?:models?|in\ssize)|sizes?(?:\sreductions?)?|disk"
)
QUALITY = _pattern(
    r"accurac(?:y|ies)|perplexit(?:y|ies)|ppl|quality|bleu|rouge\S*|scores?|f1|performance"
    r"|mmlu|acceptance|win\srates?|points?|recall|precision"
)
ERROR = _pattern(r"(?:\w+\s)?errors?|mre|mse|rmse|mae|distortion")
COST = _pattern(
    r"costs?|cheaper|energy|power|price|flops|parameters|params|samples?|data|tokens|expensive"
    r"|computation(?:s|al)?|compute|calibration|efficien\w+|utili[sz]ation|bandwidth|context\w*|hit\srates?|capacity"
    r"|batch(?:\ssizes?)?|length\w*|communication|traffic|i/o|accesses|overheads?|operations?"
)
DOWN = _pattern(
    r"reduc\w+|decreas\w+|lower\w*|sav(?:e[sd]?|ings?)|cut(?:s|ting)?|less|fewer|small(?:er)?"
    r"|short(?:er|en\w*)|shrink\w*|shrunk|drop\w*|loss(?:es)?|los(?:es?|ing)|degrad\w+|declin\w+"
    r"|shav\w+|minimi[sz]\w+|cheaper|eliminat\w+|halv\w+|within|smaller|diminish\w*"
    r"|alleviat\w+|cost|falls?|fell|fallen"
)
UP = _pattern(
    r"increas\w+|improv\w+|boost\w*|higher|gains?|gained|more|enhanc\w+|large[r]?|better|greater"
    r"|rais\w+|outperform\w*|surpass\w*|exceed\w*|rais\w+|elevat\w+|doubl\w+|tripl\w+|multipl\w+"
    r"|amplif\w+|superior\w*|beat\w*|longer|increment\w*|advantage|efficient|speed\w*"
)
WORSE = _pattern(
    r"less\s(?:\w+[- ]){0,2}efficient|more\s(?:expensive|costly)|lower\s(?:throughput|accuracy)"
    r"|fewer\stokens\s(?:/|per)|"
    r"slow(?:er|s|ed|ing)?|slow-?downs?|overheads?|bottleneck\w*|regress\w+|(?:high|long|great)er\s"
    r"(?:\w+\s){0,2}latenc\w+|increase[sd]?\s(?:in\s)?(?:\w+\s){0,2}latenc\w+|worse"
    r"|penalt\w+|bloat\w*"
    r"|amplification|longer\s(?:\w+\s)?times?|waste[sd]?|larger\s(?:memory|than)"
)
SPECULATIVE = re.compile(
    r"\b(?:we expect|expected? to|could (?:potentially|be)|would"
    r"|theoretical(?:ly)?(?!\s(?:max|peak|flop))"
    r"|potential (?:[\w-]+ ){0,2}?(?:improvements?|speed|gains?|reductions?|savings?)"
    r"|in theory|ideal(?:ly)?"
    r"|hypothetical|suppose|assum(?:e|ing)|potential(?:ly)? (?:of|for|save)"
    r"|in principle|upper bound"
    r"|future work|can only|at best|maximum possible|perfect predictor|roofline)\b",
    re.I,
)
HARDWARE_COUNT = re.compile(
    r"\s?(?:nvidia|amd|intel|a100|h100|h200|h800|h20|b200|v100|t4\b|l4\b|l40s?|a10g?\b|a6000|a40\b"
    r"|rtx|gtx|mi\d{3}|gpus?\b|cpus?\b|tpus?\b|nodes?\b|cores?\b|machines?\b"
    r"|servers?\b|\d+\s?gb|p100"
    r"|titan|cards?\b|devices?\b|m[1-4]\s(?:ultra|max|pro))",
    re.I,
)
