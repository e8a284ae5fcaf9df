"""The shape of a run document (`python -m prototypes run … --out FILE`), checked before storing.

Runs are measured elsewhere and come as files from anywhere, so nothing in them is trusted: what
breaks the shape is refused with a reason, and so is a run that claims speed without its gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

from db.errors import DocumentError
from db.queries.json_limits import is_number, trouble

SCHEMA = 1
STATUSES = frozenset(
    {"ok", "broken", "below_quality", "implausible", "not_runnable", "timeout", "out_of_memory"}
    | {"crashed", "cancelled", "error", "quality_only"}
)
SCOPES = frozenset({"setup", "call", "kernel"})
DEVICE_CLASSES = frozenset({"cpu", "consumer_gpu", "datacentre_gpu"})
PARTS = frozenset(
    {"whole_run", "prefill", "decode", "prefill_attention", "decode_attention"}
    | {"prefill_linears", "decode_linears", "sampling"}
)
_MAX_NAME = 200
_KINDS: dict[str, tuple[type, ...]] = {
    "error": (dict,),
    "fidelity": (dict,),
    "quality": (dict,),
    "figures": (list,),
    "bytes": (int, float),
    "flops": (int, float),
    "roofline_fraction": (int, float),
    "started_at": (str,),
    "code_hash": (str,),
}
"""What people are shown of a run, and of which kind it is where it is there at all."""


class RunRefusedError(ValueError):
    """One run of a document that can't be stored, and why: a template and what fills it."""

    def __init__(self, template: str, /, **params: Any) -> None:
        super().__init__(template.format(**params))
        self.template = template
        self.params: dict[str, Any] = params


