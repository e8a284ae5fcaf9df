"""The CPU's decode step: table lookups with what torch has, one KV head at a time.

Keys: `embedding_bag` adds 16 rows of the score table a token; a row has the scores of all query
heads of the group. Values: the weights are added up by code (`scatter_add_`), and 256 sums a group
meet the codebook instead of thousands of tokens. Four heads' weights travel in one complex number:
two whole numbers of 26 bits in each of its doubles, which add without a carry, since the weights of
a head sum to one.
"""

from __future__ import annotations

import math

import torch

from prototypes.coupled_quant import layout
from prototypes.coupled_quant.options import Config
from prototypes.decode.inputs import Shape
from prototypes.harness.workload import Tensors

CHUNK = 4096
"""Tokens at a time: few enough for the caches, many enough for the price of a call."""
WIDE = 16
UNIT = float(1 << 26)
"""What a weight of 1 is, as a whole number."""
BASE = float(1 << 27)
"""The upper of two numbers in a double counts in this."""


class LookupDecode:
    """One decode step of a layer with coded keys and values, on a CPU.

    Calls take `prototypes.coupled_quant.workload`'s inputs and write `out` (batch, heads,
    head_dim). Raises `ValueError` for more than 2^25 tokens, which could carry, and for other than
    four queries a head.
    """

    def __init__(self, shape: Shape, config: Config) -> None:
        if shape.queries != 4:
            raise ValueError("Four query heads a KV head, not others: they share one number.")
        if shape.seq > 1 << 25:
            raise ValueError(f"{shape.seq} tokens are too many: their weights could carry.")
        self.shape, self.stored = shape, config.stored
        self.groups = groups = self.stored.groups(shape.head_dim)
        chunk = min(CHUNK, -(-shape.seq // layout.CLASSES) * layout.CLASSES)
        # Chunks begin at multiples of all periods, so each has the first one's pattern.
        self.period = math.lcm(groups, layout.CLASSES)
        self.chunk = -(-chunk // self.period) * self.period
        tokens = torch.arange(self.chunk)
        count = self.stored.centroids
        self.key_offsets = (layout.key_groups(tokens, groups) * count).int()
        self.rows = torch.empty(self.chunk, groups, dtype=torch.int32)
        self.bags = torch.arange(0, self.chunk * groups + 1, groups, dtype=torch.int32)
        padded = -(-shape.seq // WIDE) * WIDE
        self.scores = torch.full((padded, shape.queries), -torch.inf)
        self.minus_base = torch.tensor(-BASE, dtype=torch.float64)
        self.pairs = torch.tensor([[BASE], [1.0]], dtype=torch.float64)

    def __call__(self, inputs: Tensors, out: torch.Tensor) -> None:
        """Code the newest token, then attend."""
        shape = self.shape
        books = {kind: inputs[f"{kind}_books"].float() for kind in ("key", "value")}
        for kind, book in books.items():
            self._code(inputs[f"new_{kind[0]}"], book, kind, inputs[f"{kind}_codes"])
        scale = 1 / math.sqrt(shape.head_dim)
        q = inputs["q"].float().view(shape.batch, shape.kv_heads, shape.queries, -1) * scale
        result = out.view(shape.batch, shape.kv_heads, shape.queries, shape.head_dim)
        for h in range(shape.kv_heads):
            key_book = books["key"][h].transpose(0, 1)
            value_book = books["value"][h].transpose(0, 1)
            for b in range(shape.batch):
                weights = self._weights(q[b, h], inputs["key_codes"][b, h], key_book)
                sums = self._sums(weights, inputs["value_codes"][b, h])
                mixed = torch.bmm(sums, value_book)  # (groups, queries, channels)
                result[b, h] = mixed.transpose(0, 1).reshape(shape.queries, -1)

    def _code(self, new: torch.Tensor, book: torch.Tensor, kind: str, codes: torch.Tensor) -> None:
        """Write the newest token's codes, (batch, kv_heads, groups), where they belong."""
        last = self.shape.seq - 1
        groups_of = layout.key_groups if kind == "key" else layout.value_groups
        which = groups_of(torch.tensor([last]), self.groups)[0]
        for b in range(self.shape.batch):
            away = book - new[b].float().view(self.shape.kv_heads, 1, self.groups, -1)
            nearest = away.square_().sum(dim=-1).argmin(dim=1)
            codes[b, :, last] = nearest[:, which].to(torch.uint8)

    def _weights(self, q: torch.Tensor, codes: torch.Tensor, book: torch.Tensor) -> torch.Tensor:
        """Return the shares of attention, (tokens, queries) float32."""
        asked = q.view(self.shape.queries, self.groups, -1).permute(1, 2, 0)
        table = torch.bmm(book, asked).flatten(0, 1)
        for start in range(0, self.shape.seq, self.chunk):
            part = codes[start : start + self.chunk]
            n = part.shape[0]
            rows = torch.add(part, self.key_offsets[:n], out=self.rows[:n])
            self.scores[start : start + n] = torch.embedding_bag(
                table, rows.view(-1), self.bags[: n + 1], False, 0, False, None, True
            )[0]
        # WIDE tokens a row: whole vectors, where rows of four numbers would be handled singly.
        wide = self.scores.view(-1, WIDE, self.shape.queries)
        highest = wide.amax(dim=0).amax(dim=0).expand(WIDE, -1).contiguous()
        shares = (wide - highest).exp_()
        shares *= (1 / shares.sum(dim=0).sum(dim=0)).expand(WIDE, -1).contiguous()
        return shares.view(-1, self.shape.queries)[: self.shape.seq]

    def _sums(self, weights: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Return the weights added up by code, (groups, queries, centroids) float32."""
        classes, groups, count = layout.CLASSES, self.groups, self.stored.centroids
        found = torch.zeros(classes * groups, count, dtype=torch.complex128)
        for start in range(0, self.shape.seq, self.chunk):
            part, own = codes[start : start + self.chunk], weights[start : start + self.chunk]
            n = part.shape[0]
            whole = (own * UNIT).round_().double().view(n, 2, 2)
            packed = torch.view_as_complex((whole @ self.pairs)[..., 0])
            even = n // classes * classes
            self._add(found, packed[:even], part[:even])
            for extra in range(even, n):
                which = slice((extra - even) * groups, (extra - even + 1) * groups)
                self._one(found[which], packed[extra], part[extra])
        # Byte j of class k codes group (j + groups / classes * k) % groups. Whole numbers still.
        by_class = found.view(classes, groups, count)
        total = by_class[0]
        for k in range(1, classes):
            turn = groups // classes * k
            total[turn:] += by_class[k, : groups - turn]
            total[:turn] += by_class[k, groups - turn :]
        pairs = torch.view_as_real(total)
        high = (pairs * (1 / BASE)).floor_()
        low = torch.addcmul(pairs, high, self.minus_base)
        return torch.stack([high, low], dim=-1).flatten(-2).mul_(1 / UNIT).float().transpose(1, 2)

    def _add(self, found: torch.Tensor, packed: torch.Tensor, codes: torch.Tensor) -> None:
        """Add whole rows of classes: each row of `found` is one class and byte."""
        quarter = codes.shape[0] // layout.CLASSES
        if not quarter:
            return
        shape = (layout.CLASSES, self.groups, quarter)
        by_row = codes.view(quarter, layout.CLASSES, self.groups).permute(1, 2, 0).contiguous()
        bins = by_row.long()
        spread = packed.view(quarter, layout.CLASSES).T[:, None].expand(shape)
        found.view(layout.CLASSES, self.groups, -1).scatter_add_(2, bins, spread)

    @staticmethod
    def _one(found: torch.Tensor, packed: torch.Tensor, codes: torch.Tensor) -> None:
        """Add one token, whose codes are one a row of `found`."""
        found[torch.arange(codes.shape[0]), codes.long()] += packed
