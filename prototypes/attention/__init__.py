"""Attention in common: the exact answer, inputs, errors and baselines. Declares nothing itself."""
