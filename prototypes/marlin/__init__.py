"""MARLIN: FP16 activations times 4-bit weights, near the speed of reading the weights."""
