"""Method and provenance: the rules, the target, and what the report was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any

from analyzers.scoring import ASSAY_RUBRIC, REPORT_RUBRIC
from analyzers.targets import Target
from app.i18n import pick
from app.reports.basis import DeviceUsed, DeviceWeight, Method, PartShare, Provenance
from app.reports.text import clean
from db.models import Run
from db.queries.claims import ClaimRow
from db.queries.readings import StandingFact
from db.schema import HEAD

SOFTWARE = ("python", "torch", "triton", "cuda", "driver", "os")
SHORT_ID = 10
NAMED_RUNS = 12
"""So many run ids are listed a device; the rest is counted."""


def method(target: Target, language: str) -> Method:
    """Return what the target file says counts."""
    workload = target.workload
    return Method(
        target=target.name,
        target_date=target.date,
        workload=clean(pick(workload.get("note"), language)),
        prompt_tokens=int(workload["prompt_tokens"]),
        generated_tokens=int(workload["generated_tokens"]),
        batch=int(workload["batch"]),
        shares=tuple(PartShare(part.value, share) for part, share in target.shares.items()),
        devices=tuple(
            DeviceWeight(device.value, weight, weight >= target.counts_from)
            for device, weight in target.devices.items()
        ),
        core_techniques=tuple(sorted(t.value for t in target.core_techniques)),
    )


def provenance(
    moment: datetime,
    target: Target,
    runs: Sequence[Run],
    fingerprint: str,
    program: str,
    stale: Collection[str] = (),
) -> Provenance:
    """Return what the report was made from; `stale` holds ids of runs of older code."""
    by_device: dict[str, list[Run]] = {}
    for run in runs:
        by_device.setdefault(run.device_id, []).append(run)
    return Provenance(
        catalog_at=moment.strftime("%Y-%m-%d %H:%M UTC"),
        program=program,
        schema=HEAD,
        rubrics=(REPORT_RUBRIC, ASSAY_RUBRIC),
        target_date=target.date,
        devices=tuple(_device(by_device[name], stale) for name in sorted(by_device)),
        runs=len(runs),
        fingerprint=fingerprint,
    )


def _device(runs: Sequence[Run], stale: Collection[str]) -> DeviceUsed:
    # The newest environment describes the device; drivers and libraries change over time.
    newest = max(runs, key=lambda run: (run.started_at, run.id))
    environment = newest.environment
    software = environment.record.get("software") or {}
    times = sorted(run.started_at for run in runs)
    ids = sorted(run.id[:SHORT_ID] for run in runs)
    return DeviceUsed(
        device_id=newest.device_id,
        name=clean(environment.device_name),
        device_class=environment.device_class,
        software=tuple(
            (name, clean(str(software[name]))) for name in SOFTWARE if software.get(name)
        ),
        first_at=times[0][:10],
        last_at=times[-1][:10],
        runs=len(runs),
        provisional=sum(run.provisional for run in runs),
        prototypes=tuple(sorted({run.prototype for run in runs})),
        run_ids=tuple(ids[:NAMED_RUNS]),
        stale=sum(run.id in stale for run in runs),
    )


def fingerprint(
    target: Target,
    facts: Iterable[StandingFact],
    claims: Iterable[ClaimRow],
    runs: Iterable[Run],
) -> str:
    """Return a hash of all that the ranking rests on: two reports that share it share the data.

    `facts` come by paper and field; the claims' order doesn't matter. Neither are kept as rows.
    """
    written = sorted(map(_claim_text, claims))
    rest = [
        sorted(run.id for run in runs),
        [target.name, target.date, sorted(target.shares.items()), sorted(target.devices.items())],
    ]
    digest = hashlib.sha256(b"[")
    for chunk in _chunks((f.paper_id, f.field, f.source, f.value_json) for f in facts):
        digest.update(chunk)
    digest.update(b", ")
    for chunk in _chunks(written):
        digest.update(chunk)
    # What follows is one list with the two before it, whose bracket is open.
    digest.update(f", {_JSON.encode(rest)[1:]}".encode())
    return digest.hexdigest()[:16]


_JSON = json.JSONEncoder(sort_keys=True, default=str)
_UNSORTED = json.JSONEncoder(default=str)
_AT_ONCE = 1000


_IN_ORDER = sorted(range(len(ClaimRow._fields)), key=ClaimRow._fields.__getitem__)
_NAMES = [ClaimRow._fields[number] for number in _IN_ORDER]
_VALUES = itemgetter(*_IN_ORDER)


def _claim_text(claim: ClaimRow) -> str:
    # In order already, so that a hundred thousand claims' names needn't be sorted.
    return _UNSORTED.encode(dict(zip(_NAMES, _VALUES(claim._replace(text_json=None)), strict=True)))


def _chunks(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield the JSON list of items in pieces: all at once it would take a hundred megabytes."""
    left = iter(items)
    head = "["
    while chunk := list(islice(left, _AT_ONCE)):
        yield f"{head}{_JSON.encode(chunk)[1:-1]}".encode()
        head = ", "
    yield b"[]" if head == "[" else b"]"
