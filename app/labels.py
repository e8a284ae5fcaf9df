"""The codes of the catalog in words: every enum value that a person gets to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzers.message import Message
from app.i18n import N_, Translate, translator

TECHNIQUES = {
    "quantization": N_("quantization"),
    "attention": N_("attention"),
    "kv_cache": N_("KV cache"),
    "speculative_decoding": N_("speculative decoding"),
    "sampling": N_("sampling"),
    "gemm_kernel": N_("GEMM kernel"),
    "sparsity_pruning": N_("sparsity"),
    "serving_scheduling": N_("serving"),
    "moe": N_("mixture of experts"),
    "other": N_("other"),
}
LEVELS = {"low": N_("low"), "medium": N_("medium"), "high": N_("high")}
INTEGRATIONS = {
    "drop_in": N_("drop-in"),
    "local": N_("local"),
    "architectural": N_("architectural"),
}
IN_TARGET = {"no": N_("no"), "partial": N_("partly"), "merged": N_("merged")}
ADVICE = {
    "do_now": N_("do now"),
    "high_value": N_("high-value investment"),
    "steady": N_("steady choice"),
    "measure_first": N_("measure first"),
    "long_term": N_("long-term value"),
    "careful": N_("careful"),
    "not_recommended": N_("not recommended"),
    "already_there": N_("already there"),
}
VERDICTS = {
    "untested": N_("untested"),
    "not_runnable_here": N_("not runnable here"),
    "not_comparable": N_("not comparable"),
    "below_quality": N_("below quality"),
    "unclear": N_("unclear"),
    "contradicted": N_("contradicted"),
    "confirmed": N_("confirmed"),
    "partly": N_("partly confirmed"),
    "not_reproduced": N_("not reproduced"),
}
VERDICT_ICONS = {
    "untested": "○",
    "not_runnable_here": "⊘",
    "not_comparable": "≠",
    "below_quality": "▽",
    "unclear": "?",
    "contradicted": "✗",
    "confirmed": "✓",
    "partly": "◐",
    "not_reproduced": "✗",
}
"""A verdict is never told by colour alone."""
PARTS = {
    "whole_run": N_("the whole run"),
    "prefill": N_("prefill"),
    "decode": N_("decode"),
    "prefill_attention": N_("prefill attention"),
    "decode_attention": N_("decode attention"),
    "prefill_linears": N_("the linear layers of prefill"),
    "decode_linears": N_("the linear layers of decode"),
}
METRICS = {
    "speedup": N_("speedup"),
    "latency_reduction": N_("latency reduction"),
    "throughput_gain": N_("throughput gain"),
    "memory_reduction": N_("memory reduction"),
    "compression_ratio": N_("compression ratio"),
    "accuracy_drop": N_("accuracy drop"),
    "error_reduction": N_("error reduction"),
    "bitwidth": N_("bit width"),
}
BOUNDS = {
    "exact": N_("exactly"),
    "up_to": N_("up to"),
    "at_least": N_("at least"),
    "about": N_("about"),
    "range": N_("range"),
}
SCOPES = {
    "kernel": N_("kernel"),
    "component": N_("component"),
    "end_to_end": N_("end to end"),
    "call": N_("call"),
    "setup": N_("set-up"),
}
CRITERIA = {
    "relevance": N_("relevance"),
    "performance": N_("performance"),
    "ease": N_("ease"),
    "core": N_("core direction"),
}
FIELDS = {
    "technique": N_("technique"),
    "relevance": N_("relevance"),
    "complexity": N_("complexity"),
    "integration": N_("integration"),
    "in_target": N_("in the engine"),
    "risks": N_("risks"),
    "report_speedup": N_("performance in the report"),
    "report_line": N_("line in the report"),
    "summary": N_("summary"),
    "hardware": N_("hardware"),
    "formats": N_("number formats"),
    "trust": N_("what stands behind it"),
    "code_url": N_("code"),
    "engine_today": N_("the engine today"),
    "meaning": N_("what it means for the engine"),
    "claims": N_("claims"),
}
SOURCES = {
    "seed": N_("seed catalog"),
    "analysis": N_("analysis"),
    "person": N_("a person"),
    "target": N_("target file"),
}
BASELINE_KINDS = {
    "engine": N_("the engine's own way"),
    "best_known": N_("the best known"),
    "named_rival": N_("a named rival"),
    "plain": N_("plain FP16 or eager code"),
    "own": N_("the authors' own code"),
    "unnamed": N_("no baseline named"),
    "predecessor": N_("a predecessor"),
}
ROLES = {
    "paper": N_("the paper's kind of baseline"),
    "strongest": N_("the strongest baseline"),
    "engine": N_("the engine's baseline"),
}
RUN_STATES = {
    "ok": N_("ok"),
    "quality_only": N_("quality only, not timed"),
    "broken": N_("broken: the implementation failed the fidelity gate"),
    "not_runnable": N_("not runnable here"),
    "timeout": N_("timed out"),
    "out_of_memory": N_("out of memory"),
    "crashed": N_("crashed"),
    "implausible": N_("implausible: faster than physics"),
    "cancelled": N_("cancelled"),
    "error": N_("error"),
}
JOB_STATES = {
    "queued": N_("queued"),
    "running": N_("running"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "timed_out": N_("timed out"),
    "cancelled": N_("cancelled"),
    "lost": N_("lost"),
}
STATUSES = {
    "inbox": N_("inbox"),
    "shortlisted": N_("shortlisted"),
    "building": N_("building"),
    "done": N_("done"),
    "rejected": N_("rejected"),
}
DEVICE_CLASSES = {
    "cpu": N_("CPU"),
    "consumer_gpu": N_("consumer GPU"),
    "datacentre_gpu": N_("data-centre GPU"),
}
TARGET_FIELDS = {
    "counts_from": N_("weight from which hardware counts"),
    "prompt_tokens": N_("tokens of the prompt"),
    "generated_tokens": N_("tokens generated"),
    "batch": N_("batch size"),
    "core_techniques": N_("core directions"),
}
READ_LEVELS = {
    "full": N_("full text"),
    "partial": N_("part of the text"),
    "abstract": N_("abstract only"),
    "record": N_("record only"),
}

LABELS: dict[str, str] = {}
for _group in (
    TARGET_FIELDS, READ_LEVELS, DEVICE_CLASSES, STATUSES, JOB_STATES, RUN_STATES, ROLES,
    BASELINE_KINDS, SOURCES, FIELDS, CRITERIA, SCOPES, BOUNDS, METRICS, PARTS, VERDICTS, ADVICE,
    IN_TARGET, INTEGRATIONS, LEVELS, TECHNIQUES,
):  # fmt: skip
    LABELS |= _group


def label(code: str | None, translate: Translate, group: Mapping[str, str] | None = None) -> str:
    """Return a code in words; nothing for none, the code itself where it has no words.

    `group` says whose word is meant where two groups share a code ("engine", "partial").
    """
    if not code:
        return ""
    return translate((group or LABELS).get(code) or LABELS.get(code, code))


def say(record: Message | Mapping[str, Any] | None, language: str) -> str:
    """Return a sentence in `language`: a `Message`, its record, or an {"en", "zh"} pair."""
    if not record:
        return ""
    if not isinstance(record, Message):
        if "template" not in record:
            return str(record.get(language) or record.get("en") or "")
        record = Message.from_json(record)
    translate = translator(language)
    return record.render(lambda text: translate(LABELS.get(text, text)))
