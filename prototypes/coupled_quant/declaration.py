"""What the Coupled Quantization prototype implements, and the cases it is measured on.

Cases are the decode step of one layer of Llama 3 8B (32 query heads on 8 KV heads of 128 channels).
Weights of the target cases are assumptions: a llama.cpp user decodes one sequence, as often with 8k
as with 32k tokens behind it, at 1 bit a channel, which is what the paper is about.
"""

from __future__ import annotations

from prototypes.harness.declarations import (
    Baseline,
    Case,
    Declaration,
    Device,
    Implementation,
    Role,
)

PAPER = "2405.03917"
BITS, COMPRESSION = f"{PAPER}/bit-width", f"{PAPER}/cache-compression"
THROUGHPUT, BATCH = f"{PAPER}/throughput-gain", f"{PAPER}/batch-growth"

BOTH, GPU = (Device.CPU, Device.CUDA), (Device.CUDA,)


def _case(
    batch: int,
    seq: int,
    config: str,
    *,
    devices: tuple[Device, ...] = GPU,
    weight: float = 0.0,
    quick: bool = False,
) -> Case:
    cache_bytes = 2 * 2 * batch * 8 * seq * 128
    return Case(
        id=f"b{batch}-h32-kv8-s{seq}-d128-{config}",
        parameters={
            "batch": batch,
            "heads": 32,
            "kv_heads": 8,
            "seq": seq,
            "head_dim": 128,
            "config": config,
            "family": "ar1",
        },
        seed=20240507,
        devices=devices,
        target_weight=weight,
        quick=quick,
        claims=_claims(batch, seq, config),
        # The cache in 16 bits, which the baselines read, beside the codes; the sets that rotate.
        memory_bytes=10 * cache_bytes,
    )


def _claims(batch: int, seq: int, config: str) -> tuple[str, ...]:
    """What the paper says of 1 bit; of throughput where batches and contexts are large."""
    if config not in ("8c8b", "4c4b"):
        return ()
    return (BITS, COMPRESSION, *((THROUGHPUT, BATCH) if batch > 1 and seq > 8192 else ()))


CASES = (
    _case(1, 8192, "8c8b", devices=BOTH, weight=1.0, quick=True),
    _case(1, 32768, "8c8b", devices=BOTH, weight=1.0),
    _case(8, 32768, "8c8b", quick=True),
    _case(8, 8192, "8c8b"),
    _case(8, 32768, "4c4b"),
    _case(8, 32768, "4c8b"),
    _case(1, 32768, "4c4b", devices=(Device.CPU,)),
    _case(1, 8192, "4c8b", devices=(Device.CPU,)),
)

DECLARATION = Declaration(
    name="coupled_quant",
    title="Decode attention over a cache of 1 bit a channel",
    paper="coupled_quant",
    part="decode_attention",
    module="prototypes.coupled_quant.workload",
    implements=(
        "Codes 8 neighbouring channels of a key or value as one byte that names a centroid of a "
        "learned codebook, and attends by lookups: scores of all centroids are made once a step, a "
        "token's score is the sum of 16 of them, and weights meet the value centroids without a "
        "decoded cache. Codebooks are learned by k-means weighted with the Fisher information; the "
        "new token is coded in the call."
    ),
    deviates=(
        "Keys are stored after the rotation by position, the paper stores them before it: a table "
        "of scores serves all tokens only if the query needn't be rotated for each of them. The "
        "figures have what that costs.",
        "Learned on synthetic layers (8 sequences of 2048 tokens), not on WikiText-2 with LLaMA; "
        "the Fisher information is that of a linear loss with random coefficients, in closed form.",
        "Codes are skewed in memory: which group a byte codes turns with the token's number, so "
        "that lookups of neighbours fall into different banks of shared memory.",
        "Score tables are half precision on a GPU, summed four entries at a time in it and then in "
        "float32.",
        "4c4b runs as 8c8b: two codes of 4 bits are a byte that names a pair of centroids.",
        "No 8c10b: codes of 10 bits don't pack into bytes.",
        "On a CPU the codebooks are learned for two kinds of heads from 2 sequences, and a "
        "sequence repeats 4096 different tokens: as much as on a GPU would take minutes.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_lookup",
            Device.CPU,
            "torch: embedding_bag sums the scores, scatter_add_ the weights by code",
            shipped=True,
        ),
        Implementation(
            "triton_lookup",
            Device.CUDA,
            "16 codes a head: tables in shared memory, gathers into tensor cores without bank "
            "conflicts (Gluon and PTX); else lookups through the L1 cache (Triton)",
            shipped=True,
        ),
    ),
    baselines=(
        Baseline(
            "torch_bmm",
            "two batched products over the cache in 16 bits (bfloat16 on a CPU), all queries of a "
            "group at once",
            (Role.PAPER, Role.ENGINE),
            devices=(Device.CPU,),
        ),
        Baseline(
            "torch_sdpa",
            "fused attention of torch over an FP16 cache",
            (Role.PAPER,),
            devices=(Device.CUDA,),
        ),
        Baseline(
            "split_kv_fp16",
            "this project's split-KV kernel for grouped queries over an FP16 cache",
            (Role.ENGINE,),
            devices=(Device.CUDA,),
            package="triton",
        ),
    ),
    claims=(BITS, COMPRESSION, THROUGHPUT, BATCH),
    technique_checks=("error against full precision", "worst element against full precision"),
    bars={
        "fidelity": (
            "The whole answer within a relative L2 error of 5e-3 of attention over the decoded "
            "cache in float32, no element farther off than 10 times that; the newest token at its "
            "nearest centroids; the same on a second call. Also for caches of 1, 97 and 2064 "
            "tokens, equal scores, peaked scores and one code for all keys."
        ),
        "quality": (
            "Against exact attention over the cache in 16 bits, on texts that the codebooks were "
            "not learned on, with channels that depend on each other as the paper finds them "
            "(AR(1) with 0.9): at most 10 %, 2 % and 0.4 % of the output's energy lost at 1, 2 and "
            "4 bits a channel. A code that uses no dependence loses at least 25 %, 6 % and 0.4 % "
            "of what it stores. On independent channels the technique has nothing to use, and the "
            "figures show what it loses there."
        ),
    },
)