def read_environment(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Return the environment and the runs of a document; raises `DocumentError` if it is none."""
    if not isinstance(document, Mapping) or "runs" not in document:
        raise DocumentError(
            "This is not a run document: it has no runs. Make one with "
            "`python -m prototypes run NAME --out FILE`."
        )
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise DocumentError(
            "This run document has schema {theirs}, and this Assay reads {ours}: measure again "
            "with the prototypes of this version, or update Assay.",
            theirs=_short(schema),
            ours=SCHEMA,
        )
    environment, runs = document.get("environment"), document["runs"]
    if not isinstance(environment, dict) or not isinstance(runs, list):
        raise DocumentError("This run document is damaged: environment or runs are missing.")
    for name in ("device_id", "device_name", "device_class", "started_at"):
        value = environment.get(name)
        if not _is_name(value):
            raise DocumentError(
                "This run document is damaged: its environment has no {name}.", name=name
            )
    if environment["device_class"] not in DEVICE_CLASSES:
        raise DocumentError(
            "This run document names an unknown device class {value!r}.",
            value=environment["device_class"],
        )
    utc_time(environment["started_at"])
    if trouble(environment):
        raise DocumentError(
            "This run document is damaged: its environment holds a number that is too large or "
            "none at all (NaN, infinity), or is nested too deep."
        )
    noise = environment.get("noise_floor")
    if noise is not None and not (_is_number(noise) and 0 <= noise < 1):
        raise DocumentError(
            "This run document is damaged: its noise floor is {value}, no share.",
            value=_short(noise),
        )
    return environment, runs


def utc_time(text: str) -> str:
    """Return an ISO 8601 time as UTC with microseconds; raises `DocumentError`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the first hour of year 1 may lie before it elsewhere
        raise DocumentError(
            "This run document is damaged: started_at is {text!r}, not an ISO 8601 time.", text=text
        ) from None
    return moment.isoformat(timespec="microseconds")


def check_run(run: Any) -> dict[str, Any]:
    """Return the run where it may be stored; raises `RunRefusedError` with the reason."""
    if not isinstance(run, dict):
        raise RunRefusedError("not a record")
    for name in ("prototype", "case", "implementation", "device"):
        value = run.get(name)
        if not _is_name(value):
            raise RunRefusedError("{name} is missing", name=name)
    _require_member(run, "scope", SCOPES)
    _require_member(run, "status", STATUSES)
    for name in ("shipped", "provisional"):
        if not isinstance(run.get(name, False), bool):
            raise RunRefusedError("{name} is neither true nor false", name=name)
    weight = run.get("target_weight", 0)
    if not _is_number(weight) or weight < 0:
        raise RunRefusedError("target_weight is no number of 0 or more")
    if run.get("part") is not None:
        _require_member(run, "part", PARTS)
    if not _is_texts(run.get("claims") or []):
        raise RunRefusedError("claims is no list of keys")
    baselines = run.get("baselines") or []
    if not isinstance(baselines, list) or not all(isinstance(b, dict) for b in baselines):
        raise RunRefusedError("baselines is no list of records")
    for baseline in baselines:
        name, roles = baseline.get("name"), baseline.get("roles") or []
        if not _is_name(name):
            raise RunRefusedError("a baseline has no name")
        if not _is_texts(roles) or not isinstance(baseline.get("role") or "", str):
            raise RunRefusedError("the roles of {name} are no list of words", name=name)
    for name, kind in _KINDS.items():
        value = run.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
            raise RunRefusedError("{name} is {value!r}", name=name, value=str(value)[:60])
    _check_interval(run.get("speedup"), "speedup")
    _check_interval(run.get("time_us"), "time_us")
    for baseline in baselines:
        _check_interval(baseline.get("speedup"), f"speedup against {baseline.get('name')}")
        _check_interval(baseline.get("time_us"), f"time_us of {baseline.get('name')}")
    _check_plain(run)
    _check_gates(run, baselines)
    return run


def _check_plain(run: dict[str, Any]) -> None:
    match trouble(run):
        case "not finite":
            raise RunRefusedError("it holds something that JSON can't say (NaN, infinity)")
        case "too large":
            raise RunRefusedError("it holds a number of more than 64 bits")
        case "too deep":
            raise RunRefusedError("its records are nested too deep")


def gate(run: Mapping[str, Any], name: str) -> bool | None:
    """Return whether a run passed its `fidelity` or `quality` gate; None: not tried."""
    verdict: Any
    if name == "quality":
        verdict = run.get("quality_pass")
    else:
        record = run.get("fidelity")
        verdict = record.get("pass") if isinstance(record, dict) else None
    if verdict is not None and not isinstance(verdict, bool):
        raise RunRefusedError(
            "the verdict of the {name} gate is neither true, false nor null", name=name
        )
    return verdict


def speeds_claimed(run: Mapping[str, Any]) -> list[str]:
    """Return which fields of a run say how fast it is."""
    claimed = [name for name in ("speedup", "time_us") if run.get(name) is not None]
    baselines = run.get("baselines") or []
    return claimed + [
        f"speedup against {baseline.get('name')}"
        for baseline in baselines
        if baseline.get("speedup") is not None
    ]


def _check_gates(run: Mapping[str, Any], baselines: list[dict[str, Any]]) -> None:
    passed = {name: gate(run, name) is True for name in ("fidelity", "quality")}
    failed = [name for name, is_passed in passed.items() if not is_passed]
    claimed = speeds_claimed(run)
    if claimed and failed:
        raise RunRefusedError(
            "it claims speed ({fields}) without having passed its {gates} gate",
            fields=", ".join(claimed),
            gates=" and ".join(failed),
        )
    if claimed and run["status"] != "ok":
        raise RunRefusedError(
            "it claims speed ({fields}) and says {status}",
            fields=", ".join(claimed),
            status=run["status"],
        )
    if run["status"] == "ok" and failed:
        raise RunRefusedError(
            "it says ok without having passed its {gates} gate", gates=" and ".join(failed)
        )


def _require_member(run: Mapping[str, Any], name: str, allowed: frozenset[str]) -> None:
    value = run.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise RunRefusedError(
            "{name} is {value!r}, not one of {allowed}",
            name=name,
            value=value,
            allowed=", ".join(sorted(allowed)),
        )


def _check_interval(value: Any, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise RunRefusedError("{name} is no record of median, low and high", name=name)
    low, median, high = (value.get(part) for part in ("low", "median", "high"))
    if not (_is_number(low) and _is_number(median) and _is_number(high) and low > 0):
        raise RunRefusedError("{name} holds something else than positive numbers", name=name)
    if not low <= median <= high:
        raise RunRefusedError("{name}: its median lies outside its interval", name=name)


def _is_name(value: Any) -> bool:
    """Whether it is text of a name's length that a database can hold: JSON may hold
    half a sign, and PostgreSQL holds no zero byte."""
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_NAME:
        return False
    return not any("\ud800" <= sign <= "\udfff" or sign == "\0" for sign in value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: Any) -> TypeGuard[float]:
    return is_number(value)


def _short(value: Any) -> str:
    return repr(value)[:60]
