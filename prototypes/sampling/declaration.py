"""What the sampling prototype implements, and the cases it is measured on.

Weights of the target cases are assumptions: a llama.cpp user decodes one sequence, most with the
default chain (top-k 40, top-p 0.95, min-p 0.05, as in its common/common.h), some with top-k off.
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

CLAIM = "flashinfer-sampling/sampling-time"

LLAMA3_VOCAB = 128256
QWEN_VOCAB = 151936
LLAMA2_VOCAB = 32000


def _case(
    batch: int,
    vocab: int,
    logits: str,
    *,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    weight: float = 0.0,
    quick: bool = False,
    cpu: bool = True,
) -> Case:
    """`logits` names a family of `prototypes.sampling.inputs`; top_k 0 means no top-k."""
    words = [f"b{batch}", f"v{vocab}", f"k{top_k}", f"p{top_p:g}"]
    words += [f"m{min_p:g}"] if min_p else []
    return Case(
        id="-".join([*words, logits]),
        parameters={
            "batch": batch,
            "vocab": vocab,
            "top_k": top_k,
            "top_p": top_p,
            "min_p": min_p,
            "temperature": 1.0,
            "logits": logits,
        },
        seed=20250310,
        devices=(Device.CPU, Device.CUDA) if cpu else (Device.CUDA,),
        target_weight=weight,
        quick=quick,
        # The paper speaks of a server's batches, and of filters that made its rival sort.
        claims=(CLAIM,) if batch >= 8 and (top_k or top_p < 1) else (),
    )


def _number(case: Case, name: str) -> float:
    return float(case.parameters[name])


def _has_small_k(case: Case) -> bool:
    return 1 <= _number(case, "top_k") <= 1024


def _is_top_p_alone(case: Case) -> bool:
    return _number(case, "top_k") == 0 and _number(case, "top_p") < 1


def _is_min_p_alone(case: Case) -> bool:
    return _number(case, "top_k") == 0 and _number(case, "top_p") >= 1


def _flashinfer_filters_so(case: Case) -> bool:
    """Its kernels take top-k and top-p in our order; min-p only by itself."""
    return _number(case, "min_p") == 0 or _is_min_p_alone(case)


CASES = (
    _case(1, LLAMA3_VOCAB, "zipf", top_k=40, top_p=0.95, min_p=0.05, weight=1.0, quick=True),
    _case(1, QWEN_VOCAB, "zipf", top_k=40, top_p=0.95, min_p=0.05, weight=1.0),
    _case(1, LLAMA3_VOCAB, "zipf", top_p=0.9, weight=0.5),
    _case(1, QWEN_VOCAB, "zipf", top_p=0.9, weight=0.5),
    _case(1, LLAMA3_VOCAB, "normal3", top_p=0.9),
    _case(1, LLAMA3_VOCAB, "zipf", min_p=0.05),
    _case(1, LLAMA3_VOCAB, "normal3", top_k=1000, top_p=0.95),
    _case(8, LLAMA3_VOCAB, "zipf", top_k=40, top_p=0.95, min_p=0.05),
    _case(8, LLAMA3_VOCAB, "normal3", top_p=0.9, quick=True),
    _case(8, LLAMA3_VOCAB, "zipf", top_p=0.9),
    _case(32, LLAMA3_VOCAB, "normal3", top_p=0.9, cpu=False),
    _case(64, LLAMA3_VOCAB, "normal3", top_p=0.9, cpu=False, quick=True),
    _case(128, LLAMA3_VOCAB, "normal3", top_p=0.9, cpu=False),
    _case(256, LLAMA3_VOCAB, "normal3", top_p=0.9, cpu=False),
    _case(512, LLAMA3_VOCAB, "normal3", top_p=0.9, cpu=False),
    _case(64, LLAMA3_VOCAB, "zipf", top_p=0.9, cpu=False),
    _case(256, LLAMA3_VOCAB, "zipf", top_p=0.9, cpu=False),
    _case(64, LLAMA3_VOCAB, "normal3", top_k=50, top_p=0.9, cpu=False),
    _case(256, LLAMA3_VOCAB, "normal3", top_k=50, top_p=0.9, cpu=False),
    _case(64, LLAMA3_VOCAB, "normal3", top_k=1000, top_p=0.95, cpu=False),
    _case(256, LLAMA3_VOCAB, "normal3", min_p=0.05, cpu=False),
    _case(128, QWEN_VOCAB, "normal3", top_p=0.9, cpu=False),
    _case(64, LLAMA2_VOCAB, "normal3", top_p=0.9, cpu=False),
)

DECLARATION = Declaration(
    name="sampling",
    title="Sorting-free top-k, top-p and min-p sampling",
    paper="sampling",
    part="sampling",
    module="prototypes.sampling.workload",
    implements=(
        "Draws from temperature, top-k, top-p and min-p filtered logits without sorting the "
        "vocabulary: a draw is accepted if the probability above it, and the number of tokens "
        "above it, are within the limits; else everything at or below it is ruled out and the next "
        "draw is made from what is left."
    ),
    deviates=(
        "The shipped samplers first sieve the vocabulary by the maxima of groups of 64 logits: if "
        "all survivors provably lie in a few groups, those are ranked exactly and the rejection "
        "loop isn't needed. torch_rejection and triton_rejection leave the sieve out.",
        "Reads logits, not probabilities: softmax needs no pass and no memory of its own.",
        "The rejection loop's pivots are its draws; the paper adds the middle of what is left, "
        "which bounds the number of rounds. Triton makes three independent draws a pass and takes "
        "the first that is inside; with top-k on it first finds the k-th largest logit.",
        "Temperature comes before the filters, as in vLLM; llama.cpp's default chain has it last.",
    ),
    cases=CASES,
    implementations=(
        Implementation(
            "torch_sieve", Device.CPU, "sieve by group maxima, then rejection; torch", shipped=True
        ),
        Implementation("torch_rejection", Device.CPU, "rejection as in the paper; torch"),
        Implementation(
            "triton_sieve",
            Device.CUDA,
            "one pass over the logits, sieve by group maxima, then rejection; Triton",
            shipped=True,
        ),
        Implementation(
            "triton_rejection", Device.CUDA, "rejection as in the paper, from logits; Triton"
        ),
    ),
    baselines=(
        Baseline(
            "torch_sort",
            "full sort, masks, scatter, softmax, exponential race: what vLLM's PyTorch sampler "
            "did in March 2025",
            (Role.PAPER,),
        ),
        Baseline(
            "torch_sort_lean",
            "full sort, draw from the sorted cumulative sum: a sort sampler without waste",
        ),
        Baseline(
            "torch_topk_first",
            "torch.topk, then top-p and min-p on the k that are left: the order of llama.cpp's "
            "default chain (top-k 40)",
            (Role.ENGINE,),
            applies=_has_small_k,
        ),
        Baseline(
            "torch_partial_sort",
            "the largest 256 first, everything only if they don't hold enough probability: what "
            "llama.cpp's top-p does when top-k is off",
            (Role.ENGINE,),
            devices=(Device.CUDA,),
            applies=_is_top_p_alone,
        ),
        Baseline(
            "bucket_sort",
            "llama.cpp's top-p when top-k is off: 256 by its bucket sort, everything only if they "
            "don't hold enough probability; its algorithm in torch",
            (Role.ENGINE,),
            devices=(Device.CPU,),
            applies=_is_top_p_alone,
        ),
        Baseline(
            "bucket_sort_of_k",
            "llama.cpp's bucket sort for the largest k, then top-p and min-p; in torch",
            devices=(Device.CPU,),
            applies=_has_small_k,
        ),
        Baseline(
            "torch_mask",
            "mask below the maximum plus ln(min-p), softmax, draw: no sort, as llama.cpp's min-p",
            (Role.ENGINE,),
            applies=_is_min_p_alone,
        ),
        Baseline(
            "flashinfer",
            "the library that the paper describes, softmax included where its kernel wants it",
            devices=(Device.CUDA,),
            package="flashinfer-python",
            applies=_flashinfer_filters_so,
        ),
    ),
    claims=(CLAIM,),
    bars={
        "fidelity": "no draw outside the exact filtered set (1e-5 of mass for rounding), the same "
        "token for the same seed, inputs untouched, edge cases: masks, ties, one survivor, p = 1",
        "quality": "chi-square of the draws against the exact distribution under its 1 - 1e-6 "
        "quantile; total variation within six standard deviations of pure sampling noise",
    },
)
