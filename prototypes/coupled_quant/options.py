"""Configurations: how many channels share a code, and how many bits it has."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """`channels` channels of a head share one code of `bits` bits: the paper's "8c8b" and so on."""

    channels: int
    bits: int

    @classmethod
    def of(cls, name: str) -> Config:
        """Return the configuration with the paper's name; raises `ValueError`."""
        found = re.fullmatch(r"(\d+)c(\d+)b", name)
        if not found:
            raise ValueError(f"{name!r} is no configuration: write 8c8b for 8 channels, 8 bits.")
        return cls(int(found[1]), int(found[2]))

    @property
    def centroids(self) -> int:
        """Size of a codebook."""
        return 1 << self.bits

    @property
    def bits_a_channel(self) -> float:
        """What the paper counts: codes alone."""
        return self.bits / self.channels

    @property
    def stored(self) -> Config:
        """The configuration in whole bytes that the kernels see.

        Two codes of 4 bits are one byte, and their two codebooks one product codebook: 4c4b is
        8c8b with centroids that are pairs.
        """
        return Config(2 * self.channels, 8) if self.bits == 4 else self

    def groups(self, head_dim: int) -> int:
        """Return how many codes a head has; raises `ValueError` if they don't come out even."""
        if head_dim % self.channels:
            raise ValueError(f"{head_dim} channels don't divide into groups of {self.channels}.")
        return head_dim // self.channels

    def code_bytes(self, head_dim: int) -> int:
        """Return the bytes of one token's codes in one head, keys or values."""
        return self.groups(head_dim) * self.bits // 8

    def book_bytes(self, head_dim: int) -> int:
        """Return the bytes of one head's codebooks of keys, or of values, in half precision."""
        return 2 * self.centroids * head_dim
