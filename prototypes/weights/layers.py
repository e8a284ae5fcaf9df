"""Linear layers of real models: `outputs` features from `inputs` features, y = x W^T."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One weight matrix (outputs, inputs), as `torch.nn.Linear` keeps it."""

    inputs: int
    outputs: int

    @property
    def elements(self) -> int:
        """How many weights it has."""
        return self.inputs * self.outputs

    def bytes(self, bits: float) -> int:
        """Return what the weights take at so many bits each."""
        return int(self.elements * bits / 8)


LLAMA_8B = {
    "attention_in": Layer(4096, 6144),
    "attention_out": Layer(4096, 4096),
    "gate_up": Layer(4096, 28672),
    "down": Layer(14336, 4096),
}
"""Llama 3 8B, gate and up joined, queries, keys and values joined."""
LLAMA_70B = {
    "attention_in": Layer(8192, 10240),
    "attention_out": Layer(8192, 8192),
    "gate": Layer(8192, 28672),
    "gate_up": Layer(8192, 57344),
    "down": Layer(28672, 8192),
}
"""Llama 3 70B."""
QWEN_7B = {"gate": Layer(3584, 18944), "down": Layer(18944, 3584)}
"""Qwen2.5 7B."""
