"""Learns codebooks: weighted k-means, many small problems at once (one a head and group).

The start is that of k-means++, the weights are the Fisher information of the samples, and
a centroid that no sample is nearest to is put onto the sample that costs most (Section 3.2).
"""

from __future__ import annotations

import torch

from prototypes.coupled_quant.options import Config

AT_ONCE = 1 << 26
"""Distances that are held at a time; while learning on a GPU, LEARNING_AT_ONCE."""
LEARNING_AT_ONCE = {"cpu": AT_ONCE, "cuda": 1 << 29}


def learn(
    samples: torch.Tensor,
    config: Config,
    weights: torch.Tensor | None = None,
    iterations: int = 20,
    seed: int = 0,
) -> torch.Tensor:
    """Return codebooks (heads, centroids, groups, channels) in half precision.

    samples (heads, tokens, head_dim); `weights` of the same shape: the squared gradient of the loss
    for each channel, summed over a group as the paper does. Without them all samples count alike.
    Raises `ValueError` if there are fewer tokens than centroids.
    """
    heads, tokens, head_dim = samples.shape
    groups = config.groups(head_dim)
    if tokens < config.centroids:
        raise ValueError(f"{tokens} samples are too few for {config.centroids} centroids.")

    def problems(tensor: torch.Tensor) -> torch.Tensor:
        split = tensor.float().view(heads, tokens, groups, config.channels)
        return split.transpose(1, 2).reshape(heads * groups, tokens, config.channels)

    points = problems(samples)
    mass = torch.ones_like(points[..., 0]) if weights is None else problems(weights).sum(dim=-1)
    # Only ratios matter; gradients may be as small as they like, and where none came all count.
    mean = mass.mean(dim=-1, keepdim=True)
    mass = torch.where(mean > 0, mass / mean.clamp_min(1e-38), 1.0)
    generator = torch.Generator(device=samples.device).manual_seed(seed)
    found = kmeans(points, mass, config.centroids, iterations, generator)
    return found.view(heads, groups, config.centroids, -1).transpose(1, 2).contiguous().half()


