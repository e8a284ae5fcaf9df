"""Facts against labels, paper by paper; a field that isn't labelled doesn't count."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from analyzers.facts import Complexity

_LEVELS = [level.value for level in Complexity]
NEAR = 0.2
"""Two people who judge a paper's relevance seldom agree more closely than this."""


@dataclass(slots=True)
class FactTally:
    """Right answers and answers by field, and how far off the relevance is."""

    papers: int = 0
    right: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    extra_hardware: int = 0
    remarks: list[tuple[str, ...]] = field(default_factory=list)

    def figures(self) -> dict[str, float | int | None]:
        """Return the shares, with the number of labelled papers beside each."""
        shown: dict[str, float | int | None] = {"papers": self.papers}
        for name, labelled in self.labelled.items():
            shown[name] = round(self.right.get(name, 0) / labelled, 3)
            shown[f"{name}_labelled"] = labelled
        if self.errors:
            shown["relevance_mean_error"] = round(sum(self.errors) / len(self.errors), 3)
        if "hardware" in self.labelled:
            shown["hardware_not_labelled"] = self.extra_hardware
        return shown


def count_facts(
    tally: FactTally, paper: str, label: Mapping[str, Any], analysis: Mapping[str, Any]
) -> None:
    """Add one analysed paper to the tally."""
    tally.papers += 1

    def judge(name: str, right: bool, wanted: object, read: object) -> None:
        tally.labelled[name] = tally.labelled.get(name, 0) + 1
        tally.right[name] = tally.right.get(name, 0) + right
        if not right:
            tally.remarks.append((name, paper, f"labelled {_plain(wanted)}, read {_plain(read)}"))

    technique = analysis["technique"]["primary"]
    if label.get("technique"):
        named = [label["technique"], *label.get("secondary", [])]
        judge("technique", technique in named, named, technique)
        judge("technique_first", technique == named[0], named[0], technique)
    complexity = analysis["complexity"]
    if label.get("complexity"):
        wanted, level = label["complexity"], complexity["level"]
        judge("complexity", level == wanted, wanted, level)
        near = abs(_LEVELS.index(level) - _LEVELS.index(wanted)) <= 1
        judge("complexity_within_one", near, wanted, level)
    if label.get("integration"):
        read = complexity["integration"]
        judge("integration", read == label["integration"], label["integration"], read)
    target = analysis["relevance"]["target"]
    if (wanted_value := _relevance(label, target)) is not None:
        value = analysis["relevance"]["value"]
        tally.errors.append(abs(value - wanted_value))
        # 0.35 is within 0.2 of 0.15, whatever binary fractions say
        judge("relevance_near", abs(value - wanted_value) <= NEAR + 1e-9, wanted_value, value)
    if "hardware_measured" in label:
        devices, read_devices = label["hardware_measured"], analysis["hardware"]
        right, extra = same_hardware(devices, read_devices)
        tally.extra_hardware += extra
        judge("hardware", right, devices, read_devices)
    if "code_url" in label:
        url = analysis["code_url"]
        judge("code_url", same_repository(label["code_url"], url), label["code_url"], url)


def same_hardware(labelled: Sequence[str], read: Sequence[str]) -> tuple[bool, int]:
    """Return whether every labelled device was read, and how many were read that no label names.

    Makers, memory and form don't matter ("NVIDIA A100-40GB" is "A100"). A label such as "none
    (analysis)" or "not stated" says that nothing may be read.
    """
    wanted = [d for d in map(_device, labelled) if d and not re.match(r"none|notstated", d)]
    found = [_device(name) for name in read]

    def same(a: str, b: str) -> bool:
        return a in b or b in a

    extra = sum(not any(same(device, name) for device in wanted) for name in found)
    if not wanted:
        return not found, extra
    return all(any(same(device, name) for name in found) for device in wanted), extra


def same_repository(labelled: str | None, read: str | None) -> bool:
    """Return whether two addresses name one repository (or both none)."""
    return _repository(labelled) == _repository(read)


def _repository(url: str | None) -> tuple[str, ...] | None:
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"https://{url}")
    path = [part.removesuffix(".git") for part in parts.path.lower().split("/") if part]
    return parts.netloc.lower().removeprefix("www."), *path[:2]


def _device(name: str) -> str:
    bare = re.sub(r"\([^)]*\)", "", name.lower())
    bare = re.sub(
        r"nvidia|\bamd\b|intel|apple|geforce|tesla|\brtx\b|\bgtx\b|quadro|\d+ ?gb?\b|sxm\d?"
        r"|pcie|nvl|mobile|laptop|gpus?\b",
        "",
        bare,
    )
    return re.sub(r"[^a-z0-9]", "", bare)


def _relevance(label: Mapping[str, Any], target: str) -> float | None:
    value = label.get("relevance", {}).get(target)
    if value is None:
        value = label.get(f"{re.sub(r'[^a-z0-9]', '_', target.lower())}_relevance")
    return None if value is None else float(value)


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
