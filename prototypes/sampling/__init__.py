"""Sorting-free sampling: draw the next token from filtered logits without sorting the vocabulary.

`declaration` says what it is and what it is measured on (no torch); `workload` joins the parts:
`inputs`, `oracle`, `baselines`, `torch_samplers` (CPU), `triton_sampler` (CUDA), `statistical`.
"""