def kmeans(
    points: torch.Tensor,
    mass: torch.Tensor,
    count: int,
    iterations: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return `count` centroids of each problem, (problems, count, dim) float32.

    points (problems, samples, dim), mass (problems, samples), both float32.
    """
    step = max(LEARNING_AT_ONCE[points.device.type] // (points.shape[1] * count), 1)
    return torch.cat(
        [
            _kmeans(p, m, count, iterations, generator)
            for p, m in zip(torch.split(points, step), torch.split(mass, step), strict=True)
        ]
    )


def _kmeans(
    points: torch.Tensor,
    mass: torch.Tensor,
    count: int,
    iterations: int,
    generator: torch.Generator,
) -> torch.Tensor:
    centroids = _spread(points, mass, count, generator)
    for _ in range(iterations):
        nearest, distance = assign(points, centroids)
        total = torch.zeros_like(centroids[..., 0]).scatter_add_(1, nearest, mass)
        moved = torch.zeros_like(centroids).scatter_add_(
            1, nearest[..., None].expand(points.shape), points * mass[..., None]
        )
        fresh = moved / total.clamp_min(1e-38)[..., None]
        centroids = _repaired(
            torch.where((total > 0)[..., None], fresh, centroids),
            points,
            mass * distance,
            total <= 0,
        )
    return centroids


def _spread(
    points: torch.Tensor, mass: torch.Tensor, count: int, generator: torch.Generator
) -> torch.Tensor:
    """k-means++: each next centroid is a sample, drawn by its cost so far."""
    problems, _, dim = points.shape
    centroids = points.new_empty(problems, count, dim)
    cost = mass.clone()
    nearest = torch.full_like(mass, torch.inf)
    for index in range(count):
        # All cost gone: fewer different samples than centroids. Any sample will do.
        share = torch.where(cost.sum(dim=-1, keepdim=True) > 0, cost, 1.0)
        chosen = torch.multinomial(share, 1, generator=generator)
        picked = points.gather(1, chosen[..., None].expand(-1, 1, dim))
        centroids[:, index] = picked[:, 0]
        nearest = torch.minimum(nearest, (points - picked).square().sum(dim=-1))
        cost = mass * nearest
    return centroids


def _repaired(
    centroids: torch.Tensor, points: torch.Tensor, cost: torch.Tensor, empty: torch.Tensor
) -> torch.Tensor:
    """Put centroids without samples onto the samples that cost most, each onto another."""
    if not bool(empty.any()):
        return centroids
    most = min(int(empty.sum(dim=-1).max()), points.shape[1])
    worst = cost.topk(most, dim=-1).indices
    place = (empty.long().cumsum(dim=-1) - 1).clamp(0, most - 1)
    new = points.gather(1, worst.gather(1, place)[..., None].expand(centroids.shape))
    return torch.where(empty[..., None], new, centroids)


def assign(points: torch.Tensor, centroids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest centroid of each point, and its squared distance; the first of several.

    points (problems, samples, dim), centroids (problems, count, dim).
    """
    half_norms = centroids.square().sum(dim=-1)[:, None] / 2
    # |x - c|^2 = |x|^2 + 2 (|c|^2 / 2 - x c): the second part decides.
    part, nearest = torch.baddbmm(half_norms, points, centroids.transpose(1, 2), alpha=-1).min(
        dim=-1
    )
    return nearest, (points.square().sum(dim=-1) + 2 * part).clamp_min(0)


def as_stored(books: torch.Tensor) -> torch.Tensor:
    """Return product codebooks of two neighbouring groups: the centroids that a byte names.

    books (heads, 16, groups, channels) → (heads, 256, groups / 2, 2 channels); the low half of the
    byte is the code of the first of the two groups. Other codebooks come back as they are.
    """
    heads, count, groups, channels = books.shape
    if count != 16:
        return books
    low, high = books.view(heads, count, groups // 2, 2, channels).unbind(dim=3)
    byte = torch.arange(256, device=books.device)
    return torch.cat([low[:, byte % 16], high[:, byte // 16]], dim=-1).contiguous()


def encode(vectors: torch.Tensor, books: torch.Tensor, at_once: int = AT_ONCE) -> torch.Tensor:
    """Return codes (batch, heads, tokens, groups) uint8 in the order of the groups.

    vectors (batch, heads, tokens, head_dim); books as stored, (heads, 256, groups, channels). The
    nearest centroid, distances in float32.
    """
    batch, heads, tokens, _ = vectors.shape
    _, count, groups, channels = books.shape
    flat = books.float().permute(0, 2, 1, 3).reshape(heads * groups, count, channels)
    codes = torch.empty(batch, heads, tokens, groups, dtype=torch.uint8, device=vectors.device)
    step = max(at_once // (heads * groups * count), 1)
    for b in range(batch):
        for start in range(0, tokens, step):
            part = vectors[b, :, start : start + step].float()
            points = part.view(heads, -1, groups, channels).transpose(1, 2)
            nearest, _ = assign(points.reshape(heads * groups, -1, channels), flat)
            codes[b, :, start : start + step] = (
                nearest.view(heads, groups, -1).transpose(1, 2).to(torch.uint8)
            )
    return codes


def decode(codes: torch.Tensor, books: torch.Tensor) -> torch.Tensor:
    """Return the centroids that these codes name: (heads, tokens, head_dim), of `books`' type.

    codes (heads, tokens, groups) in the order of the groups; books as stored.
    """
    heads, tokens, groups = codes.shape
    head = torch.arange(heads, device=codes.device)[:, None, None]
    group = torch.arange(groups, device=codes.device)
    return books[head, codes.long(), group].reshape(heads, tokens, -1)
