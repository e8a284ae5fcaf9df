"""From a name in a paper ("RTX 4090, batch 1") to the class of device it is."""

from __future__ import annotations

import re

from analyzers.facts import DeviceClass

_DATACENTRE = re.compile(
    r"\b([ABHV]\s?[1-3]00|GH200|GB[23]00|H20|H800|A800|L4|L20|L40S?|T4|P100|P40|A10G?|A16|A30|A40"
    r"|MI\s?[123]\d{2}X?|TPU|Gaudi\w*|Trainium\w*|Inferentia\w*)\b",
    re.IGNORECASE,
)
_CONSUMER = re.compile(
    r"\b(RTX|GTX|GeForce|Radeon|RX\s?\d{4}|Titan|Jetson|Orin|A[456]000|Quadro|Arc\s?A\d{3})"
    r"|\b([2-5]0[5-9]0(\s?Ti)?)\b|\bApple\b|\bM[1-5]\s?(Pro|Max|Ultra)?\b|\bSnapdragon\b|\bAdreno\b",
    re.IGNORECASE,
)
_CPU = re.compile(
    r"\b(CPU|Xeon|EPYC|Ryzen|Core\s?i\d|Zen\s?\d|Graviton\d?|ARM|Neoverse|Raspberry)", re.IGNORECASE
)


def device_classes(name: str | None) -> frozenset[DeviceClass]:
    """Return the classes of all devices that `name` mentions; empty if none is recognised."""
    if not name:
        return frozenset()
    found: set[DeviceClass] = set()
    if _CONSUMER.search(name):
        found.add(DeviceClass.CONSUMER_GPU)
    if _DATACENTRE.search(name):
        found.add(DeviceClass.DATACENTRE_GPU)
    if _CPU.search(name):
        found.add(DeviceClass.CPU)
    return frozenset(found)
