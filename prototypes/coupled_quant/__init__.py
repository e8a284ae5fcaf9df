"""Coupled Quantization: several channels of a key or value share one code of a learned codebook.

`declaration` says what it is and what it is measured on (no torch); `workload` joins the parts:
`cache` (inputs, with `inputs`, `calibration`, `codebooks`), `emulation`, `torch_decode` (CPU),
`triton_decode` (CUDA: `gluon_attend` where shared memory holds the tables, else `triton_lookup`),
`figures` with `study` and `rivals`.
"""
