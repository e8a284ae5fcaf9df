"""FlatQuant: a learned Kronecker transform in front of each quantized linear layer."""
