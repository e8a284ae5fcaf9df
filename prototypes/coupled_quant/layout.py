"""How codes and codebooks lie in memory, the same for every implementation.

Codes: bytes, (batch, kv_heads, tokens, groups). They are *skewed*: byte j of key n is the code of
group (j + n) % groups, so that threads that look up neighbouring tokens are in different groups at
each step, and read different banks of shared memory. Byte j of value n is the code of group
(j + groups / 4 * (n % 4)) % groups: neighbouring tokens are of four classes, whose groups differ.

Codebooks: half precision, (kv_heads, centroids, groups, channels of a group).
"""

from __future__ import annotations

import torch

CLASSES = 4
"""Neighbouring values are in this many classes."""


def key_groups(tokens: torch.Tensor, groups: int) -> torch.Tensor:
    """Return which group byte j of these keys codes, (tokens, groups) int64."""
    return (torch.arange(groups, device=tokens.device) + tokens[:, None]) % groups


def value_groups(tokens: torch.Tensor, groups: int) -> torch.Tensor:
    """Return which group byte j of these values codes, (tokens, groups) int64."""
    steps = groups // CLASSES * (tokens % CLASSES)
    return (torch.arange(groups, device=tokens.device) + steps[:, None]) % groups


def skewed(codes: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return codes by group (…, tokens, groups) as they are stored; `which` names the groups."""
    return codes.gather(-1, which.expand(codes.shape))


def by_group(stored: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return stored codes in the order of their groups: undoes `skewed`."""
    return torch.empty_like(stored).scatter_(-1, which.expand(stored.shape), stored)
