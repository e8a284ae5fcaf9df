"""The numbers beside a run: memory and capacity of every case; tables of quality in one of them.

Capacity is modelled (bytes, and measured kernel times put together); quality is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from prototypes.coupled_quant import calibration, inputs, rivals, study
from prototypes.coupled_quant.options import Config
from prototypes.decode.inputs import Shape
from prototypes.harness.declarations import Case
from prototypes.harness.figures import Figure

if TYPE_CHECKING:
    from prototypes.coupled_quant.workload import CoupledQuantization

ROOM = 80e9
"""Bytes of the card that capacity is said for."""
WEIGHTS, LAYERS = 16.06e9, 32
"""Llama 3 8B: bytes of its weights in 16 bits, and layers like the case's."""
TABLES = "b1-h32-kv8-s8192-d128-8c8b"
"""The case that carries the tables of quality."""
CONFIGS = ("2c8b", "4c8b", "8c8b", "4c4b", "2c2b", "1c1b")
CUDA_ONLY = "computed on a GPU"
MODELLED = "modelled for Llama 3 8B: "


def of_case(
    workload: CoupledQuantization,
    name: str,
    case: Case,
    device: torch.device,
    seed: int,
    quick: bool,
) -> Iterator[Figure]:
    """Yield all figures of one run."""
    shape = Shape.of(case.parameters)
    config = Config.of(str(case.parameters["config"]))
    yield from capacity(shape, config)
    if device.type != "cuda":
        return
    if shape.batch > 1 and shape.seq > 8192:
        yield from throughput(workload, name, case, device)
    if case.id == TABLES and not quick:
        yield from by_config(shape, str(device))
        yield from options(shape, str(device))
        yield from others(shape, str(device))


def capacity(shape: Shape, config: Config) -> Iterator[Figure]:
    """Yield what a cache takes, and how many sequences fit beside the weights."""
    codes = 2 * shape.rows * shape.seq * config.code_bytes(shape.head_dim)
    books = 2 * shape.kv_heads * config.book_bytes(shape.head_dim)
    one_bit = config.bits_a_channel == 1
    yield Figure(
        "cache in FP16 over codes", shape.cache_bytes / codes, "x", 16.0 if one_bit else None
    )
    yield Figure("cache in FP16 over codes and codebooks", shape.cache_bytes / (codes + books), "x")
    yield Figure("cache in FP16, this layer", shape.cache_bytes / 1e9, "GB")
    yield Figure("codes and codebooks, this layer", (codes + books) / 1e9, "GB")
    yield Figure(
        "codebooks over the weights",
        100 * LAYERS * books / WEIGHTS,
        "%",
        0.232 if config == Config(2, 8) else None,
        MODELLED + "32 layers",
    )
    plain, coded = batches(shape, config)
    note = MODELLED + "80 GB less 16.06 GB of weights, 32 layers of this context"
    yield Figure("largest batch in 80 GB, FP16", plain, "sequences", note=note)
    yield Figure("largest batch in 80 GB, coded", coded, "sequences", note=note)
    yield Figure(
        "batch growth", coded / max(plain, 1), "x", 15.0 if one_bit else None, "paper: up to 15"
    )


def batches(shape: Shape, config: Config) -> tuple[int, int]:
    """Return how many sequences fit beside the weights: in FP16, coded."""
    each = LAYERS * shape.cache_bytes / shape.batch
    codes = LAYERS * 2 * shape.kv_heads * shape.seq * config.code_bytes(shape.head_dim)
    books = LAYERS * 2 * shape.kv_heads * config.stored.book_bytes(shape.head_dim)
    return int((ROOM - WEIGHTS) / each), int((ROOM - WEIGHTS - books) / codes)


def throughput(
    workload: CoupledQuantization, name: str, case: Case, device: torch.device
) -> Iterator[Figure]:
    """Yield tokens a second at the largest batch of either cache."""
    shape, config = Shape.of(case.parameters), Config.of(str(case.parameters["config"]))
    made = workload.inputs(case, device, case.seed)
    outputs = workload.outputs(case, device)
    per_sequence = {
        kind: _device_us(_call(workload.build(kind, case, device), made, outputs), device)
        / shape.batch
        for kind in (name, "split_kv_fp16")
    }
    copied = torch.ones(1 << 28, device=device)
    target = torch.empty_like(copied)
    rate = 2 * copied.nbytes / _device_us(lambda: target.copy_(copied), device) * 1e6
    plain, coded = batches(shape, config)
    speeds = {}
    for label, kind, batch in (("FP16", "split_kv_fp16", plain), ("coded", name, coded)):
        step_us = WEIGHTS / rate * 1e6 + LAYERS * batch * per_sequence[kind]
        speeds[label] = batch / step_us * 1e6
        yield Figure(
            f"tokens a second at the largest batch, {label}",
            speeds[label],
            "tokens/s",
            note=MODELLED
            + "attention as measured here, linear in the batch; the weights read once "
            "a step at the copy rate; nothing else counted",
        )
    yield Figure(
        "throughput, coded over FP16, each at its largest batch",
        speeds["coded"] / speeds["FP16"],
        "x",
        1.4,
        "paper: 1.4 to 3.5 on an A100-40GB with LLaMA-2-7B; here " + MODELLED + "see above",
    )


