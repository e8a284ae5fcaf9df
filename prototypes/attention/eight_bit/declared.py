"""Cases and baselines that the declarations of 8-bit attention have in common. Imports no torch."""

from __future__ import annotations

from prototypes.harness.declarations import Baseline, Case, Device, Parameter, Role


def case(
    batch: int,
    heads: int,
    seq: int,
    head_dim: int,
    *,
    kv_heads: int = 0,
    queries: int = 0,
    causal: bool = False,
    family: str = "",
    cache_bits: int = 0,
    devices: tuple[Device, ...] = (Device.CUDA,),
    weight: float = 0.0,
    quick: bool = False,
    claims: tuple[str, ...] = (),
) -> Case:
    """Return one shape; its id spells it. `kv_heads` and `queries` as heads and seq unless given,
    inputs normal unless a family is given. `cache_bits`: K comes out of a cache of so many bits."""
    words = [f"b{batch}", f"h{heads}"]
    words += [f"kv{kv_heads}"] if kv_heads else []
    words += [f"q{queries}"] if queries else []
    words += [f"s{seq}", f"d{head_dim}"]
    words += ["causal"] if causal else []
    words += [family] if family else []
    words += [f"k{cache_bits}bit"] if cache_bits else []
    parameters: dict[str, Parameter] = {
        "batch": batch,
        "heads": heads,
        "kv_heads": kv_heads or heads,
        "queries": queries or seq,
        "seq": seq,
        "head_dim": head_dim,
        "causal": int(causal),
        "family": family or "normal",
    }
    if cache_bits:
        parameters["cache_bits"] = cache_bits
    return Case(
        "-".join(words),
        parameters,
        seed=20240925,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=claims,
        # K and V in 8 bits, V's copy padded; their partial sums; the oracle's scores of one step.
        memory_bytes=2 * batch * (kv_heads or heads) * (seq + 128) * head_dim + (3 << 30)
        if Device.CUDA in devices
        else 1 << 30,
    )


def sdpa_cudnn() -> Baseline:
    """The strongest FP16 attention in torch on a Hopper GPU."""
    return Baseline(
        "sdpa_cudnn", "torch's fused attention in FP16, cuDNN forced", devices=(Device.CUDA,)
    )


def sdpa_flash(*roles: Role) -> Baseline:
    """What torch takes by itself on a Hopper GPU, and the algorithm of llama.cpp's kernel."""
    return Baseline(
        "sdpa_flash",
        "torch's fused attention in FP16, FlashAttention-2 forced: the algorithm and the number "
        "format of llama.cpp's CUDA kernel, which isn't run here",
        roles,
        devices=(Device.CUDA,),
    )


def triton_fp16(*roles: Role) -> Baseline:
    """The same kernel without 8 bits."""
    return Baseline(
        "triton_fp16",
        "this folder's Triton kernel with both products in FP16: what 8 bits are worth by "
        "themselves",
        roles,
        devices=(Device.CUDA,),
        package="triton",
    )


def sageattention() -> Baseline:
    """The authors' package."""
    return Baseline(
        "sageattention",
        "SageAttention's own Triton package, version 1.0.6, smoothing and quantization counted",
        devices=(Device.CUDA,),
        package="sageattention",
    )


def sdpa_cpu() -> Baseline:
    """The one that is there on a CPU; nothing is timed against it."""
    return Baseline(
        "sdpa",
        "torch's fused attention in FP16 on the CPU, for its answer: nothing is timed there",
        (Role.PAPER, Role.ENGINE),
        devices=(Device.CPU,),
    )


NO_CPU_SPEED = (
    "On a CPU torch has no 8-bit attention: integer products per head with a softmax in float32 "
    "between them take longer than its fused attention (a figure of int_flash says how much). What "
    "is computed, and how far off it is, is the same on every device."
)
