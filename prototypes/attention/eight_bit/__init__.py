"""Attention with 8-bit products: one family of kernels with options, and its emulation in torch."""