def _call(kernel: Callable[..., None], made: object, outputs: object) -> Callable[[], object]:
    return lambda: kernel(made, outputs)


def _device_us(call: Callable[[], object], device: torch.device, repeats: int = 9) -> float:
    """Return the median time on the device by CUDA events, launches queued behind a wait."""
    event: Any = torch.cuda.Event
    sleep: Any = torch.cuda._sleep
    call()
    times: list[float] = []
    for _ in range(repeats):
        begin, end = (event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(device)
        sleep(2_000_000)
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return median(times)


def by_config(shape: Shape, device: str) -> Iterator[Figure]:
    """Yield what each configuration loses on each family."""
    for family in inputs.FAMILIES:
        layer = calibration.layer_of(family, shape.queries, shape.head_dim, device)
        asked = study.text(layer)
        lost = {}
        for label in CONFIGS:
            books = calibration.learn(layer, Config.of(label), calibration.CALIBRATION_SEED)
            lost[label] = found = study.measured(asked, study.coded(books))
            where = f"{family}, {label}"
            yield Figure(f"{where}: keys' energy lost", 100 * found.key_energy, "%")
            yield Figure(f"{where}: output's energy lost", 100 * found.output_energy, "%")
            yield Figure(f"{where}: output's relative L1 error", found.l1)
            yield Figure(f"{where}: divergence of the attention", found.divergence, "nats")
        plain = {
            label: study.measured(
                asked,
                study.coded(
                    calibration.learn(
                        layer, Config.of(label), calibration.CALIBRATION_SEED, weighted=False
                    )
                ),
            )
            for label in ("2c2b", "1c1b", "8c8b")
        }
        yield Figure(
            f"{family}: squared error of keys, 2c2b over 1c1b, not weighted",
            plain["2c2b"].key_energy / plain["1c1b"].key_energy,
            "x",
            251 / 601 if family == "ar1" else None,
            "paper: two channels of LLaMA-7B's keys at 1 bit, 601 to 251"
            if family == "ar1"
            else "",
        )
        yield Figure(
            f"{family}, 8c8b: output's energy lost without Fisher weights",
            100 * plain["8c8b"].output_energy,
            "%",
        )
        for channels in (2, 4):
            yield Figure(
                f"{family}: joint entropy of {channels} channels over the sum of theirs",
                study.entropy_ratio(layer, channels),
            )


def options(shape: Shape, device: str) -> Iterator[Figure]:
    """Yield what windows, the rotation, and foreign calibration do to 8c8b."""
    config = Config.of("8c8b")
    layer = calibration.layer_of("ar1", shape.queries, shape.head_dim, device)
    asked = study.text(layer)
    codecs = study.coded(calibration.learn(layer, config, calibration.CALIBRATION_SEED))
    kept = {
        "4 sinks in FP16": (inputs.SINKS, 0),
        "newest 128 in FP16": (0, study.WINDOW),
        "both in FP16": (inputs.SINKS, study.WINDOW),
    }
    for what, (sinks, window) in kept.items():
        found = study.measured(asked, codecs, sinks, window)
        yield Figure(f"8c8b, {what}: output's energy lost", 100 * found.output_energy, "%")
    for before in (True, False):
        _, found = study.rotated_codecs(layer, config, before)
        when = "before" if before else "after"
        note = "values as they are; synthetic keys, rotated as Llama 3 does"
        yield Figure(
            f"8c8b, keys coded {when} the rotation: keys' energy lost",
            100 * found.key_energy,
            "%",
            note=note,
        )
        yield Figure(
            f"8c8b, keys coded {when} the rotation: output's energy lost",
            100 * found.output_energy,
            "%",
            note=note,
        )
    device_of = layer.ways.device
    shifts = {
        "other text of the layer": calibration.learn(layer, config, 777),
        "another layer of the family": calibration.learn(
            inputs.layer("ar1", layer.ways.shape[0], shape.queries, shape.head_dim, device_of, 1),
            config,
            calibration.CALIBRATION_SEED,
        ),
        "a layer of rank 8": calibration.learn(
            calibration.layer_of("lowrank", shape.queries, shape.head_dim, device),
            config,
            calibration.CALIBRATION_SEED,
        ),
    }
    for what, books in shifts.items():
        found = study.measured(asked, study.coded(books))
        yield Figure(
            f"8c8b, calibrated on {what}: output's energy lost", 100 * found.output_energy, "%"
        )


def others(shape: Shape, device: str) -> Iterator[Figure]:
    """Yield what other small caches lose on the same text."""
    rival = {
        "FP8, 8 bits": rivals.fp8(),
        "INT8, 8 bits": rivals.int8(),
        "KIVI-like, 2 bits and scales": rivals.grouped(2),
        "KIVI-like, 1 bit and scales": rivals.grouped(1),
    }
    for family in ("ar1", "independent"):
        asked = study.text(calibration.layer_of(family, shape.queries, shape.head_dim, device))
        for label, codecs in rival.items():
            found = study.measured(asked, codecs)
            yield Figure(
                f"{family}, rival {label}: output's energy lost", 100 * found.output_energy, "%"
            )
