"""SageAttention: scores in INT8 after K's mean is taken off, P·V in FP16 or FP8."""
