"""INT-FlashAttention: both products of attention in INT8, the softmax between them online."""
